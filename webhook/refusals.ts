import type { KubeObject, OwnerReference } from '../src/api/meta.ts';
import type { Clock } from '../src/clock.ts';
import { type KubeClient, resources, type WatchCache } from '../src/kube/index.ts';
import type { AdmittedPod } from './pod.ts';

/** Pods of this owner were refused by the API server after they got the recorder. */
export interface Refusal {
  namespace: string;
  owner: OwnerReference;
  /** What the API server said. */
  words: string;
  /** When the pod was asked for, by this process' clock. */
  since: number;
  /** Refused without the recorder, too: it is not us. */
  isUnrelated: boolean;
}

export interface Refusals {
  /** A pod was admitted, with or without the recorder. Not for dry runs. */
  asked(pod: AdmittedPod, namespace: string, isInjected: boolean): void;
  /** A pod that was not there before: this owner's pods can be created. */
  arrived(pod: KubeObject, isInjected: boolean): void;
  look(): Promise<Refusal[]>;
}

/** An accepted pod is in the watch within a second or two. */
const SUSPICIOUS_MS = 5_000;
/** An entry that nothing confirms is forgotten: the review was not the API server's, or it came to nothing. */
const FORGOTTEN_MS = 60_000;
/** An owner whose pods are refused with and without us is not asked about again for a while. */
const CLEARED_MS = 600_000;
/** Reviews can be forged, so the memory and the reads that they cause are bounded. */
const OWNERS = 2_000;
const OWNERS_OF_NAMESPACE = 50;
const READS_A_LOOK = 5;

interface Asked {
  namespace: string;
  owner: OwnerReference;
  since: number;
  isInjected: boolean;
}

/**
 * Finds the pods that the API server refuses on account of the recorder, whatever it is that refuses: a LimitRange, a
 * quota, a policy. A webhook does not learn what became of the pod that it changed; so what was admitted and is in no
 * watch is suspected, and believed only if the owner's controller says that it can't create pods.
 */
export const createRefusals = ({
  clock,
  client,
  replicaSets,
}: {
  clock: Pick<Clock, 'now'>;
  client: Pick<KubeClient, 'list'>;
  replicaSets: Pick<WatchCache, 'get'>;
}): Refusals => {
  const asked = new Map<string, Asked>();
  const cleared = new Map<string, number>();
  const countOf = (namespace: string): number =>
    [...asked.values()].filter((entry) => entry.namespace === namespace).length;

  const confirm = async ({ namespace, owner }: Asked): Promise<string | undefined> => {
    if (owner.kind === 'ReplicaSet') {
      const replicaSet = replicaSets.get({ namespace, name: owner.name });
      return replicaSet?.metadata.uid === owner.uid ? failureOf(replicaSet) : undefined;
    }
    const fieldSelector = `reason=FailedCreate,regarding.uid=${owner.uid}`;
    const { items } = await client.list(resources.events, { namespace, fieldSelector });
    return (items as KubeObject[]).map(({ note }) => note).findLast((note) => typeof note === 'string');
  };

  /** What was admitted a while ago and did not come; what is too old is forgotten on the way. */
  const suspects = (): Asked[] => {
    const now = clock.now();
    for (const [uid, until] of cleared) if (until <= now) cleared.delete(uid);
    for (const [uid, { since }] of asked) if (now - since >= FORGOTTEN_MS) asked.delete(uid);
    return [...asked.values()].filter(({ since }) => now - since >= SUSPICIOUS_MS);
  };

  return {
    asked(pod, namespace, isInjected) {
      const owner = controllerOf(pod.metadata);
      if (owner === undefined || (cleared.get(owner.uid) ?? 0) > clock.now()) return;
      const known = asked.get(owner.uid);
      // The first of a kind counts: controllers repeat what was refused.
      if (known?.isInjected === isInjected) return;
      // Without the recorder it is of interest only where it was refused with it.
      if (known === undefined && (!isInjected || asked.size >= OWNERS || countOf(namespace) >= OWNERS_OF_NAMESPACE))
        return;
      asked.set(owner.uid, { namespace, owner, since: clock.now(), isInjected });
    },
    arrived(pod, isInjected) {
      const uid = controllerOf(pod.metadata)?.uid ?? '';
      if (isInjected || asked.get(uid)?.isInjected === false) asked.delete(uid);
    },
    async look() {
      const refusals: Refusal[] = [];
      let reads = READS_A_LOOK;
      for (const entry of suspects()) {
        if (entry.owner.kind !== 'ReplicaSet') reads -= 1;
        const words = reads < 0 ? undefined : await confirm(entry);
        if (words === undefined) continue;
        const { namespace, owner, since, isInjected } = entry;
        if (!isInjected) {
          cleared.set(owner.uid, clock.now() + CLEARED_MS);
          asked.delete(owner.uid);
        }
        refusals.push({ namespace, owner, words, since, isUnrelated: !isInjected });
      }
      return refusals;
    },
  };
};

const controllerOf = (metadata: { ownerReferences?: OwnerReference[] } | undefined): OwnerReference | undefined => {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  return typeof owner?.uid === 'string' && /^[\w-]{1,64}$/.test(owner.uid) ? owner : undefined;
};

/** ReplicaFailure is the ReplicaSet controller's word on its last try. */
const failureOf = (replicaSet: KubeObject): string | undefined => {
  const { conditions = [] } = (replicaSet.status ?? {}) as {
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
  const failure = conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  return failure && (failure.message ?? failure.reason ?? 'FailedCreate');
};
