import type { AdmittedPod } from './pod.ts';

const SCRAPE = 'prometheus.io/scrape';
const PORT = 'prometheus.io/port';
const PATH = 'prometheus.io/path';
const SCHEME = 'prometheus.io/scheme';

/** The port where the recorder serves its metrics when nothing in the pod has it. */
const FIRST_PORT = 15090;

export interface Merge {
  port: number;
  path: string;
}

/**
 * Where the application's metrics are, if Prometheus finds the pod by annotations; undefined otherwise. A
 * ServiceMonitor's target stays as it is: merged there too, every counter would be there twice.
 */
export const mergeOf = (pod: AdmittedPod): Merge | undefined => {
  const said = pod.metadata?.annotations ?? {};
  if (said[SCRAPE] !== 'true' || (said[SCHEME] ?? 'http') !== 'http') return undefined;
  const declared = pod.spec?.containers?.flatMap((c) => c.ports ?? []) ?? [];
  // Without the annotation Prometheus scrapes every declared port: with more than one there is no single target.
  const port = said[PORT] === undefined && declared.length === 1 ? declared[0]?.containerPort : Number(said[PORT]);
  if (port === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  return { port, path: said[PATH] ?? '/metrics' };
};

/** What the pod's annotations become, so that Prometheus asks the recorder. */
export const mergedAnnotations = (recorderPort: number): Record<string, string> => ({
  [PORT]: String(recorderPort),
  [PATH]: '/metrics',
});

/** A port that no container of the pod declares, nor its annotation names. */
export const freePort = (pod: AdmittedPod): number => {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const taken = new Set(containers.flatMap((c) => c.ports ?? []).map((p) => p.containerPort));
  taken.add(Number(pod.metadata?.annotations?.[PORT]));
  let port = FIRST_PORT;
  while (taken.has(port)) port += 1;
  return port;
};
