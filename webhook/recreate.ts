import type { KubeObject } from '../src/api/meta.ts';
import { type KubeClient, resources } from '../src/kube/index.ts';
import type { Log } from '../src/telemetry/index.ts';
import { hasBegun, isOnlyTrouble } from './trouble.ts';

/** In one check. A namespace with hundreds of stuck pods is through in minutes, and no controller is flooded. */
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

/**
 * Deletes a few of them at a time, each only as the very pod that was seen: their controllers make them again, without
 * us. Those whose deletion was refused come last.
 */
export const createRecreation = ({ client, log }: { client: KubeClient; log: Log }) => {
  /** UIDs of those that were tried, by how often. */
  let tries = new Map<string, number>();
  return async (pods: readonly KubeObject[]): Promise<void> => {
    const triesOf = ({ metadata: { uid = '' } }: KubeObject): number => tries.get(uid) ?? 0;
    tries = new Map(pods.map((pod) => [pod.metadata.uid ?? '', triesOf(pod)]));
    const taken = new Map<string, number>();
    const chosen = pods
      .toSorted((a, b) => triesOf(a) - triesOf(b))
      .filter(({ metadata: { namespace = '' } }) => {
        const count = (taken.get(namespace) ?? 0) + 1;
        taken.set(namespace, count);
        return count <= PER_NAMESPACE;
      });
    for (const pod of chosen.slice(0, AT_ONCE)) {
      const { namespace = '', name, uid = '' } = pod.metadata;
      tries.set(uid, triesOf(pod) + 1);
      try {
        await client.delete(resources.pods, { namespace, name }, { uid });
        log.warn({ pod: `${namespace}/${name}` }, 'pod deleted: the recorder kept it from starting');
      } catch (error) {
        // Gone, or another one by now, or refused by a policy: the next check finds it again.
        log.warn(
          { err: error, pod: `${namespace}/${name}` },
          'deleting a pod that the recorder keeps from starting failed',
        );
      }
    }
  };
};
