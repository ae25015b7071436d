import type { Measurement } from '../api/incident.ts';
import type { MeasuredObjective } from '../api/rollback-policy.ts';
import { meanLatencyOf, type Series, withWindow } from '../slo/index.ts';
import type { Measured } from './by-indicator.ts';
import { patternOfReleases, podsOfRelease } from './by-pod.ts';
import { type Facts, factsOf } from './facts.ts';
import { rank } from './mann-whitney.ts';
import type { Witness } from './question.ts';
import { weigh } from './weigh.ts';

/** Two scrapes of most who scrape. Minutes of one pod that follow each other say more than its seconds do. */
const STEP_MS = 60_000;
const MAX_STEPS = 30;

/**
 * With the mean latency of each pod in each minute since the burn began: where the objective is of a latency, both
 * releases had requests in the same minutes, and too few of them were slow to compare how many were. One range query.
 * Rejects with PrometheusError.
 */
export const withLatencies = async (
  measured: Measurement,
  { indicator: { latency } }: MeasuredObjective,
  question: Measured,
  { prometheus, selectors }: Witness,
): Promise<Measurement> => {
  if (!latency || !isOpen(measured)) return measured;
  const { suspect, together = [], before } = question;
  const facts = factsOf(measured);
  const range = rangeOf(facts, question.now);
  const pattern = patternOfReleases([suspect, ...together, before], question);
  const { isSuspect, isBefore } = podsOfRelease(question, facts.releasedAt);
  if (!range || pattern === undefined || !isSuspect) return measured;
  const expression = selectors.restrict(meanLatencyOf(latency), latency.podLabel, pattern);
  const series = await prometheus.queryRange(withWindow(expression, STEP_MS), range);
  const of = (is: (pod: string) => boolean): Series[] =>
    series.filter(({ labels }) => is(labels[latency.podLabel] ?? ''));
  const latencies = compared(pointsOf(of(isSuspect), facts), pointsOf(of(isBefore), facts));
  return measured.ratio && latencies ? { ...measured, ratio: { ...measured.ratio, latencies } } : measured;
};

/** It burns, and the counts of slow requests in the same minutes decide nothing. */
const isOpen = (measured: Measurement): boolean =>
  weigh(measured).evidence?.some(({ name, points }) => name === 'SideBySide' && points === 0) ?? false;

type Stored = NonNullable<NonNullable<Measurement['ratio']>['latencies']>;

const rangeOf = (
  { onset, releasedAt }: Facts,
  now: number,
): { start: number; end: number; step: number } | undefined => {
  const since = Math.max(releasedAt, onset?.at ?? releasedAt);
  const steps = Math.min(MAX_STEPS, Math.floor((now - since) / STEP_MS));
  return steps < 1 ? undefined : { start: now - (steps - 1) * STEP_MS, end: now, step: STEP_MS };
};

/** Of the minutes in which it burned. */
const pointsOf = (series: readonly Series[], { onset }: Facts): { at: number; value: number }[] => {
  const spells = onset?.spells ?? [];
  const burned = (at: number): boolean =>
    spells.length < 2 || spells.some(({ from, to = Number.POSITIVE_INFINITY }) => at - STEP_MS >= from && at <= to);
  return series.flatMap(({ points }) => points).filter(({ at, value }) => Number.isFinite(value) && burned(at));
};

type Points = ReturnType<typeof pointsOf>;

/** undefined: in no minute both had requests. */
const compared = (release: Points, other: Points): Stored | undefined => {
  const valuesBeside = (own: Points, others: Points): number[] => {
    const times = new Set(others.map(({ at }) => Math.round(at)));
    return own.filter(({ at }) => times.has(Math.round(at))).map(({ value }) => value);
  };
  const [mine, theirs] = [valuesBeside(release, other), valuesBeside(other, release)];
  if (mine.length === 0) return undefined;
  const { u, ties } = rank(mine, theirs);
  return { release: summary(mine), other: summary(theirs), u: String(u), ties: String(ties) };
};

const summary = (values: readonly number[]): Stored['release'] => ({
  values: values.length,
  median: String(Number(medianOf(values).toPrecision(4))),
});

const medianOf = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
};
