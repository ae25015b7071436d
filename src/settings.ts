import { z } from 'zod';
import { SYSTEM_NAMESPACE } from './api/annotations.ts';

const optional = z
  .string()
  .transform((text) => (text === '' ? undefined : text))
  .optional();
const port = z.coerce.number().int().min(0).max(65_535);

const environment = z.object({
  POD_NAME: z.string().default('metricops'),
  POD_NAMESPACE: z.string().default(SYSTEM_NAMESPACE),
  METRICOPS_DATA_DIR: z.string().default('/var/lib/metricops'),
  METRICOPS_KUSTOMIZE: z.string().default('kustomize'),
  METRICOPS_HELM: z.string().default('helm'),
  METRICOPS_SOPS: z.string().default('sops-decrypt'),
  METRICOPS_PROMETHEUS_URL: optional,
  METRICOPS_PROMETHEUS_TOKEN: optional,
  /** Whose silences are obeyed, and where incidents are sent as alerts: each member of its cluster, separated by commas. */
  METRICOPS_ALERTMANAGER_URL: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((url) => url.trim() || [])),
  METRICOPS_ALERTMANAGER_API_TOKEN: optional,
  METRICOPS_CLUSTER_LABEL: optional,
  METRICOPS_SIDECAR_IMAGE: z.string().default('metricops.dev/sidecar:dev'),
  METRICOPS_RECORD_URL: optional,
  /** Lock-down: as requireServiceAccount of a PlatformPolicy, for clusters that have none. */
  METRICOPS_REQUIRE_SERVICE_ACCOUNT: z.enum(['true', 'false']).default('false'),
  METRICOPS_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  METRICOPS_ALERTMANAGER_TOKEN_FILE: z.string().default('/etc/metricops/alertmanager/token'),
  METRICOPS_PUSH_TOKEN_FILE: z.string().default('/etc/metricops/push/token'),
  METRICOPS_HTTP_PORT: port.default(8080),
  METRICOPS_RECORDS_PORT: port.default(8443),
  METRICOPS_PROBES_PORT: port.default(8081),
  METRICOPS_WEBHOOK_PORT: port.default(9443),
});

export type Settings = ReturnType<typeof readSettings>;

/** Settings from the environment. Throws with the name of every variable that is wrong. */
export const readSettings = (env: NodeJS.ProcessEnv) => {
  const parsed = environment.safeParse(env);
  if (!parsed.success) throw new Error(`bad settings:\n${z.prettifyError(parsed.error)}`);
  const { METRICOPS_CLUSTER_LABEL: cluster, ...rest } = parsed.data;
  const [label, value] = cluster?.split('=', 2) ?? [];
  if (cluster !== undefined && (!label || !value)) {
    throw new Error(`METRICOPS_CLUSTER_LABEL is ${JSON.stringify(cluster)}; write it as name=value`);
  }
  return { ...rest, cluster: label && value ? { label, value } : undefined };
};
