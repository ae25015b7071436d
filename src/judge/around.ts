import type { Measurement } from '../api/incident.ts';
import type { MeasuredObjective } from '../api/rollback-policy.ts';
import { type Events, ExpressionError, eventsOf, PrometheusError, withWindow } from '../slo/index.ts';
import { leastThreshold, sum } from './by-indicator.ts';
import type { Window } from './by-pod.ts';
import type { Question, Witness } from './question.ts';
import { type Counts, wilson } from './statistics.ts';
import { BEFORE_MS } from './time.ts';

/** Burns of one cause show within so many milliseconds of each other: scrapes, and when each began, are known so exactly. */
const TOGETHER_MS = 300_000;
/** One-sided 97.5 %: what burns is sure. */
const Z = 1.96;

type Burning = NonNullable<Measurement['neighbours']>[number];

export interface Around {
  burning: Burning[];
  /** How many surely had requests, and did not burn. Counted only where that was asked for. */
  well: number;
}

/**
 * Other workloads of the namespace that surely burn their budget since the burn began, and did not minutes before: what
 * all of them stand on may be the cause. Each that does not burn costs one query, or two where those that are well are
 * counted. One that can't be measured is no evidence.
 *
 * @param burn when the burn that is judged began, and when it was there for longest
 */
export const burningAround = async (
  burn: Window & { began: number; countsWell: boolean },
  { around, guardrails: { minRequests } }: Pick<Question, 'around' | 'guardrails'>,
  witness: Pick<Witness, 'prometheus'>,
): Promise<Around> => {
  const asked = around
    .filter(({ isAsSuspect }) => !isAsSuspect)
    .map(async ({ name, objectives, isDependency = false }) => {
      const found = await Promise.all(objectives.map((one) => burnOf(one, { ...burn, minRequests }, witness)));
      const worst = Math.max(...found.map((one) => (typeof one === 'number' ? one : 0)));
      const errorRatio = String(Number(worst.toPrecision(3)));
      return {
        burning: worst > 0 ? [{ name, errorRatio, ...(isDependency ? { dependency: true } : {}) }] : [],
        isWell: found.length > 0 && found.every((one) => one === 'Well'),
      };
    });
  const all = await Promise.all(asked);
  return { burning: all.flatMap(({ burning }) => burning), well: all.filter(({ isWell }) => isWell).length };
};

type Asked = Parameters<typeof burningAround>[0] & { minRequests: number };

/** The error ratio; Well where it had requests and does not burn; undefined where neither is sure, or it burned before. */
type Burn = number | 'Well' | undefined;

const burnOf = async (
  objective: MeasuredObjective,
  asked: Asked,
  witness: Pick<Witness, 'prometheus'>,
): Promise<Burn> => {
  try {
    return await burnOfEvents(eventsOf(objective), leastThreshold(objective), asked, witness);
  } catch (error) {
    if (error instanceof PrometheusError || error instanceof ExpressionError) return undefined;
    throw error;
  }
};

const burnOfEvents = async (
  { errors, total, slowerThan }: Events,
  threshold: number,
  { began, at: until, windowMs, minRequests, countsWell }: Asked,
  { prometheus }: Pick<Witness, 'prometheus'>,
): Promise<Burn> => {
  const query = (expression: string, at: number, window: number) =>
    prometheus.query(withWindow(expression, window), at);
  const ask = async (expression: string, at: number, window: number): Promise<number> =>
    sum(await query(expression, at, window));
  const countsAt = async (at: number, window: number): Promise<Counts> => {
    const [bad, all] = await Promise.all([ask(`sum(${errors}\n)`, at, window), ask(`sum(${total}\n)`, at, window)]);
    return { errors: (bad * window) / 1000, total: (all * window) / 1000 };
  };
  const burns = (counts: Counts): boolean => counts.total >= minRequests && wilson(counts, Z).low > threshold;
  const isUsed = async (): Promise<boolean> =>
    ((await ask(`sum(${total}\n)`, until, windowMs)) * windowMs) / 1000 >= minRequests;
  const ratio = await query(`sum(${errors}\n) / sum(${total}\n)`, until, windowMs);
  // A histogram without the bucket shows nothing.
  const isShown = slowerThan === undefined || ratio.length > 0;
  if (sum(ratio) <= threshold) return countsWell && isShown && (await isUsed()) ? 'Well' : undefined;
  const [since, before] = await Promise.all([countsAt(until, windowMs), countsAt(began - TOGETHER_MS, BEFORE_MS)]);
  return burns(since) && !burns(before) ? since.errors / since.total : undefined;
};
