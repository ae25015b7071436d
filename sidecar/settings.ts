import { RECORDER_PORT } from '../src/api/annotations.ts';

/** What the injector says to the recorder, by environment. */
export interface Settings {
  /** Where the release is reported. */
  recordUrl: URL;
  /** Projected service account token; read again for every attempt, since the kubelet renews it. */
  tokenFile: string;
  /** Projected CA bundle of the record endpoint; may be absent, or appear later. */
  caFile: string;
  /** CA bundle as it was at injection (PEM): trusted until the file is there. */
  ca: string | undefined;
  /** Port of /metrics. */
  port: number;
  /** The application's own metrics, merged into ours; undefined where nobody scrapes by annotation. */
  app: AppTarget | undefined;
}

export interface AppTarget {
  host: string;
  port: number;
  path: string;
}

const MOUNT = '/var/run/metricops.dev';

/** Throws TypeError when the record URL is missing or is no URL. */
export const settingsOf = (env: Record<string, string | undefined>): Settings => ({
  recordUrl: new URL(env.METRICOPS_RECORD_URL ?? ''),
  tokenFile: env.METRICOPS_TOKEN_FILE ?? `${MOUNT}/token`,
  caFile: env.METRICOPS_CA_FILE ?? `${MOUNT}/ca.crt`,
  ca: env.METRICOPS_CA === '' ? undefined : env.METRICOPS_CA,
  port: portOf(env.METRICOPS_PORT) ?? RECORDER_PORT,
  app: appOf(env),
});

const appOf = (env: Record<string, string | undefined>): AppTarget | undefined => {
  const port = portOf(env.METRICOPS_APP_PORT);
  if (port === undefined) return undefined;
  return { host: env.METRICOPS_APP_HOST ?? '127.0.0.1', port, path: env.METRICOPS_APP_PATH ?? '/metrics' };
};

const portOf = (text: string | undefined): number | undefined => {
  const port = Number(text);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
};
