import type { GitSync } from '../api/gitsync.ts';
import type { Clock } from '../clock.ts';
import type { Sources } from '../source/heads.ts';
import { isHopeless } from './render/unrenderable.ts';
import { retrySyncIn } from './state/retry.ts';
import type { SyncState } from './state/sync-state.ts';
import type { SyncOutcome } from './status/outcome.ts';

interface RequeuePorts {
  sources: Pick<Sources, 'head'>;
  clock: Clock;
  random: () => number;
}

/** Milliseconds until the sync is tried again by itself; undefined when only news can change anything. */
export const requeueAfter = (
  sync: GitSync,
  state: SyncState,
  outcome: SyncOutcome,
  ports: RequeuePorts,
): number | undefined => {
  if (outcome.kind === 'waiting') return outcome.againInMs;
  const now = ports.clock.now();
  const ends = [...state.kept.values()].map(({ untilMs }) =>
    untilMs === undefined ? undefined : Math.max(0, untilMs - now),
  );
  return soonest([...ends, state.hooksAgainInMs, retryOf(sync, state, outcome, ports)]);
};

export const soonest = (times: readonly (number | undefined)[]): number | undefined => {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};

const retryOf = (
  sync: GitSync,
  state: SyncState,
  outcome: SyncOutcome,
  { sources, random }: RequeuePorts,
): number | undefined => {
  const unrecorded = [...state.unrecorded.values()].some(({ again }) => again);
  const failed =
    outcome.kind === 'failed' || (outcome.kind === 'applied' && (outcome.problems.length > 0 || unrecorded));
  if (!failed) {
    delete state.failing;
    return undefined;
  }
  const head = sources.head(sync);
  const commit = head && 'id' in head ? head.id : '';
  // What can't be rendered needs another commit, spec or policy: each of them is news.
  const hopeless = outcome.kind === 'failed' && outcome.permanent && !outcome.of && isHopeless(outcome.reason);
  return hopeless && state.drifted.size === 0 ? undefined : retrySyncIn(sync, state, commit, random);
};
