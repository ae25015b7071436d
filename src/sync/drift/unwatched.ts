import { parseDuration } from '../../api/common.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { ownerLabelOf } from '../../api/gitsync-names.ts';
import { parseKey } from '../../api/meta.ts';
import type { Clock } from '../../clock.ts';
import type { FairSemaphore } from '../../fair-semaphore.ts';
import { type Discovery, isForbidden, type ResourceType } from '../../kube/index.ts';
import { markOf } from '../../ssa/marks.ts';
import { type ReadPorts, type Reads, readsOf } from '../objects/reads.ts';
import type { SyncState } from '../state/sync-state.ts';

/** One GET for each object is not made more often than this. */
const MIN_INTERVAL_MS = 5_000;

export interface UnwatchedPorts extends ReadPorts {
  discovery: Discovery;
  turns: FairSemaphore;
  clock: Clock;
}

/** `Role.rbac.authorization.k8s.io`; `Pod` of the core group. */
export const kindName = ({ group, kind }: { group: string; kind: string }): string =>
  group === '' ? kind : `${kind}.${group}`;

/** Notes whether changes of this kind are heard of. */
export const noteWatch = (
  state: SyncState,
  type: ResourceType,
  { watched }: Pick<Reads, 'watched'>,
  now: number,
): void => {
  if (watched) {
    state.unwatched.delete(kindName(type));
  } else {
    state.unwatched.add(kindName(type));
    state.lookedAt ??= now;
  }
};

/** Of kinds without a watch each object is read, as the account that applies it, once an interval: what differs has drifted. */
export const pollUnwatched = async (sync: GitSync, state: SyncState, ports: UnwatchedPorts): Promise<void> => {
  const due = pollUnwatchedIn(sync, state, ports.clock.now());
  if (due === undefined || due > 0) return;
  state.lookedAt = ports.clock.now();
  const keys = [...state.applied.keys()].filter((key) => state.unwatched.has(kindName(parseKey(key))));
  await Promise.all(
    keys.map((key) =>
      ports.turns(sync.metadata.namespace ?? '', async () => {
        const isSame = await isAsApplied(sync, key, state, ports).catch(falseIfRefused);
        if (!isSame) state.drifted.add(key);
      }),
    ),
  );
};

/** Milliseconds until the next look; undefined where everything is watched. */
export const pollUnwatchedIn = (
  { spec }: GitSync,
  { unwatched, lookedAt = 0 }: SyncState,
  now: number,
): number | undefined =>
  unwatched.size === 0
    ? undefined
    : Math.max(0, lookedAt + Math.max(MIN_INTERVAL_MS, parseDuration(spec.interval)) - now);

const isAsApplied = async (sync: GitSync, key: string, state: SyncState, ports: UnwatchedPorts): Promise<boolean> => {
  const parsed = parseKey(key);
  const type = await ports.discovery.findKind(parsed.group, parsed.kind);
  if (!type) return false;
  const reads = await readsOf(sync, type, ports);
  noteWatch(state, type, reads, ports.clock.now());
  const live = await reads.get(parsed);
  return live !== undefined && markOf(live, ownerLabelOf(sync)) === state.applied.get(key)?.mark;
};

/** The apply that follows says what is refused, and of which object. */
const falseIfRefused = (error: unknown): false => {
  if (isForbidden(error)) return false;
  throw error;
};
