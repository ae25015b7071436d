import type { RollbackHold } from '../api/hold.ts';
import { contestOf } from './contest.ts';
import { rejects } from './rules.ts';

/** What an enforcement knows before it writes anything. */
export interface Facts {
  /** Digest of what runs; undefined: there is no such workload. */
  running: string | undefined;
  /** Whether that is the target, as the Hold would apply it. */
  isTarget: boolean;
  /** A GitSync renders what the Hold rejects, whatever runs. */
  isAsked: boolean;
  /** metricops.dev/pause on the workload. */
  isPaused: boolean;
  now: number;
}

export type Decision =
  | { do: 'Apply'; again: boolean }
  /** As it should be, or somebody else's to correct. */
  | { do: 'Keep' }
  /** It failed a moment ago, and nothing changed since. */
  | { do: 'Wait'; ms: number }
  /** The rejected release is back; it is rolled back later. */
  | { do: 'HoldOff'; ms: number; contested: boolean }
  | { do: 'Miss' }
  /** Another release runs: the rule stays. */
  | { do: 'Rest' }
  | { do: 'Pause' };

/** What to do about a Hold now, whatever was done before. Pure. */
export const decide = (hold: RollbackHold, facts: Facts): Decision => {
  const { metadata, status = {} } = hold;
  const { running, isTarget, isAsked, isPaused, now } = facts;
  if (running === undefined) return { do: 'Miss' };
  const isSeen = status.observedGeneration === metadata.generation;
  const isHeld = isSeen && status.phase === 'Held';
  const isRejected = rejects(hold, running);
  if (!isRejected && isHeld && (isTarget || isAsked)) return { do: 'Keep' };
  if (!isRejected && !isTarget && !isAsked) return { do: 'Rest' };
  if (isPaused) return { do: 'Pause' };
  const again = isSeen && isRejected && status.appliedTime !== undefined;
  const { contested, waitMs } = again ? contestOf(status, now) : { contested: false, waitMs: 0 };
  if (waitMs > 0) return { do: 'HoldOff', ms: waitMs, contested };
  const next = Date.parse(status.nextAttemptTime ?? '') - now;
  if (isSeen && status.currentDigest === running && next > 0) return { do: 'Wait', ms: next };
  return { do: 'Apply', again };
};
