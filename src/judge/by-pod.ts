import type { Measurement } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import type { MeasuredObjective } from '../api/rollback-policy.ts';
import { ExpressionError, eventsOf, podPattern, withWindow } from '../slo/index.ts';
import { sumOf } from './course.ts';
import type { Pod, Question, Witness } from './question.ts';
import { storedCounts } from './ratio.ts';
import { type Counts, wilson } from './statistics.ts';

/** What was counted of a pod, and where it runs, as far as that is known. */
export interface PodCounts extends Counts, Partial<Pod> {}

/** A time that is over: the `windowMs` milliseconds before `at`. */
export interface Window {
  at: number;
  windowMs: number;
}

/**
 * What each pod of an indicator did, by its name: two queries. undefined: the indicator does not say it of each pod.
 * Rejects with PrometheusError.
 */
export const countsByPod = async (
  objective: MeasuredObjective,
  { at, windowMs }: Window,
  { prometheus, selectors }: Witness,
  podOf: (name: string) => Pod | undefined,
): Promise<ReadonlyMap<string, PodCounts> | undefined> => {
  const { podLabel, errors: failed, total: all } = eventsOf(objective);
  if (podLabel === '') return undefined;
  const expressions = splitBy(podLabel, [failed, all], selectors);
  if (!expressions) return undefined;
  const asked = expressions.map((one) => prometheus.query(withWindow(one, windowMs), at));
  const [errors, totals] = (await Promise.all(asked)).map(
    (samples) => new Map(samples.map(({ labels, value }) => [labels[podLabel] ?? '', (value * windowMs) / 1000])),
  );
  const counts = new Map<string, PodCounts>();
  for (const [name, total] of totals ?? [])
    if (name !== '' && total > 0)
      counts.set(name, { ...podOf(name), total, errors: Math.min(total, errors?.get(name) || 0) });
  return counts;
};

const splitBy = (
  label: string,
  expressions: readonly string[],
  selectors: Witness['selectors'],
): string[] | undefined => {
  try {
    return expressions.map((one) => selectors.split(one, label));
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
};

/** How sure pods have to be of different kinds: a normal quantile, and the part of what others fail that is no failing with them. */
export interface Certainty {
  z: number;
  part: number;
}

/** Two-sided 99.7 %: of hundreds of pods that are alike hardly one is taken for another kind. */
export const SURE: Certainty = { z: 3, part: 0.25 };
/** One-sided 95 %: enough for a doubt. */
export const LIKELY: Certainty = { z: 1.645, part: 0.5 };

/** Pods that burn, and those that do not burn with them. Of others too few requests are known. */
export interface Spread {
  burning: readonly PodCounts[];
  well: readonly PodCounts[];
}

/** @param threshold error ratio above which the budget burns */
export const spreadOf = (pods: readonly PodCounts[], threshold: number, { z, part } = SURE): Spread => {
  const burning = pods.filter((pod) => wilson(pod, z).low > threshold);
  const { errors, total } = sumOf(burning);
  const limit = Math.max(threshold, part * (total > 0 ? errors / total : 0));
  const well = pods.filter((pod) => !burning.includes(pod) && wilson(pod, z).high < limit);
  return { burning, well };
};

/** Nodes of pods, as far as they are known, each once. */
export const nodesOf = (pods: readonly PodCounts[]): string[] =>
  [...new Set(pods.flatMap(({ node }) => (node === undefined ? [] : [node])))].sort();

type Stored = NonNullable<NonNullable<Measurement['ratio']>['pods']>;

/** As it is stored with the verdict. undefined: no pod surely burns. */
export const storedOf = ({ burning, well }: Spread): Stored | undefined =>
  burning.length === 0
    ? undefined
    : {
        burning: { ...countsOf(burning), nodes: nodesOf(burning).slice(0, MAX_NODES) },
        well: countsOf(well),
        byAge: isByAge({ burning, well }),
      };

/** As many as the schema takes. */
const MAX_NODES = 8;

const isByAge = ({ burning, well }: Spread): boolean =>
  burning.every(({ startedAt: a }) => well.every(({ startedAt: b }) => a !== undefined && b !== undefined && a < b));

const countsOf = (pods: readonly PodCounts[]): { pods: number; errors: string; requests: string } => ({
  pods: pods.length,
  ...storedCounts(sumOf(pods)),
});

/**
 * Matches the names of all pods of these releases. undefined: their names do not say it, or the releases compared have the
 * same pods, for only configuration changed.
 */
export const patternOfReleases = (
  releases: readonly (Pick<Release, 'revision'> | undefined)[],
  { suspect, before, together = [], incident }: Pick<Question, 'suspect' | 'before' | 'together' | 'incident'>,
): string | undefined => {
  const isSame = [suspect, ...together].some((one) => one?.revision === before?.revision);
  const patterns = new Set(
    releases.map((one) =>
      one?.revision === undefined ? undefined : podPattern(incident.spec.workloadRef, one.revision),
    ),
  );
  return isSame || patterns.has(undefined) ? undefined : [...patterns].join('|');
};

/**
 * Whose pods are whose since a time: by their names or, where these do not say it, as the watch shows them. A pod of a
 * StatefulSet that started later had the same name, and was of another release. isSuspect is undefined where nobody can
 * say.
 *
 * @param since milliseconds since the epoch
 */
export const podsOfRelease = (
  {
    suspect,
    together = [],
    before,
    incident,
    podOf,
  }: Pick<Question, 'suspect' | 'together' | 'before' | 'incident' | 'podOf'>,
  since: number,
): {
  isSuspect: ((pod: string) => boolean) | undefined;
  isBefore: (pod: string) => boolean;
} => {
  const isOf = (revision: string | undefined): ((pod: string) => boolean) | undefined => {
    if (revision === undefined) return undefined;
    const pattern = podPattern(incident.spec.workloadRef, revision);
    const whole = pattern === undefined ? undefined : new RegExp(`^(?:${pattern})$`);
    if (whole) return (pod) => whole.test(pod);
    return (name) => {
      const pod = podOf(name);
      return pod?.revision === revision && pod.startedAt <= since;
    };
  };
  // Only configuration changed: all pods are those of the suspect.
  const suspects = [suspect, ...together];
  if (suspects.some((one) => one?.revision !== undefined && one.revision === before?.revision))
    return { isSuspect: () => true, isBefore: () => false };
  const each = suspects.flatMap((one) => isOf(one?.revision) ?? []);
  const isSuspect = (pod: string): boolean => each.some((is) => is(pod));
  return { isSuspect: each.length === 0 ? undefined : isSuspect, isBefore: isOf(before?.revision) ?? (() => false) };
};
