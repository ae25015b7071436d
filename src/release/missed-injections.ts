import { injectionOf } from '../api/injection.ts';
import type { KubeObject } from '../api/meta.ts';
import { isPodOptedIn, isWorkloadOptedIn } from '../api/optin.ts';
import { isSystemNamespace } from '../api/system-namespace.ts';
import { ownerOf } from './identity.ts';
import type { RecorderPorts } from './types.ts';

type MissedPorts = Pick<RecorderPorts, 'caches' | 'log' | 'metrics' | 'systemNamespace'>;

/** Pods that are named in one line of the log. */
const NAMED = 5;

/**
 * Running pods of opted-in workloads that have no sidecar although nothing said why: the webhook was away when they were
 * made. Their releases are recorded all the same; their next restart heals it.
 */
export const createMissedInjections = (ports: MissedPorts): { count(): void } => {
  const { caches, log, metrics } = ports;
  let before = 0;
  /** One odd pod must not end the count of the others, nor what else the leader does. */
  const isMissedGuarded = (pod: KubeObject): boolean => {
    try {
      return isMissed(pod, ports);
    } catch (err) {
      log.error({ err, pod: `${pod.metadata.namespace}/${pod.metadata.name}` }, 'pod not understood');
      return false;
    }
  };
  return {
    count() {
      const missed = caches.pods.list().filter((pod) => isMissedGuarded(pod));
      metrics.missedInjections.set(missed.length);
      if (missed.length > before) {
        const pods = missed.slice(0, NAMED).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
        log.warn({ count: missed.length, pods }, 'pods without the sidecar that their workload asks for');
      }
      before = missed.length;
    },
  };
};

const isMissed = (pod: KubeObject, { caches, systemNamespace }: MissedPorts): boolean => {
  const { metadata } = pod;
  const isRunning = (pod.status as { phase?: string } | undefined)?.phase === 'Running';
  if (!isRunning || metadata.deletionTimestamp !== undefined || injectionOf(pod).is !== 'missed') return false;
  const owner = ownerOf(pod, caches);
  const namespace = caches.namespaces.get({ name: metadata.namespace ?? '' });
  // A pod of its own, or of a Job: its annotations are all the word there is.
  if (owner.is === 'none')
    return !isSystemNamespace(metadata.namespace, systemNamespace) && isPodOptedIn(metadata, namespace?.metadata);
  return owner.is === 'workload' && isWorkloadOptedIn(owner.workload, namespace);
};
