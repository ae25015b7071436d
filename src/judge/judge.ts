import type { Evidence, Measurement, ObjectiveVerdict, Verdict } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import { isMeasured, type MeasuredObjective, type Objective } from '../api/rollback-policy.ts';
import { claimsAlert } from '../policy/labels.ts';
import { createSelectors, ExpressionError, PrometheusError, type QueriesOf } from '../slo/index.ts';
import { burnsByIndicator, type Measured, measureRatio } from './by-indicator.ts';
import { withLatencies } from './by-latency.ts';
import { judgeRollout } from './by-rollout.ts';
import { burnsByRule, measureRule } from './by-rule.ts';
import { earlierQuestions } from './earlier.ts';
import type { Neighbour, Question, Witness } from './question.ts';
import { measureRestored, type RestoredRatio } from './restored.ts';
import { withSurroundings } from './surroundings.ts';
import { alertedAt, releaseTimes } from './time.ts';
import { combine, type Finding, inconclusive } from './verdict.ts';
import { weigh } from './weigh.ts';

/** What Prometheus says of a release. Nothing here rejects because of what Prometheus, a rule or an objective says. */
export interface Judge {
  /** On the suspect, by what Prometheus says now. Inconclusive whenever it can't say. */
  judge(question: Question): Promise<Judged>;
  /** Whether an objective that burned still does. undefined: nobody could say. */
  isBurning(question: Question): Promise<boolean | undefined>;
  /** What the restored release fails of the objective that it burns most. undefined: nobody could count. */
  measureRestored(question: Question): Promise<RestoredRatio | undefined>;
}

export interface Judged {
  verdict: Verdict;
  /** Why a person has to agree before it is acted on, although the mode is Auto. */
  caution?: string;
}

/** @param queries undefined: nobody configured a Prometheus; every verdict is Inconclusive */
export const createJudge = (queries: QueriesOf | undefined): Judge => {
  const selectors = createSelectors();
  const witnessFor = ({ incident }: Question): Witness | undefined =>
    queries && { prometheus: queries(incident.metadata.namespace ?? ''), selectors };
  return {
    judge: (question) => judge(question, witnessFor(question)),
    isBurning: (question) => isBurning(question, witnessFor(question)),
    async measureRestored(question) {
      const witness = witnessFor(question);
      return witness && (await measureRestored(burned(question).filter(isMeasured), question, witness));
    },
  };
};

const NOT_CONFIGURED = 'no Prometheus is configured (METRICOPS_PROMETHEUS_URL)';
const NO_RULE = 'Prometheus has no rule of that name and labels';
const NOT_READ = 'objectives of other tools are not read yet; give the objective a target and an indicator';

/** Where no policy says what a burn is, the rules of the alerts do: as one objective, of which every alert is one. */
const OF_ALERTS: Objective = { name: 'alerts' };

/** What the pods say by themselves, as one objective more. */
const ROLLOUT = 'rollout';
const isOfRollout = ({ source }: Evidence): boolean => source === 'Rollout';

const objectivesOf = ({ objectives }: Question): readonly Objective[] =>
  objectives.length > 0 ? objectives : [OF_ALERTS];

const judge = async (question: Question, witness: Witness | undefined): Promise<Judged> => {
  const { suspect, incident, now } = question;
  const time = new Date(now).toISOString();
  if (!suspect)
    return { verdict: { ...inconclusive('NoHistory', 'the release under suspicion is not recorded any more'), time } };
  const rollout = question.rollout && {
    verdict: bounded({ name: ROLLOUT, ...judgeRollout(question.rollout.evidence) }),
  };
  // What the pods themselves say needs no metrics.
  if (rollout && (rollout.verdict.result === 'Guilty' || incident.spec.evidence.every(isOfRollout)))
    return { verdict: combine([rollout.verdict], time) };
  if (!witness) return { verdict: { ...inconclusive('PrometheusUnreachable', NOT_CONFIGURED), time } };
  const measured = objectivesOf(question).map((objective) => judgeOne(objective, { ...question, suspect }, witness));
  const found: JudgedOne[] = [...(await Promise.all(measured)), ...(rollout ? [rollout] : [])];
  const guilty = found.filter(({ verdict }) => verdict.result === 'Guilty');
  // One that nobody has to agree to suffices.
  const caution = guilty.every((one) => one.caution !== undefined) ? guilty[0]?.caution : undefined;
  const verdict = combine(
    found.map((one) => one.verdict),
    time,
  );
  return { verdict, ...(caution === undefined ? {} : { caution }) };
};

interface JudgedOne {
  verdict: ObjectiveVerdict;
  caution?: string;
}

/** By itself: what fails for one objective costs no other. */
const judgeOne = async (
  objective: Objective,
  question: Question & { suspect: Release },
  witness: Witness,
): Promise<JudgedOne> => {
  const named = (finding: Finding): ObjectiveVerdict => bounded({ name: objective.name, ...finding });
  try {
    if (isMeasured(objective)) return { verdict: named(await judgeRatio(objective, question, witness)) };
    if (objective.objectiveRef) return { verdict: named(inconclusive('ObjectiveRefNotRead', NOT_READ)) };
    const evidence = evidenceFor(objective, question);
    if (evidence.length === 0) {
      const message = 'no alert of the incident has the labels of this objective';
      return { verdict: named({ result: 'NotGuilty', reason: 'NotBurning', message }) };
    }
    const measured = await measureRule(evidence, question, witness);
    if (!measured) return { verdict: named(inconclusive('NoExpression', NO_RULE)) };
    const { rule, query, caution } = measured;
    const weighed = await weighWithOthers({ ...known(question), rule }, undefined, question, witness);
    const verdict = named({ ...weighed, query });
    return { verdict, ...(caution === undefined ? {} : { caution }) };
  } catch (error) {
    if (error instanceof PrometheusError) return { verdict: named(inconclusive(error.reason, error.message)) };
    if (error instanceof ExpressionError) return { verdict: named(inconclusive('ExpressionRefused', error.message)) };
    throw error;
  }
};

/** The suspect against the release before it; then against what ran before that, where both may have one fault. */
const judgeRatio = async (
  objective: MeasuredObjective,
  question: Question & { suspect: Release },
  witness: Witness,
): Promise<Finding> => {
  const find = async (asked: Measured): Promise<Finding> => {
    const { ratio, query, releasedAt } = await measureRatio(objective, asked, witness);
    const counted = { ...known(asked), releasedTime: iso(releasedAt), ratio };
    const measured = await withLatencies(counted, objective, asked, witness);
    return { ...(await weighWithOthers(measured, objective, asked, witness)), query };
  };
  const first = await find(question);
  for (const asked of earlierQuestions(first, question)) {
    const finding = await find(asked);
    if (finding.result === 'Guilty') return finding;
  }
  return first;
};

/** Before a release is called Guilty, or where it would be were the others well, its pods and the others are measured. */
const weighWithOthers = async (
  measured: Measurement,
  objective: MeasuredObjective | undefined,
  question: Question,
  witness: Witness,
): Promise<Finding> => {
  const finding = weigh(measured);
  const isGuilty = finding.result === 'Guilty';
  const countsWell = !isGuilty && weigh({ ...measured, well: 1 }).result === 'Guilty';
  if (!isGuilty && !countsWell) return finding;
  const isCompared = finding.evidence?.some(({ name, points }) => name === 'SideBySide' && points > 0) ?? false;
  return weigh(await withSurroundings(measured, { objective, isCompared, countsWell }, question, witness));
};

/** What is known without Prometheus. */
const known = ({ suspect, incident, guardrails, neighbours, check, now, compared }: Measured): Measurement => {
  const { releasedAt, readyAt } = releaseTimes(suspect);
  const { maxReleaseAge, minRequests, minScore } = guardrails;
  return {
    releasedTime: iso(releasedAt),
    readyTime: iso(readyAt),
    alertTime: iso(alertedAt(incident.spec.evidence, now)),
    ...{ maxReleaseAge, minRequests, minScore },
    ...(compared === undefined ? {} : { compared }),
    ...(check === undefined ? {} : { check }),
    ...(neighbours.length === 0 ? {} : { neighbours: neighbours.map(neighbourOf) }),
  };
};

const neighbourOf = ({ name, since, isDependency }: Neighbour): NonNullable<Measurement['neighbours']>[number] => ({
  name,
  alertTime: iso(since),
  ...(isDependency ? { dependency: true } : {}),
});

const iso = (ms: number): string => new Date(ms).toISOString();

/** As much as the schema takes: a status that is refused would be written again and again. */
const bounded = (verdict: ObjectiveVerdict): ObjectiveVerdict => ({
  ...verdict,
  message: verdict.message.slice(0, 1024),
  ...(verdict.query === undefined ? {} : { query: verdict.query.slice(0, 8192) }),
});

/** Alerts of the incident that report the burn of an objective. */
const evidenceFor = (objective: Objective, { incident }: Question): readonly Evidence[] =>
  objective === OF_ALERTS
    ? incident.spec.evidence.filter((entry) => !isOfRollout(entry))
    : incident.spec.evidence.filter(({ labels }) => claimsAlert(objective.alerts?.matchLabels, labels));

/** Of all objectives that burned: one that goes on suffices, and one that nobody can ask leaves it open. */
const isBurning = async (question: Question, witness: Witness | undefined): Promise<boolean | undefined> => {
  const guilty = guiltyOf(question);
  if (guilty.length > 0 && guilty.every(({ name }) => name === ROLLOUT))
    return question.rollout?.evidence !== undefined;
  if (!witness) return undefined;
  const asked = await Promise.all(burned(question).map((objective) => burns(objective, question, witness)));
  return asked.includes(true) ? true : asked.includes(undefined) ? undefined : false;
};

/** By the verdict; all, where there is none, or the policy names none of them any more. */
const burned = (question: Question): readonly Objective[] => {
  const objectives = objectivesOf(question);
  const known = objectives.filter(({ name }) => guiltyOf(question).some((one) => one.name === name));
  return known.length > 0 ? known : objectives;
};

const guiltyOf = ({ incident }: Question): readonly ObjectiveVerdict[] =>
  incident.status?.verdict?.objectives?.filter(({ result }) => result === 'Guilty') ?? [];

const burns = async (objective: Objective, question: Question, witness: Witness): Promise<boolean | undefined> => {
  try {
    if (isMeasured(objective)) return await burnsByIndicator(objective, question, witness);
    if (objective.objectiveRef) return undefined;
    const evidence = evidenceFor(objective, question);
    return evidence.length === 0 ? false : await burnsByRule(evidence, question, witness);
  } catch (error) {
    if (error instanceof PrometheusError || error instanceof ExpressionError) return undefined;
    throw error;
  }
};
