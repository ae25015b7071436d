import { parseDuration } from '../api/common.ts';
import type { Measurement } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import type { MeasuredObjective } from '../api/rollback-policy.ts';
import {
  burnWindowsOf,
  type Events,
  eventsOf,
  eventsOfPods,
  noBucket,
  type Selectors,
  thresholdOf,
  withWindow,
} from '../slo/index.ts';
import { patternOfReleases } from './by-pod.ts';
import { courseOf, type Span, spansOf } from './course.ts';
import type { Question, Witness } from './question.ts';
import { type Courses, hasTooFewBefore, ratioOf } from './ratio.ts';
import type { Counts } from './statistics.ts';
import { alertedAt, courseFrom, LONG_BEFORE_MS, releaseTimes } from './time.ts';

const MIN_WINDOW_MS = 5_000;
/** Two scrapes of most who scrape. */
const RECOVERY_MS = 60_000;
/** Until a ConfigMap that changed is in the pods that mount it: the kubelet syncs each minute, and its cache is as old. */
const MOUNTED_AFTER_MS = 120_000;

type Ratio = NonNullable<Measurement['ratio']>;

/** About whom it is asked. */
export interface Measured extends Question {
  suspect: Release;
  /** As it is stored, where it is not the suspect and the release before it. */
  compared?: Measurement['compared'];
}

/**
 * Counts what the pods of the release under suspicion and those of the release before it did over time: four range
 * queries, or two where all pods are counted together, and one more for each span that is too fine for the scrapes. As many
 * again where the minutes before the release had too few requests to compare with: then the hour before it counts.
 * Rejects with PrometheusError, or ExpressionError where an expression can't be asked of the pods of one release.
 *
 * @returns with the expression that was evaluated, and since when the release is current by what its pods did
 */
export const measureRatio = async (
  objective: MeasuredObjective,
  question: Measured,
  { prometheus, selectors }: Witness,
): Promise<{ ratio: Ratio; query: string; releasedAt: number }> => {
  const { suspect, before, together = [], now } = question;
  const recorded = releaseTimes(suspect).releasedAt;
  const own = ratioFor(objective, [suspect, ...together], question, selectors);
  const isByRelease = own.total !== eventsOf(objective).total;
  const other = isByRelease && before ? ratioFor(objective, [before], question, selectors) : undefined;
  const ask = async (expression: string, span: Span) =>
    // The braces of a comment at its end stay outside.
    prometheus.queryRange(`sum(${withWindow(expression, span.step)}\n)`, span);
  const { slowerThan } = own;
  const tooOldFrom = releaseTimes(suspect).readyAt + parseDuration(question.guardrails.maxReleaseAge);
  const measureFrom = async (from: number) => {
    const { span, totals } = await firstWithData(spansOf(from, now), (one) => ask(own.total, one));
    const [errors, otherErrors, otherTotals] = await Promise.all([
      ask(own.errors, span),
      other ? ask(other.errors, span) : [],
      other ? ask(other.total, span) : [],
    ]);
    if (slowerThan !== undefined && errors.length === 0 && hasData(totals)) throw noBucket(objective);
    const courses: Courses = {
      release: courseOf(errors, totals, span),
      other: isByRelease ? courseOf(otherErrors, otherTotals, span) : undefined,
      step: span.step,
    };
    const releasedAt = isByRelease && !hasReturned(suspect) ? firstSeen(courses, recorded) : recorded;
    const ownFrom = isByRelease ? releasedAt : Math.max(releaseTimes(suspect).readyAt, recorded + MOUNTED_AFTER_MS);
    const ratio = {
      ...ratioOf(courses, { releasedAt, from, ownFrom, tooOldFrom }, leastThreshold(objective)),
      ...(slowerThan === undefined ? {} : { slowerThan }),
    };
    return { ratio, releasedAt, query: withWindow(`(${own.errors}) / (${own.total})`, span.step) };
  };
  const from = courseFrom(recorded, alertedAt(question.incident.spec.evidence, now));
  const measured = await measureFrom(from);
  const earlier = earlierFrom(from, recorded, question);
  return earlier !== undefined && hasTooFewBefore(measured.ratio) ? measureFrom(earlier) : measured;
};

/**
 * From when on the release before it ran alone, an hour at most. undefined: that is no longer than what is measured, or the
 * suspect itself ran before.
 */
const earlierFrom = (from: number, releasedAt: number, { suspect, before }: Measured): number | undefined => {
  if (!before || hasReturned(suspect) || from >= releasedAt) return undefined;
  const earliest = Math.max(releasedAt - LONG_BEFORE_MS, releaseTimes(before).readyAt);
  return earliest < from ? earliest : undefined;
};

/** The budget burns above it, in the least of the windows. */
export const leastThreshold = (objective: MeasuredObjective): number =>
  thresholdOf(Math.min(...burnWindowsOf(objective).map(({ factor }) => factor)), Number(objective.target));

const firstWithData = async <T extends readonly { points: readonly { value: number }[] }[]>(
  spans: readonly Span[],
  ask: (span: Span) => Promise<T>,
): Promise<{ span: Span; totals: T }> => {
  let last: { span: Span; totals: T } | undefined;
  for (const span of spans) {
    last = { span, totals: await ask(span) };
    if (hasData(last.totals)) return last;
  }
  if (!last) throw new Error('there is always a span');
  return last;
};

const hasData = (series: readonly { points: readonly { value: number }[] }[]): boolean =>
  series.some(({ points }) => points.some(({ value }) => value > 0));

const hasReturned = ({ liftedTime, restoredTime }: Release): boolean =>
  liftedTime !== undefined || restoredTime !== undefined;

/** Its pods answered requests before it was recorded where nobody was there to record it. */
const firstSeen = ({ release, step }: Courses, recorded: number): number => {
  const first = release.find(({ total }) => total >= 0.5);
  return first && first.at <= recorded ? first.at - step : recorded;
};

/**
 * Whether the budget still burns after a rollback, by the verdict's own threshold: of the pods of the restored release,
 * where they can be counted by themselves. undefined: too few requests. Rejects with PrometheusError.
 */
export const burnsByIndicator = async (
  objective: MeasuredObjective,
  question: Question,
  witness: Witness,
): Promise<boolean | undefined> => {
  const counted = await countRestored(objective, question, witness, RECOVERY_MS);
  return counted && counted.errors / counted.total > leastThreshold(objective);
};

/**
 * Requests to the restored release in the last `windowMs`; since the rollback, where these are too few. undefined: these
 * are too few, too. Rejects with PrometheusError.
 */
export const countRestored = async (
  objective: MeasuredObjective,
  question: Question,
  { prometheus, selectors }: Witness,
  windowMs: number,
): Promise<Counts | undefined> => {
  const { incident, now, guardrails, restored } = question;
  const { target, rolledBackTime } = incident.status ?? {};
  // As it is recorded now: with pinned images, or restarted for its configuration, it has other pods than it had.
  const { errors, total, slowerThan } = ratioFor(objective, [restored ?? target], question, selectors);
  const since = Math.max(rolledBackTime === undefined ? windowMs : now - Date.parse(rolledBackTime), MIN_WINDOW_MS);
  for (const window of new Set([Math.min(since, windowMs), since])) {
    const ms = Math.ceil(window / 1000) * 1000;
    const [bad, all] = await Promise.all([errors, total].map((e) => prometheus.query(withWindow(e, ms), now)));
    const requests = (sum(all) * ms) / 1000;
    if (slowerThan !== undefined && bad?.length === 0 && requests > 0) throw noBucket(objective);
    if (requests >= guardrails.minRequests) return { errors: (sum(bad) * ms) / 1000, total: requests };
  }
  return undefined;
};

/** The expressions of the pods of these releases; as they stand where their pods can't be named. */
const ratioFor = (
  objective: MeasuredObjective,
  releases: readonly (Pick<Release, 'revision'> | undefined)[],
  question: Question,
  selectors: Selectors,
): Events => {
  const events = eventsOf(objective);
  const pattern = patternOfReleases(releases, question);
  return pattern === undefined || events.podLabel === '' ? events : eventsOfPods(objective, pattern, selectors);
};

/** What is no number counts as nothing. */
export const sum = (samples: readonly { value: number }[] = []): number =>
  samples
    .map(({ value }) => value)
    .filter((value) => Number.isFinite(value))
    .reduce((a, b) => a + b, 0);
