import { z } from 'zod';
import { localName } from './common.ts';

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

/** What `helm template` is told. A later one wins: the chart's own values, valuesFiles, valuesFrom, values. */
export const helmSpec = z.strictObject({
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
  skipSchemaValidation: z
    .boolean()
    .default(false)
    .describe('Whether values are rendered that the values.schema.json of the chart refuses, or that nobody checked.'),
});
export type HelmSpec = z.infer<typeof helmSpec>;
