import type { Measurement } from '../api/incident.ts';
import type { MeasuredObjective } from '../api/rollback-policy.ts';
import { ExpressionError, PrometheusError, withWindow } from '../slo/index.ts';
import { leastThreshold, sum } from './by-indicator.ts';
import type { Question, Witness } from './question.ts';
import { type Counts, wilson } from './statistics.ts';
import { BEFORE_MS } from './time.ts';

/** Two scrapes of most who scrape, and no more than a burn has to show in. */
const WINDOW_MS = { least: 60_000, most: 300_000 };
/** Burns of one cause show within so many milliseconds of each other: scrapes, and when each began, are known so exactly. */
const TOGETHER_MS = 300_000;
/** One-sided 97.5 %: what burns is sure. */
const Z = 1.96;

type Burning = NonNullable<Measurement['neighbours']>[number];

/**
 * Other workloads of the namespace that surely burn their budget since the burn began, and did not minutes before: what
 * all of them stand on may be the cause. Each that does not burn costs one query. One that can't be measured is no
 * evidence.
 *
 * @param began when the burn that is judged did, in milliseconds since the epoch
 */
export const burningAround = async (
  began: number,
  { around, now, guardrails }: Pick<Question, 'around' | 'now' | 'guardrails'>,
  witness: Pick<Witness, 'prometheus'>,
): Promise<Burning[]> => {
  const windowMs = Math.min(Math.max(now - began, WINDOW_MS.least), WINDOW_MS.most);
  const asked = around.map(async ({ name, objectives, isDependency = false }) => {
    const ratios = await Promise.all(
      objectives.map((one) => newBurn(one, { began, now, windowMs, ...guardrails }, witness)),
    );
    const worst = Math.max(...ratios.map((ratio) => ratio ?? 0));
    const errorRatio = String(Number(worst.toPrecision(3)));
    return worst > 0 ? [{ name, errorRatio, ...(isDependency ? { dependency: true } : {}) }] : [];
  });
  return (await Promise.all(asked)).flat();
};

interface Asked {
  began: number;
  now: number;
  windowMs: number;
  minRequests: number;
}

/** The error ratio; undefined where the objective does not surely burn, or did before. */
const newBurn = async (
  objective: MeasuredObjective,
  { began, now, windowMs, minRequests }: Asked,
  { prometheus }: Pick<Witness, 'prometheus'>,
): Promise<number | undefined> => {
  const { errors, total } = objective.indicator.ratio;
  const threshold = leastThreshold(objective);
  const ask = async (expression: string, at: number, window: number): Promise<number> =>
    sum(await prometheus.query(withWindow(expression, window), at));
  const countsAt = async (at: number, window: number): Promise<Counts> => {
    const [bad, all] = await Promise.all([ask(`sum(${errors}\n)`, at, window), ask(`sum(${total}\n)`, at, window)]);
    return { errors: (bad * window) / 1000, total: (all * window) / 1000 };
  };
  const burns = (counts: Counts): boolean => counts.total >= minRequests && wilson(counts, Z).low > threshold;
  try {
    if ((await ask(`sum(${errors}\n) / sum(${total}\n)`, now, windowMs)) <= threshold) return undefined;
    const [since, before] = await Promise.all([countsAt(now, windowMs), countsAt(began - TOGETHER_MS, BEFORE_MS)]);
    return burns(since) && !burns(before) ? since.errors / since.total : undefined;
  } catch (error) {
    if (error instanceof PrometheusError || error instanceof ExpressionError) return undefined;
    throw error;
  }
};
