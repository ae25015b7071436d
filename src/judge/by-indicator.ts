import type { Release } from '../api/release-history.ts';
import type { MeasuredObjective } from '../api/rollback-policy.ts';
import { burnWindowsOf, ExpressionError, podPattern, type Selectors, thresholdOf, withWindow } from '../slo/index.ts';
import type { Question, Witness } from './question.ts';
import type { Counts } from './statistics.ts';
import { type Finding, judgeCounts } from './verdict.ts';

const MIN_WINDOW_MS = 5_000;
/** How far back the release before is measured. */
const BEFORE_MS = 300_000;

/**
 * Counts what the pods of the release under suspicion do since they were ready, and what those before them did. Rejects
 * with PrometheusError, or ExpressionError where an expression can't be asked of the pods of one release.
 */
export const judgeByIndicator = async (
  objective: MeasuredObjective,
  question: Question & { suspect: Release },
  { prometheus, selectors }: Witness,
): Promise<Finding> => {
  const { suspect, before, now, guardrails } = question;
  const only = (which: 'errors' | 'total', release: Release | undefined): string =>
    ofPods(objective, which, release, question, selectors);
  const count = async (release: Release | undefined, windowMs: number, at: number): Promise<Counts | undefined> => {
    // Both are written before either is asked: a refusal leaves no query behind that nobody waits for.
    const queries = [only('errors', release), only('total', release)].map((e) => withWindow(e, windowMs));
    const [errors, total] = await Promise.all(queries.map((query) => prometheus.query(query, at)));
    const rate = sum(total);
    return rate === undefined
      ? undefined
      : { errors: ((sum(errors) ?? 0) * windowMs) / 1000, total: (rate * windowMs) / 1000 };
  };
  const windows = burnWindowsOf(objective);
  const ready = Date.parse(suspect.readyTime ?? suspect.firstSeenTime);
  const since = roundUp(Math.min(Math.max(now - ready, MIN_WINDOW_MS), Math.max(...windows.map((w) => w.longMs))));
  const [suspectCounts, beforeCounts] = await Promise.all([
    count(suspect, since, now),
    before ? count(before, BEFORE_MS, Date.parse(suspect.firstSeenTime)) : undefined,
  ]);
  return judgeCounts({
    threshold: thresholdOf(Math.min(...windows.map((w) => w.factor)), Number(objective.target)),
    suspect: suspectCounts,
    before: beforeCounts,
    minRequests: guardrails.minRequests,
    query: withWindow(`(${only('errors', suspect)}) / (${only('total', suspect)})`, since),
  });
};

/** Whether the budget burns in the shortest window. undefined: there is nothing to measure. Rejects with PrometheusError. */
export const burnsByIndicator = async (
  objective: MeasuredObjective,
  { now }: Question,
  { prometheus }: Witness,
): Promise<boolean | undefined> => {
  const [shortest] = burnWindowsOf(objective).toSorted((a, b) => a.shortMs - b.shortMs);
  if (!shortest) return undefined;
  const { errors, total } = objective.indicator.ratio;
  const [bad, all] = await Promise.all(
    [errors, total].map((e) => prometheus.query(withWindow(e, shortest.shortMs), now)),
  );
  const rate = sum(all);
  return rate === undefined || rate === 0
    ? undefined
    : (sum(bad) ?? 0) / rate > thresholdOf(shortest.factor, Number(objective.target));
};

const ofPods = (
  { name, indicator: { ratio } }: MeasuredObjective,
  which: 'errors' | 'total',
  release: Release | undefined,
  { suspect, before, incident }: Question,
  selectors: Selectors,
): string => {
  const expression = ratio[which];
  const pattern = release?.revision === undefined ? undefined : podPattern(incident.spec.workloadRef, release.revision);
  // The same pods under both releases (only configuration changed), or a metric without pods: before and after.
  const same = suspect?.revision === before?.revision;
  if (pattern === undefined || ratio.podLabel === '' || same) return expression;
  try {
    return selectors.restrict(expression, ratio.podLabel, pattern);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const what = `indicator.ratio.${which} of objective ${name} can't be asked of the pods of one release`;
    throw new ExpressionError(`${what}: ${error.message}`, { cause: error });
  }
};

const roundUp = (ms: number): number => Math.ceil(ms / 1000) * 1000;

const sum = (samples: readonly { value: number }[] | undefined): number | undefined => {
  const values = (samples ?? []).map((s) => s.value).filter((v) => Number.isFinite(v));
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0);
};
