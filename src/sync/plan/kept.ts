import type { Reason } from '../../api/reasons.ts';

/** Why something that left Git is in the cluster still. The first two are for good, the others until something happens. */
export type KeptReason = Extract<
  Reason,
  | 'PruneOff'
  | 'PruneDisabled'
  | 'ReleaseHeld'
  | 'NeededByRelease'
  | 'SuccessorNotReady'
  | 'PruneLimitExceeded'
  | 'PruneBlocked'
  | 'HandoverPending'
  | 'ConfirmationRequired'
>;

export interface Kept {
  /** keyString. */
  key: string;
  reason: KeptReason;
  /** In words, with what a person can do. */
  why: string;
  /** When it stops to wait by itself, or is to be judged again; milliseconds since 1970. */
  untilMs?: number;
  /** Of a workload: since when its successor is waited for; milliseconds since 1970. */
  sinceMs?: number;
  /** Of a workload: keyStrings of those that came in the commit in which it left. */
  successors?: readonly string[];
}

/** Whether its deletion is only put off. */
export const isPending = ({ reason }: Kept): boolean => reason !== 'PruneOff' && reason !== 'PruneDisabled';

export const keptFor = (keys: readonly string[], reason: KeptReason, why: string): Kept[] =>
  keys.map((key) => ({ key, reason, why }));
