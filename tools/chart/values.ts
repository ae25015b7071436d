import { z } from 'zod';

/** An image as the values of a chart name it. */
export interface ImageName {
  /** Empty: whoever installs has to name it. */
  repository: string;
  tag: string;
  digest: string;
}

/** What deploy/ says where a value says nothing. */
export interface Defaults {
  image: ImageName;
  sidecarImage: ImageName;
  namespace: string;
  replicas: number;
  resources: Resources;
  heapMiB: number;
  /** Of the ConfigMap metricops-config, by the names of the environment. */
  settings: Record<string, string>;
}

export type Resources = Partial<Record<'requests' | 'limits', Record<string, string>>>;

/** The names of the values of settings, each with the variable that it becomes. */
export const VARIABLES = {
  prometheusUrl: 'METRICOPS_PROMETHEUS_URL',
  alertmanagerUrl: 'METRICOPS_ALERTMANAGER_URL',
  clusterLabel: 'METRICOPS_CLUSTER_LABEL',
  requireServiceAccount: 'METRICOPS_REQUIRE_SERVICE_ACCOUNT',
  logLevel: 'METRICOPS_LOG_LEVEL',
  httpsProxy: 'HTTPS_PROXY',
  noProxy: 'NO_PROXY',
} as const;

const imageValue = ({ repository, tag, digest }: ImageName) => ({
  repository: z.string().default(repository).describe('Without a tag. Empty: it has to be named.'),
  tag: z.string().default(tag).describe('Empty: none, where the digest says enough.'),
  digest: z
    .string()
    .regex(/^(sha256:[0-9a-f]{64})?$/)
    .default(digest)
    .describe('sha256:..., beside the tag or instead of it.'),
});

const quantity = z.union([z.string(), z.number()]);
const amounts = z.record(z.string(), quantity);

/**
 * The values of the chart: values.yaml, values.schema.json and the table of its README come from here. A key that is not
 * named is refused, so that a typo is no setting that nobody reads.
 */
export const valuesSchema = (defaults: Defaults) => {
  const setting = (name: keyof typeof VARIABLES): string => defaults.settings[VARIABLES[name]] ?? '';
  return z.strictObject({
    namespace: z
      .strictObject({
        name: z
          .string()
          .min(1)
          .default(defaults.namespace)
          .describe(
            'Namespace of all objects, whatever `helm -n` says. The command line `metricops` knows no other than the default.',
          ),
        create: z
          .boolean()
          .default(false)
          .describe(
            'Create it with the labels of Pod Security "restricted"; it stays when metricops is uninstalled, for it has the key of the snapshots.',
          ),
      })
      .prefault({}),
    image: z
      .strictObject({
        ...imageValue(defaults.image),
        pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
      })
      .prefault({})
      .describe('Image of the controller.'),
    sidecar: z
      .strictObject({ image: z.strictObject(imageValue(defaults.sidecarImage)).prefault({}) })
      .prefault({})
      .describe('The recorder. Name its image by digest: nodes that pulled a moved tag would run different recorders.'),
    imagePullSecrets: z
      .array(z.strictObject({ name: z.string() }))
      .default([])
      .describe("For the controller's image."),
    replicas: z
      .int()
      .min(0)
      .default(defaults.replicas)
      .describe('All of them answer alerts and admission requests; one of them acts.'),
    resources: z
      .strictObject({ requests: amounts.optional(), limits: amounts.optional() })
      .default(defaults.resources)
      .describe('Of the controller. The memory limit is the sum of the bounds of all parts: docs/sizing.md.'),
    heapMiB: z
      .int()
      .min(64)
      .default(defaults.heapMiB)
      .describe("Heap of the controller's main thread. Raise it and the memory limit by the same amount."),
    env: z
      .array(z.looseObject({ name: z.string() }))
      .default([])
      .describe('More environment of the controller, such as METRICOPS_PROMETHEUS_TOKEN from a Secret.'),
    nodeSelector: z.record(z.string(), z.string()).default({}).describe('Of the controller.'),
    tolerations: z.array(z.looseObject({})).default([]).describe('Of the controller.'),
    settings: z
      .strictObject({
        prometheusUrl: z
          .string()
          .default(setting('prometheusUrl'))
          .describe('Prometheus that burn rates are queried from. Empty: every verdict is Inconclusive.'),
        alertmanagerUrl: z
          .string()
          .default(setting('alertmanagerUrl'))
          .describe('Alertmanagers whose silences are obeyed and that get incidents as alerts, separated by commas.'),
        clusterLabel: z
          .string()
          .regex(/^([^=]+=.+)?$/)
          .default(setting('clusterLabel'))
          .describe('name=value: an alert counts only with this label. Empty: every alert counts.'),
        requireServiceAccount: z
          .boolean()
          .default(setting('requireServiceAccount') === 'true')
          .describe('Refuse GitSyncs without spec.serviceAccountName, whatever the PlatformPolicy says.'),
        logLevel: z
          .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
          .default(setting('logLevel') as 'info'),
        httpsProxy: z
          .string()
          .default(setting('httpsProxy'))
          .describe('Proxy on the way to Git servers and chart repositories over HTTPS and HTTP; SSH goes directly.'),
        noProxy: z.string().default(setting('noProxy')).describe('Hosts to which there is none, separated by commas.'),
      })
      .prefault({})
      .describe('The ConfigMap metricops-config: docs/operations.md. A change restarts the controller.'),
    applier: z
      .strictObject({
        rights: z
          .enum(['Base', 'Labelled', 'None'])
          .default('Base')
          .describe(
            'Base: the kinds that applications are made of, and every ClusterRole with the label metricops.dev/aggregate-to-applier=true. Labelled: those ClusterRoles alone. None: none, and every GitSync needs a serviceAccountName.',
          ),
      })
      .prefault({})
      .describe('What GitSyncs without spec.serviceAccountName may apply, in the whole cluster.'),
    crds: z
      .strictObject({
        install: z
          .boolean()
          .default(true)
          .describe('False where something else installs deploy/crds. They stay when the release is uninstalled.'),
      })
      .prefault({})
      .describe('The kinds of metricops.'),
    monitoring: z
      .strictObject({
        enabled: z.boolean().default(false).describe('Needs prometheus-operator.'),
        labels: z
          .record(z.string(), z.string())
          .default({})
          .describe('By which your Prometheus selects them, such as release: kube-prometheus-stack.'),
      })
      .prefault({})
      .describe('A ServiceMonitor and a PrometheusRule about metricops itself.'),
    global: z.looseObject({}).default({}).describe('Of a chart around this one; nothing reads it.'),
  });
};
