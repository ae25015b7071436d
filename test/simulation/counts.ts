import type { Counts } from '../../src/judge/statistics.ts';
import { type Counter, firstFrom } from './counters.ts';

/** What was counted of some pods in a time, as far as two scrapes in it show. */
export const countsIn = (
  counters: readonly Counter[],
  pods: ReadonlySet<string>,
  { from, to }: { from: number; to: number },
): Counts => {
  const counts = { errors: 0, total: 0 };
  for (const { labels, times, risen } of counters) {
    if (!pods.has(labels.pod ?? '')) continue;
    const [first, last] = [firstFrom(times, from), firstFrom(times, to) - 1];
    if (last <= first) continue;
    const increase = (risen[last] as number) - (risen[first] as number);
    counts.total += increase;
    if (labels.code === '500') counts.errors += increase;
  }
  return counts;
};

export const ratioOf = ({ errors, total }: Counts): number => (total > 0 ? errors / total : 0);

/** How much likelier two ratios make these counts than one does: the logarithm, negative where `a` fails less. */
export const contrast = (a: Counts, b: Counts): number => {
  const both = { errors: a.errors + b.errors, total: a.total + b.total };
  const gain = likelihood(a, ratioOf(a)) + likelihood(b, ratioOf(b)) - likelihood(both, ratioOf(both));
  return ratioOf(a) >= ratioOf(b) ? gain : -gain;
};

const likelihood = ({ errors, total }: Counts, p: number): number =>
  (errors > 0 ? errors * Math.log(p) : 0) + (total > errors ? (total - errors) * Math.log(1 - p) : 0);
