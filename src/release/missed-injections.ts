import { annotations, SYSTEM_NAMESPACE } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { isOptedIn } from '../api/optin.ts';
import { templateOf } from '../snapshot/index.ts';
import { ownerOf } from './identity.ts';
import type { RecorderPorts } from './types.ts';

const RECORDER = 'metricops-recorder';
/** Pods that are named in one line of the log. */
const NAMED = 5;

/**
 * Running pods of opted-in workloads that have no sidecar although nothing said why: the webhook was away when they were
 * made. Their releases are recorded all the same; their next restart heals it.
 */
export const createMissedInjections = ({
  caches,
  log,
  metrics,
}: Pick<RecorderPorts, 'caches' | 'log' | 'metrics'>): { count(): void } => {
  let before = 0;
  /** One odd pod must not end the count of the others, nor what else the leader does. */
  const isMissedGuarded = (pod: KubeObject): boolean => {
    try {
      return isMissed(pod, caches);
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

const isMissed = (pod: KubeObject, caches: RecorderPorts['caches']): boolean => {
  const { metadata } = pod;
  const isRunning = (pod.status as { phase?: string } | undefined)?.phase === 'Running';
  if (!isRunning || metadata.deletionTimestamp !== undefined || hasSidecar(pod)) return false;
  if (metadata.annotations?.[annotations.injection] !== undefined) return false;
  const owner = ownerOf(pod, caches);
  const namespace = caches.namespaces.get({ name: metadata.namespace ?? '' })?.metadata;
  // A pod of its own, or of a Job: its annotations are all the word there is.
  if (owner.is === 'none') return !isSystem(metadata.namespace) && isOptedIn({ template: metadata, namespace });
  if (owner.is !== 'workload') return false;
  const template = (templateOf(owner.workload) as { metadata?: object } | undefined)?.metadata;
  return isOptedIn({ template, workload: owner.workload.metadata, namespace });
};

const isSystem = (namespace: string | undefined): boolean =>
  namespace === 'kube-system' || namespace === SYSTEM_NAMESPACE;

const hasSidecar = (pod: KubeObject): boolean => {
  const { initContainers } = (pod.spec ?? {}) as { initContainers?: { name: string }[] | null };
  return initContainers?.some((container) => container.name === RECORDER) === true;
};
