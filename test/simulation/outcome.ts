import type { Baseline } from './baselines.ts';
import type { FaultKind } from './faults.ts';
import { digestOf } from './manifests.ts';
import type { Recovery, Rollback } from './rollback.ts';
import type { World } from './world.ts';

/** right: the guilty release is left. wrong: another one was. undue: none was guilty. missed, leftAlone: nothing was done. */
export type Outcome = 'right' | 'wrong' | 'undue' | 'missed' | 'leftAlone';

export interface Result {
  index: number;
  kind: FaultKind;
  effect: number;
  /** Some release is guilty. */
  guilty: boolean;
  outcome: Outcome;
  /** Why nobody could have seen it. */
  unseeable: string | undefined;
  /** From the first alert, or the first failing pod, to the decision. */
  decisionMs: number | undefined;
  baselines: Record<Baseline, Outcome>;
  /** What came of the rollback; undefined: there was none, or the service was released again. */
  recovery: Recovery | undefined;
  /** What production said, for who reads the misses. */
  words: string;
}

export const outcomeOf = ({ guilt }: Pick<World, 'guilt'>, rollback: Rollback | undefined): Outcome => {
  if (!rollback) return guilt ? 'missed' : 'leftAlone';
  if (!guilt) return 'undue';
  const bad = guilt.releases.map((number) => digestOf(guilt.service, { number }));
  const leaves = rollback.service === guilt.service && rollback.rejected.some((digest) => bad.includes(digest));
  return leaves && !bad.includes(rollback.target) ? 'right' : 'wrong';
};
