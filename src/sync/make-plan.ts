import { annotations } from '../api/annotations.ts';
import type { GitSync } from '../api/gitsync.ts';
import type { RollbackHold } from '../api/hold.ts';
import { type KubeObject, keyOf, keyString, parseKey } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import type { HoldController, HoldWithTarget } from '../holds/index.ts';
import { type Digests, digestsOf } from '../snapshot/index.ts';
import { isBackedOff } from './drift/backoff.ts';
import type { Hashes } from './plan/hashes.ts';
import { isWorkload } from './plan/match-holds.ts';
import { plan } from './plan/plan.ts';
import type { Companions, Plan, PlanInput } from './plan/types.ts';
import { type CompanionPorts, companionsOf } from './releases-at-commit.ts';
import type { SyncState } from './state/sync-state.ts';

export interface MakePlanPorts extends CompanionPorts {
  clock: Clock;
  /** HMAC key of digests. */
  digestKey: Uint8Array;
  hashes: Hashes;
  holdController: Pick<HoldController, 'holdsIn'>;
}

/**
 * The plan for these objects, from all that is known now.
 * @param from.touched namespaces of the objects and of the inventory, whose Holds count
 */
export const makePlan = async (
  sync: GitSync,
  state: SyncState,
  { objects, touched }: { objects: readonly KubeObject[]; touched: ReadonlySet<string> },
  ports: MakePlanPorts,
): Promise<Plan> => {
  const digests = digestsOfRendered(objects, ports.digestKey);
  await ports.hashes.prepare(objects);
  const holds = await ports.holdController.holdsIn(touched, digests.isRejectedBy);
  return plan({
    rendered: objects,
    digestsOf: digests.of,
    hashOf: ports.hashes.of,
    holds,
    companions: await companionsOfAll(holds, objects, digests.isRejectedBy, ports),
    applied: new Map([...state.applied].map(([id, a]) => [id, a.hash])),
    drifted: new Set([...state.drifted].filter((id) => !isBackedOff(state, id, ports.clock.now()))),
    inventory: [...state.inventory.keys()],
    settled: settledIn(state),
    departures: departuresBefore(sync, state, objects),
    prune: sync.spec.prune,
    allowEmpty: sync.spec.allowEmpty,
    maxPrune: Number.parseInt(sync.spec.maxPrune, 10),
    confirmed: sync.metadata.annotations?.[annotations.pruneConfirmed],
  });
};

/** What stays for a reason of its own, and not because much would go: it was lost before. */
const settledIn = ({ kept }: SyncState): Set<string> =>
  new Set([...kept.values()].filter(({ reason }) => SETTLED.has(reason)).map(({ key }) => key));

const SETTLED: ReadonlySet<string> = new Set([
  'PruneDisabled',
  'ConfirmationRequired',
  'HandoverPending',
  'NeededByRelease',
  'SuccessorNotReady',
]);

/** What an earlier plan waits for; after a restart, any workload of the kind may be it. */
const departuresBefore = (
  { status }: GitSync,
  { kept }: SyncState,
  rendered: readonly KubeObject[],
): PlanInput['departures'] => {
  if (kept.size > 0)
    return new Map([...kept.values()].flatMap(({ key, successors }) => (successors ? [[key, successors]] : [])));
  const pending = (status?.prunePending ?? []).filter(({ reason }) => reason === 'SuccessorNotReady');
  return new Map(
    pending.map(({ id }) => {
      const same = rendered.map(keyOf).filter(({ group, kind }) => group === 'apps' && kind === parseKey(id).kind);
      return [id, same.map(keyString)];
    }),
  );
};

const companionsOfAll = async (
  holds: readonly HoldWithTarget[],
  rendered: readonly KubeObject[],
  isNeeded: (hold: RollbackHold) => boolean,
  ports: CompanionPorts,
): Promise<PlanInput['companions']> => {
  const whole = holds.filter(({ hold }) => hold.spec.scope === 'GitSync' && isNeeded(hold));
  const found = whole.map(async ({ hold, target }) => {
    const companions: Companions = target ? await companionsOf(hold, target, rendered, ports) : new Map();
    return [`${hold.metadata.namespace}/${hold.metadata.name}`, companions] as const;
  });
  return new Map(await Promise.all(found));
};

/** Each computed once, and only where somebody asks. */
const digestsOfRendered = (rendered: readonly KubeObject[], key: Uint8Array) => {
  const known = new Map<KubeObject, Digests>();
  const of = (workload: KubeObject): Digests => {
    const digests = known.get(workload) ?? digestsOf(workload, rendered, key);
    known.set(workload, digests);
    return digests;
  };
  const isRejectedBy = ({ metadata, spec }: RollbackHold): boolean => {
    const held = keyString({ group: 'apps', ...spec.workloadRef, namespace: metadata.namespace ?? '' });
    const named = rendered.filter((object) => keyString(keyOf(object)) === held);
    // Gone from Git, it may be there under another name.
    const same =
      named.length > 0 ? named : rendered.filter((each) => isWorkload(each) && each.kind === spec.workloadRef.kind);
    return same.some((workload) => spec.rejectedDigests.includes(of(workload).sourceDigest));
  };
  return { of, isRejectedBy };
};
