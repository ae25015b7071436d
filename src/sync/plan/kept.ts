import type { Reason } from '../../api/reasons.ts';

/** Why something that left Git is in the cluster still. The first two are for good, the others until something happens. */
export type KeptReason = Extract<
  Reason,
  | 'PruneOff'
  | 'PruneDisabled'
  | 'ReleaseHeld'
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
  /** When it stops to wait by itself; milliseconds since 1970. */
  untilMs?: number;
}

/** Whether its deletion is only put off. */
export const isPending = ({ reason }: Kept): boolean => reason !== 'PruneOff' && reason !== 'PruneDisabled';

export const keptFor = (keys: readonly string[], reason: KeptReason, why: string): Kept[] =>
  keys.map((key) => ({ key, reason, why }));
