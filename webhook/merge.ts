import { switchOf } from '../src/api/annotation-values.ts';
import { annotations, RECORDER_PORT } from '../src/api/annotations.ts';
import type { KubeObject } from '../src/api/meta.ts';
import { admitsAsWell } from './network-policy.ts';
import type { AdmittedPod } from './pod.ts';

const SCRAPE = 'prometheus.io/scrape';
const PORT = 'prometheus.io/port';
const PATH = 'prometheus.io/path';
const SCHEME = 'prometheus.io/scheme';

/** Where meshes serve what they merged themselves; mTLS and policies make exceptions for these ports only. */
const MESH_PORTS = new Set([15020, 15090, 4191]);
const MESH_PROXIES = new Set(['istio-proxy', 'linkerd-proxy']);

export interface Merge {
  port: number;
  path: string;
}

/**
 * Where the application's metrics are, if Prometheus finds the pod by annotations and would reach the recorder as it
 * reaches the application; undefined otherwise: then the target stays as it is. A ServiceMonitor's target stays, too:
 * merged there, every counter would be there twice.
 *
 * @param policies NetworkPolicies of the pod's namespace
 */
export const mergeOf = (pod: AdmittedPod, recorderPort: number, policies: readonly KubeObject[]): Merge | undefined => {
  const said = pod.metadata?.annotations ?? {};
  if (switchOf(pod.metadata, annotations.mergeMetrics) === false) return undefined;
  if (said[SCRAPE] !== 'true' || (said[SCHEME] ?? 'http') !== 'http') return undefined;
  const declared = pod.spec?.containers?.flatMap((c) => c.ports ?? []) ?? [];
  // Without the annotation Prometheus scrapes every declared port: with more than one there is no single target.
  const port = said[PORT] === undefined && declared.length === 1 ? declared[0]?.containerPort : Number(said[PORT]);
  if (port === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  if (MESH_PORTS.has(port) || isMeshed(pod) || !admitsAsWell(pod, { from: port, to: recorderPort }, policies))
    return undefined;
  return { port, path: said[PATH] ?? '/metrics' };
};

/** Its proxy decides who reaches which port. */
const isMeshed = ({ metadata, spec }: AdmittedPod): boolean =>
  [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].some(({ name }) => MESH_PROXIES.has(name)) ||
  metadata?.annotations?.['sidecar.istio.io/status'] !== undefined;

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
  let port = RECORDER_PORT;
  while (taken.has(port)) port += 1;
  return port;
};
