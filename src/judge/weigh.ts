import type { Measurement, ObjectiveVerdict } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import { ofAll } from './earlier.ts';
import { evidenceOf } from './evidence.ts';
import { type Facts, factsOf, type RatioFacts } from './facts.ts';
import type { Found } from './found.ts';
import { type Counts, wilson } from './statistics.ts';
import type { Finding } from './verdict.ts';
import { percent, percentOf } from './words.ts';

/** At this score or below, what speaks for the release decides. */
const CLEARED = -3;
/** What may be to blame as well, and shows no other cause by itself. */
const DOUBTS: ReadonlySet<Found['name']> = new Set(['Neighbours', 'Dependencies', 'Traffic', 'Pods', 'Nodes']);
/** One-sided 95 %. */
const Z = 1.645;
/** A ratio that is surely below this part of the threshold, or of little more, does not burn. */
const CLEARLY_BELOW = 1.5;
/** As long as the schema takes: names may be. */
const MAX_MESSAGE = 512;

/**
 * The finding that a measurement leads to. Pure: a stored one gives the same again.
 *
 * Guilty: it burns, and the evidence against the release has minScore points. NotGuilty: it does not burn, or the
 * evidence shows another cause. Inconclusive: neither is shown. No data is no evidence.
 */
export const weigh = (measured: Measurement): Finding => {
  const facts = factsOf(measured);
  const numbers = { ...numbersOf(facts), measured };
  const early = (facts.ratio && withoutBurn(facts.ratio, facts)) ?? (facts.rule && withoutAlert(facts.rule));
  if (early) return inWords({ ...early, ...numbers });
  const evidence = evidenceOf(facts);
  const score = evidence.reduce((sum, { points }) => sum + points, 0);
  const finding = {
    ...decided(evidence, score, facts.minScore),
    score,
    evidence: evidence.map(({ name, points, message }) => ({ name, points, message: message.slice(0, MAX_MESSAGE) })),
    ...numbers,
  };
  return inWords(ofAll(finding, measured, facts));
};

/** What fails is slow, where the objective is of a latency. */
const inWords = (finding: Finding): Finding => {
  const { slowerThan } = finding.measured?.ratio ?? {};
  if (slowerThan === undefined) return finding;
  return { ...finding, message: `${finding.message} (a request fails when it takes longer than ${slowerThan})` };
};

type Words = Pick<ObjectiveVerdict, 'result' | 'reason' | 'message'>;

const decided = (evidence: readonly Found[], score: number, minScore: number): Words => {
  const says = (result: Words['result'], reason: Reason, of: readonly Pick<Found, 'message'>[]): Words => ({
    result,
    reason,
    message: of.map(({ message }) => message).join('; '),
  });
  const against = evidence.filter(({ points }) => points > 0);
  if (score >= minScore) return says('Guilty', 'ErrorRateIncreased', against);
  const speaksFor = evidence.filter(({ points }) => points < 0).toSorted((a, b) => a.points - b.points);
  const [most] = speaksFor;
  const shown = speaksFor.find(({ name, points }) => points <= CLEARED && !DOUBTS.has(name));
  if (shown && score <= CLEARED) return says('NotGuilty', shown.reason, speaksFor);
  const open = most ?? evidence.find(({ points }) => points === 0);
  const missing = { message: `the evidence has ${score} points; minScore is ${minScore}` };
  if (!open) return says('Inconclusive', 'ScoreTooLow', [...evidence, missing]);
  return says('Inconclusive', open.reason, [open, ...evidence.filter((one) => one !== open)]);
};

/** Where too little is known, or the release does not burn: nothing else is asked. */
const withoutBurn = (
  { release, threshold, course }: RatioFacts,
  { minRequests, onset }: Pick<Facts, 'minRequests' | 'onset'>,
): Words | undefined => {
  const says = (result: Words['result'], reason: Reason, message: string): Words => ({ result, reason, message });
  if (!release || release.total === 0)
    return says('Inconclusive', 'NoData', 'no requests to the pods of this release are recorded yet');
  const ratio = release.errors / release.total;
  const limit = `the budget burns above ${percent(threshold)}`;
  const last = course.at(-1);
  if (last && course.length > 1 && (!onset || isFading(course, last, threshold))) {
    const burned = course.some((one) => one.errors / one.total > threshold);
    const since = `${percentOf(last)} fail since it ended; ${limit}`;
    if (wilson(last, Z).high <= threshold)
      return says('NotGuilty', burned ? 'BurnEnded' : 'NotBurning', `the burn is over: ${since}`);
    if (burned)
      return says(
        'Inconclusive',
        'InsufficientTraffic',
        `the burn may be over, and too few requests came to be sure: ${since}`,
      );
  }
  if (release.total < minRequests) {
    const message = `${Math.floor(release.total)} requests so far; ${minRequests} are needed to judge`;
    return says('Inconclusive', 'InsufficientTraffic', message);
  }
  if (ratio > threshold) return undefined;
  const found = `its pods fail ${percentOf(release)}; ${limit}`;
  return wilson(release, Z).high <= CLEARLY_BELOW * threshold
    ? says('NotGuilty', 'NotBurning', found)
    : says('Inconclusive', 'InsufficientTraffic', `${found}; too few requests to rule that out`);
};

/** Just above the threshold, not surely, and far from what burned before: what is left of a burn. */
const isFading = (course: RatioFacts['course'], last: Counts, threshold: number): boolean => {
  const ratio = last.errors / last.total;
  const most = Math.max(...course.map(({ errors, total }) => errors / total));
  return ratio > threshold && ratio < most / 4 && wilson(last, Z).low <= threshold;
};

const withoutAlert = ({ fires }: NonNullable<Facts['rule']>): Words | undefined =>
  fires
    ? undefined
    : { result: 'NotGuilty', reason: 'NotBurning', message: 'the expression of the alert has no result any more' };

const numbersOf = ({ ratio }: Facts): Partial<ObjectiveVerdict> => {
  const other = ratio?.beside?.other ?? ratio?.before;
  return {
    ...(ratio?.release && ratio.release.total > 0
      ? { newErrorRatio: shareOf(ratio.release), newRequests: decimal(ratio.release.total) }
      : {}),
    ...(other && other.total > 0 ? { oldErrorRatio: shareOf(other), oldRequests: decimal(other.total) } : {}),
  };
};

const shareOf = ({ errors, total }: Counts): string => decimal(errors / total);

/** Digits that count: more of them would say nothing. */
const decimal = (value: number): string => String(Number(value.toPrecision(4)));
