import type { KubeObject } from '../api/meta.ts';
import { isPodReady } from '../health/pod-ready.ts';
import { rolloutOf } from '../health/rollout.ts';
import { isRejected, KubeError, resources } from '../kube/index.ts';
import type { EnforcePorts } from './types.ts';

interface StatefulSet extends KubeObject {
  spec?: {
    selector?: { matchLabels?: Record<string, string> };
    updateStrategy?: { rollingUpdate?: { partition?: number } };
  };
  status?: {
    observedGeneration?: number;
    updateRevision?: string;
  };
}

/** What became of the pods that a StatefulSet is stuck with. */
export interface Freed {
  /** Milliseconds until it is worth another try. */
  again?: number;
  /** Why a pod was not deleted, in words. */
  refused?: string;
}

/** Its controller sees a change within moments. */
export const OBSERVED_MS = 1_000;
/** Where a pod may not be deleted. */
const REFUSED_MS = 60_000;

/** Whether pods of a StatefulSet are not of the revision that it asks for. By the status of that very generation. */
export const isRollingOut = (workload: KubeObject): boolean => isObserved(workload) && rolloutOf(workload).old > 0;

const isObserved = ({ kind, metadata, status }: StatefulSet): boolean =>
  kind === 'StatefulSet' && status?.observedGeneration === metadata.generation;

/**
 * Deletes the pods that keep a StatefulSet from its newest revision: its controller never replaces a pod that does not
 * get ready by itself (kubernetes#67250), with podManagementPolicy OrderedReady none of the others either. Each that is
 * not ready and of another revision would be replaced anyway. What a partition keeps out of the update stays.
 * Level-triggered. Rejects with KubeError.
 *
 * @param live a StatefulSet that runs what it should
 */
export const deleteStuckPods = async (
  live: KubeObject,
  { client, signal }: Pick<EnforcePorts, 'client' | 'signal'>,
): Promise<Freed> => {
  if (!isObserved(live)) return { again: OBSERVED_MS };
  if (!isRollingOut(live)) return {};
  const { metadata, spec = {}, status = {} } = live as StatefulSet;
  const labelSelector = Object.entries(spec.selector?.matchLabels ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
  const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  const isStuck = (pod: KubeObject): boolean =>
    pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) === true &&
    pod.metadata.labels?.['controller-revision-hash'] !== status.updateRevision &&
    pod.metadata.deletionTimestamp === undefined &&
    ordinalOf(pod) >= partition &&
    !isPodReady(pod);
  const { items } = await client.list(resources.pods, { namespace: metadata.namespace ?? '', labelSelector });
  for (const pod of items.filter(isStuck)) {
    signal.throwIfAborted();
    const { name, uid } = pod.metadata;
    try {
      await client.delete(resources.pods, pod.metadata, uid === undefined ? {} : { uid });
    } catch (error) {
      if (!(error instanceof KubeError && isRejected(error))) throw error;
      return {
        refused: `pod ${name} of another revision is not ready, and is not deleted: ${error.message}`,
        again: REFUSED_MS,
      };
    }
  }
  return {};
};

/** Of `web-12` it is 12. */
const ordinalOf = ({ metadata: { name } }: KubeObject): number => Number(name.slice(name.lastIndexOf('-') + 1));
