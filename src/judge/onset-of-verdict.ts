import type { Verdict } from '../api/incident.ts';
import { factsOf } from './facts.ts';

/** When the burn began that a verdict is about, in milliseconds since the epoch; undefined where no onset was measured. */
export const onsetOfVerdict = (verdict: Verdict | undefined): number | undefined => {
  const onsets = (verdict?.objectives ?? []).flatMap(({ measured }) => {
    const onset = measured && factsOf(measured).onset;
    return onset ? [onset.at] : [];
  });
  return onsets.length === 0 ? undefined : Math.min(...onsets);
};
