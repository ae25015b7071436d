import type { KubeObject } from '../src/api/meta.ts';
import { resources } from '../src/kube/resources.ts';
import type { KubeClient } from '../src/kube/types.ts';
import type { Log } from '../src/telemetry/index.ts';
import { hasBegun, isOnlyTrouble } from './trouble.ts';

/** At one look. A namespace with hundreds of stuck pods is through in minutes, and no controller is flooded. */
const AT_ONCE = 10;
const PER_NAMESPACE = 3;

/**
 * Pods that somebody makes again, and that would start without the recorder. A Job counts each pod that is deleted
 * after it began as a failure: those stay.
 */
export const canBeRecreated = (pod: KubeObject): boolean => {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  return owner !== undefined && isOnlyTrouble(pod) && !(owner.kind === 'Job' && hasBegun(pod));
};

/** Deletes a few of them, each only as the very pod that was seen: their controllers make them again, without us. */
export const recreate = async (
  { client, log }: { client: KubeClient; log: Log },
  pods: readonly KubeObject[],
): Promise<void> => {
  const taken = new Map<string, number>();
  const chosen = pods.filter(({ metadata: { namespace = '' } }) => {
    const count = (taken.get(namespace) ?? 0) + 1;
    taken.set(namespace, count);
    return count <= PER_NAMESPACE;
  });
  for (const { metadata } of chosen.slice(0, AT_ONCE)) {
    const { namespace = '', name, uid = '' } = metadata;
    try {
      await client.delete(resources.pods, { namespace, name }, { uid });
      log.warn({ pod: `${namespace}/${name}` }, 'pod deleted: the recorder kept it from starting');
    } catch (error) {
      // Gone, or another one by now, or refused by a policy: the next look sees it again.
      log.warn({ err: error, pod: `${namespace}/${name}` }, 'pod that the recorder keeps from starting not deleted');
    }
  }
};
