import type { DriftEntry } from '../../api/gitsync.ts';
import type { Reason } from '../../api/reasons.ts';
import type { ApplyProblem } from '../objects/problem.ts';
import type { Plan } from '../plan/types.ts';

export interface Unhealthy {
  message: string;
  /** Waiting for it is useless. */
  failed: boolean;
}

export interface AppliedOutcome {
  kind: 'applied';
  commit: string;
  revision: string;
  plan: Plan;
  problems: readonly ApplyProblem[];
  /** A later wave waits for these. */
  blocked: Unhealthy | undefined;
  /** Differences that are only reported; undefined where drift is corrected. */
  reported: readonly DriftEntry[] | undefined;
  /** Of a Helm chart, which are not run; undefined where it is none. */
  hooks?: readonly string[] | undefined;
  /** Patches and images that change no object, in words; undefined where there are none in the spec. */
  unmatched?: readonly string[] | undefined;
  /** Of a Helm chart: what another render would make otherwise. */
  random?: readonly string[] | undefined;
}

/** How one sync ended. */
export type SyncOutcome =
  | { kind: 'suspended' }
  /** `of`: how the sync itself ended, where only health is what failed. */
  | { kind: 'failed'; reason: Reason; message: string; permanent: boolean; of?: SyncOutcome }
  /** Nothing of it is applied. `kept`: what was done meanwhile for the revision that was applied last. */
  | { kind: 'attempted'; commit: string; revision: string; kept?: AppliedOutcome }
  | { kind: 'unchanged'; commit: string; revision: string }
  | AppliedOutcome
  /** `quiet`: nobody has to hear of it yet. */
  | { kind: 'waiting'; message: string; of: SyncOutcome; quiet: boolean; againInMs: number };
