import type { ObjectiveVerdict, Verdict } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import { compare } from './comparison.ts';
import type { Counts } from './statistics.ts';

/** What was found for an objective, before it has a name. */
export type Finding = Omit<ObjectiveVerdict, 'name'>;

/** What Prometheus said. Every member that is undefined was not to be had. */
export interface Evidence {
  /** Error ratio above which the budget burns. */
  threshold: number;
  /** Pods of the release under suspicion, since they were ready. */
  suspect: Counts | undefined;
  /** Pods of the release before it, just before. */
  before: Counts | undefined;
  minRequests: number;
  query: string;
}

/**
 * Guilty: the release's own pods burn the budget, and fail a larger part of their requests than the ones before them,
 * by as much as matters and by more than chance explains. NotGuilty: they do not, and that is shown. Inconclusive: there
 * is too little to tell. No data is no evidence.
 */
export const judgeCounts = (evidence: Evidence): Finding => {
  const { suspect, before, threshold, minRequests, query } = evidence;
  const numbers = {
    ...(suspect && suspect.total > 0
      ? { newErrorRatio: decimal(suspect.errors / suspect.total), newRequests: decimal(suspect.total) }
      : {}),
    ...(before && before.total > 0
      ? { oldErrorRatio: decimal(before.errors / before.total), oldRequests: decimal(before.total) }
      : {}),
  };
  const finding = (result: Finding['result'], reason: Reason, message: string): Finding => ({
    result,
    reason,
    message,
    query,
    ...numbers,
  });
  if (!suspect || suspect.total === 0)
    return finding('Inconclusive', 'NoData', 'no requests to the pods of this release are recorded yet');
  if (suspect.total < minRequests) {
    return finding(
      'Inconclusive',
      'InsufficientTraffic',
      `${Math.floor(suspect.total)} requests so far; ${minRequests} are needed to judge`,
    );
  }
  const ratio = suspect.errors / suspect.total;
  if (ratio <= threshold) {
    return finding(
      'NotGuilty',
      'NotBurning',
      `its pods fail ${percent(ratio)} of requests; the budget burns above ${percent(threshold)}`,
    );
  }
  const known = before && before.total >= minRequests ? before : undefined;
  if (!known)
    return finding(
      'Guilty',
      'ErrorRateIncreased',
      `its pods fail ${percent(ratio)} of requests; before it there was too little traffic to compare`,
    );
  const oldRatio = known.errors / known.total;
  const compared = `its pods fail ${percent(ratio)} of requests, those of the release before it ${percent(oldRatio)}`;
  const difference = compare(suspect, known, threshold);
  if (difference === 'Worse') return finding('Guilty', 'ErrorRateIncreased', compared);
  if (difference === 'Alike') return finding('NotGuilty', 'NoDifference', compared);
  return finding('Inconclusive', 'InsufficientTraffic', `${compared}: too few requests to decide`);
};

/** Without an indicator only the firing rule's own expression can be evaluated: now, and just before the release. */
export const judgeExpression = (asked: { burningNow: boolean; burningBefore: boolean; query: string }): Finding => {
  const { query, burningNow, burningBefore } = asked;
  if (!burningNow)
    return { result: 'NotGuilty', reason: 'NotBurning', message: 'the alert does not fire any more', query };
  if (burningBefore) {
    const message = 'the alert fired already just before this release';
    return { result: 'NotGuilty', reason: 'BurnBeganBefore', message, query };
  }
  const message = 'the alert fires now, and did not just before this release';
  return { result: 'Guilty', reason: 'ErrorRateIncreased', message, query };
};

/**
 * One Guilty objective suffices; only when all are NotGuilty the release is. What is said of the whole is what the
 * objectives that decided it say. There is at least one.
 */
export const combine = (objectives: readonly ObjectiveVerdict[], time: string): Verdict => {
  const has = (result: Verdict['result']): boolean => objectives.some((one) => one.result === result);
  const result = has('Guilty') ? 'Guilty' : has('Inconclusive') ? 'Inconclusive' : 'NotGuilty';
  const deciding = objectives.filter((one) => one.result === result);
  const words = deciding.map(({ name, message }) => (objectives.length === 1 ? message : `${name}: ${message}`));
  return {
    result,
    reason: deciding[0]?.reason ?? 'NoData',
    message: words.join('; ').slice(0, 4096),
    time,
    objectives: [...objectives],
  };
};

export const inconclusive = (reason: Reason, message: string): Finding => ({ result: 'Inconclusive', reason, message });

const decimal = (value: number): string => String(Number(value.toPrecision(4)));
const percent = (ratio: number): string => `${Number((ratio * 100).toPrecision(3))} %`;
