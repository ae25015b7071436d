import { z } from 'zod';
import { localName } from './common.ts';
import { versionRange } from './version-range.ts';

const INSIDE = 'a values file is in the repository: no leading / and no ..';

const valuesFile = z
  .string()
  .min(1)
  .max(512)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), INSIDE)
  .meta({
    'x-kubernetes-validations': [
      { rule: "!self.startsWith('/') && !self.matches('(^|/)[.][.](/|$)')", message: INSIDE },
    ],
  });

const valuesSource = z.strictObject({
  kind: z.enum(['ConfigMap', 'Secret']).describe('Kind of the object.'),
  name: localName.describe('Its name.'),
  valuesKey: z
    .string()
    .min(1)
    .max(253)
    .default('values.yaml')
    .describe('Entry of it that holds values, as a values.yaml does.'),
  optional: z.boolean().default(false).describe('Whether the object, or the entry, may be missing.'),
});
export type ValuesSource = z.infer<typeof valuesSource>;

const NO_URL = 'spec.render.helm.chart.repository is no URL; write e.g. https://charts.example.com';

/** A chart repository's address, parsed; undefined for what is none: objects may be older than the rule. */
export const chartUrl = (text: string): URL | undefined => {
  const url = URL.parse(text.replace(/^oci:/, 'https:'));
  return url && url.host !== '' ? url : undefined;
};

/** A chart that is not in the source; the fields are those of Flux and Argo CD. */
export const chartSpec = z.strictObject({
  repository: z
    .string()
    .regex(/^(https?|oci):\/\/[a-zA-Z0-9[][^\s@?#]*$/)
    .max(1024)
    .refine((text) => chartUrl(text) !== undefined, NO_URL)
    .meta({
      patternMessage:
        'repository is https://, http:// or oci://, without a password in it; credentials go into a Secret named by secretRef',
      'x-kubernetes-validations': [{ rule: "isURL(self) && url(self).getHost() != ''", message: NO_URL }],
    })
    .describe(
      'Chart repository: the folder of its index.yaml (`https://charts.example.com`), or that of the charts in a registry (`oci://ghcr.io/org/charts`).',
    ),
  name: z
    .string()
    .regex(/^[a-z0-9]+([._-]+[a-z0-9]+)*$/)
    .max(128)
    .meta({ patternMessage: 'the name of a chart: lower case, digits, and . _ - between them' })
    .describe('Name of the chart.'),
  version: z
    .string()
    .min(1)
    .max(128)
    .refine(
      (text) => versionRange(text) !== undefined,
      'is no version and no range; write e.g. 1.2.3, 1.x or ">=1.2.0 <2.0.0"',
    )
    .describe(
      'Version, or range of versions, of which the newest is rendered: `1.2.3`, `1.x`, `^1.2`, `>=1.2.0 <2.0.0`. Pre-releases count only where the range names one (`>=1.2.0-0`).',
    ),
  secretRef: z
    .strictObject({ name: localName.describe('Its name.') })
    .optional()
    .describe(
      'Secret in this namespace: username and password (basic), or bearerToken or token (bearer); ca.crt for a private CA, tls.crt and tls.key for a client certificate.',
    ),
});
export type ChartSpec = z.infer<typeof chartSpec>;

/** Options of `helm template`. Later values win: the chart's own values, valuesFiles, valuesFrom, values. */
export const helmSpec = z.strictObject({
  chart: chartSpec
    .optional()
    .describe('A chart that is not in the source. If it is not set, the folder of spec.path is the chart.'),
  releaseName: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/)
    .max(53)
    .meta({ patternMessage: 'the name of a release: lower case, digits, - and .' })
    .optional()
    .describe("`.Release.Name` in the templates; the GitSync's name if it is not set."),
  valuesFiles: z
    .array(valuesFile)
    .max(16)
    .default([])
    .describe('Values files of the source, from its root, a later one winning over an earlier one.'),
  valuesFrom: z
    .array(valuesSource)
    .max(16)
    .default([])
    .describe(
      'ConfigMaps and Secrets of this namespace with values, a later one winning over an earlier one and over valuesFiles. With serviceAccountName they are read as that account.',
    ),
  values: z
    .record(z.string(), z.unknown())
    .default({})
    .meta({ 'x-kubernetes-preserve-unknown-fields': true })
    .describe('Values. They win over all others.'),
  hooks: z
    .enum(['Skip', 'Run'])
    .default('Skip')
    .describe(
      'What becomes of the hooks of the chart. Skip: they are left out, and the condition HooksNotRun names them. Run: pre-install and pre-upgrade before the revision is applied, post-install and post-upgrade once it is healthy.',
    ),
  skipSchemaValidation: z
    .boolean()
    .default(false)
    .describe('Whether values are rendered that the values.schema.json of the chart refuses, or that nobody checked.'),
});
export type HelmSpec = z.infer<typeof helmSpec>;
