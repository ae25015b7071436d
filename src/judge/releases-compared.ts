import { type Comparison, compare } from './comparison.ts';
import type { Facts } from './facts.ts';
import type { Found } from './found.ts';
import { wilson } from './statistics.ts';
import { percentOf } from './words.ts';

/** One-sided 97.5 %. */
const Z = 1.96;

/** The release against the one before it in the same minutes: traffic, dependencies and nodes were the same for both. */
export const sideBySide = ({ ratio }: Facts): Found | undefined => {
  if (!ratio?.beside) return undefined;
  const { release, other } = ratio.beside;
  const found = compare(release, other, ratio.threshold);
  const message = `in the same minutes it fails ${percentOf(release)}, the release before it ${percentOf(other)}`;
  // Whatever both of them burn for came with neither: what was before counts no more.
  if (found === 'Unclear' && wilson(other, Z).low > ratio.threshold)
    return { name: 'SideBySide', points: -3, message: `${message}: both burn`, reason: 'OthersFailToo' };
  const points = { Worse: 6, Alike: -6, Unclear: 0 }[found];
  return { name: 'SideBySide', points, message: `${message}${so(found)}`, reason: reasonFor(found) };
};

/** The release against what ran just before it: anything else that changed then counts against the release, too. */
export const beforeAfter = ({ ratio }: Facts): Found | undefined => {
  if (!ratio?.before || !ratio.release) return undefined;
  const { release, before } = ratio;
  const found = compare(release, before, ratio.threshold);
  const points = { Worse: 2, Alike: -3, Unclear: 0 }[found];
  const message = `it fails ${percentOf(release)}; before it ${percentOf(before)} failed${so(found)}`;
  return { name: 'BeforeAfter', points, message, reason: reasonFor(found) };
};

const so = (found: Comparison): string =>
  found === 'Worse'
    ? ''
    : found === 'Alike'
      ? ': a difference that matters is ruled out'
      : ': too few requests to decide';

const reasonFor = (found: Comparison): Found['reason'] => (found === 'Alike' ? 'NoDifference' : 'InsufficientTraffic');
