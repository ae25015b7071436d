import type { Measurement } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import type { Measured } from './by-indicator.ts';
import { type Facts, factsOf } from './facts.ts';
import type { Question } from './question.ts';
import { wilson } from './statistics.ts';
import { releaseTimes } from './time.ts';
import type { Finding } from './verdict.ts';

/** One-sided 97.5 %. */
const Z = 1.96;

/**
 * Where releases came shortly after one another, the newer one has the fault of the older one, and is no worse. What is
 * asked next, until one of them is Guilty: both measured as one against what ran before them; the suspect alone against
 * that; the same with one release more. Nothing is asked where the suspect does not burn, or where the release before it
 * was well in its own time: then what hits both of them is of neither.
 */
export const earlierQuestions = (finding: Finding, question: Question & { suspect: Release }): Measured[] => {
  const { suspect, before, earlier = [] } = question;
  if (!before || !finding.measured || finding.evidence === undefined || wasWell(factsOf(finding.measured))) return [];
  const line = [suspect, before, ...earlier];
  const against = (base: Release, [oldest, ...after]: readonly [Release, ...Release[]]): Measured => ({
    ...question,
    suspect: oldest,
    together: after,
    before: base,
    earlier: undefined,
    compared: {
      oldest: oldest.number,
      newest: suspect.number,
      newestTime: new Date(releaseTimes(suspect).releasedAt).toISOString(),
      before: base.number,
    },
  });
  return earlier.flatMap((base, i) => {
    const oldest = line[i + 1] as Release;
    const asOne = against(base, [oldest, ...line.slice(0, i + 1)]);
    return i === 0 ? [asOne, against(base, [suspect])] : [asOne];
  });
};

/** The release before the suspect, in its last minutes. */
const wasWell = ({ ratio, minRequests }: Facts): boolean =>
  ratio?.before !== undefined && ratio.before.total >= minRequests && wilson(ratio.before, Z).low <= ratio.threshold;

/**
 * The finding in words that say of which releases it is. Of several that are measured as one, the older one is Guilty
 * where the burn began in its time: with the suspect, it may be the suspect's alone, or nobody's.
 */
export const ofAll = (finding: Finding, { compared }: Measurement, { onset, ratio }: Facts): Finding => {
  if (!compared) return finding;
  const { oldest, newest, newestTime, before } = compared;
  const message = (who: string): string => `compared with release ${before}, ${who}: ${finding.message}`;
  if (oldest === newest) return { ...finding, message: message(`release ${newest}`) };
  const all = message(`releases ${oldest} to ${newest} as one`);
  if (finding.result !== 'Guilty') return { ...finding, message: all };
  if (onset === undefined || onset.at + (ratio?.resolutionMs ?? 0) > Date.parse(newestTime))
    return { ...finding, result: 'Inconclusive', reason: 'NoComparison', message: all };
  const began = `the burn began with release ${oldest}, and release ${newest} has its fault`;
  return { ...finding, message: `${began}; ${all}`, sinceRelease: oldest };
};
