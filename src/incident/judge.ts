import type { Verdict } from '../api/incident.ts';

/** Requests and failed requests of one side, as counts over the time they were looked at. */
export interface Counts {
  errors: number;
  total: number;
}

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

/** Three standard deviations: by chance alone, one in 740. */
const Z = 3;

/**
 * Guilty: the release's own pods burn the budget, and fail a larger part of their requests than the ones before them
 * by more than chance explains. NotGuilty: they do not. Inconclusive: there is too little to tell. No data is no evidence.
 */
export const judgeCounts = (evidence: Evidence, time: string): Verdict => {
  const { suspect, before, threshold, minRequests, query } = evidence;
  const numbers = {
    ...(suspect && suspect.total > 0
      ? { newErrorRatio: round(suspect.errors / suspect.total), newRequests: round(suspect.total) }
      : {}),
    ...(before && before.total > 0
      ? { oldErrorRatio: round(before.errors / before.total), oldRequests: round(before.total) }
      : {}),
  };
  const verdict = (result: Verdict['result'], reason: string, message: string): Verdict => ({
    result,
    reason,
    message,
    time,
    query,
    ...numbers,
  });
  if (!suspect || suspect.total === 0)
    return verdict('Inconclusive', 'NoData', 'no requests to the pods of this release are recorded yet');
  if (suspect.total < minRequests) {
    return verdict(
      'Inconclusive',
      'InsufficientTraffic',
      `${Math.floor(suspect.total)} requests so far; ${minRequests} are needed to judge`,
    );
  }
  const ratio = suspect.errors / suspect.total;
  if (ratio <= threshold) {
    return verdict(
      'NotGuilty',
      'NotBurning',
      `its pods fail ${percent(ratio)} of requests; the budget burns above ${percent(threshold)}`,
    );
  }
  const known = before && before.total >= minRequests ? before : undefined;
  if (!known)
    return verdict(
      'Guilty',
      'ErrorRateIncreased',
      `its pods fail ${percent(ratio)} of requests; before it there was too little traffic to compare`,
    );
  const oldRatio = known.errors / known.total;
  const compared = `its pods fail ${percent(ratio)} of requests, those of the release before it ${percent(oldRatio)}`;
  return zScore(suspect, known) > Z
    ? verdict('Guilty', 'ErrorRateIncreased', compared)
    : verdict('NotGuilty', 'NoDifference', compared);
};

/** Two-proportion z-test with pooled variance. */
export const zScore = (a: Counts, b: Counts): number => {
  const pooled = (a.errors + b.errors) / (a.total + b.total);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / a.total + 1 / b.total));
  return deviation === 0 ? 0 : (a.errors / a.total - b.errors / b.total) / deviation;
};

/** Without an indicator only the firing rule's own expression can be asked: now, and just before the release. */
export const judgeExpression = (
  asked: { burningNow: boolean; burningBefore: boolean; query: string },
  time: string,
): Verdict => {
  const { query } = asked;
  if (!asked.burningNow)
    return { result: 'NotGuilty', reason: 'NotBurning', message: 'the alert does not fire any more', time, query };
  if (asked.burningBefore) {
    return {
      result: 'NotGuilty',
      reason: 'BurnBeganBefore',
      message: 'the alert fired already just before this release',
      time,
      query,
    };
  }
  return {
    result: 'Guilty',
    reason: 'ErrorRateIncreased',
    message: 'the alert fires now, and did not just before this release',
    time,
    query,
  };
};

export const inconclusive = (reason: string, message: string, time: string): Verdict => ({
  result: 'Inconclusive',
  reason,
  message,
  time,
});

const round = (value: number): number => Number(value.toPrecision(4));
const percent = (ratio: number): string => `${Number((ratio * 100).toPrecision(3))} %`;
