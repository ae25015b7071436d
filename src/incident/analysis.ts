import { parseDuration } from '../api/common.ts';
import type { Evidence, Incident, Verdict } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import type { RollbackPolicy, ServiceLevelObjective } from '../api/slo.ts';
import type { Clock } from '../clock.ts';
import {
  burnWindowsOf,
  createQueryQueue,
  createSelectors,
  ExpressionError,
  PrometheusError,
  podPattern,
  type Queries,
  type Selectors,
  thresholdOf,
  withWindow,
} from '../slo/index.ts';
import { type Counts, inconclusive, judgeCounts, judgeExpression } from './judge.ts';

const MIN_WINDOW_MS = 5_000;
/** How far back the release before is looked at. */
const BEFORE_MS = 300_000;

/** What is asked of Prometheus, and about what. */
export interface Question {
  incident: Incident;
  suspect: Release | undefined;
  before: Release | undefined;
  objective: ServiceLevelObjective | undefined;
  policy: RollbackPolicy;
  /** Whether rules of this file may speak against the workload without a person's consent. */
  isTrustedRule: (file: string) => boolean;
  now: number;
}

/** What Prometheus says of a release. Nothing here rejects because of what Prometheus, a rule or an objective says. */
export interface Judge {
  /** On the suspect, by what Prometheus says now. Inconclusive whenever it can't say. */
  judge(question: Question): Promise<Judged>;
  /** undefined: nobody could say. */
  isBurning(question: Question): Promise<boolean | undefined>;
}

export interface Judged {
  verdict: Verdict;
  /** Why a person has to agree before it is acted on, although the mode is Auto. */
  caution?: string;
}

/** Who is asked, and who writes what is asked. */
interface Witness {
  prometheus: Queries;
  selectors: Selectors;
}

/** @param prometheus undefined: nobody configured one; every verdict is Inconclusive */
export const createJudge = (prometheus: Queries | undefined, clock: Pick<Clock, 'now'>): Judge => {
  const selectors = createSelectors();
  const look = prometheus && createQueryQueue(prometheus, clock);
  const witnessFor = ({ incident }: Question): Witness | undefined =>
    look && { prometheus: look(incident.metadata.namespace ?? ''), selectors };
  return {
    async judge(question) {
      const { verdict, caution } = await judge(question, witnessFor(question));
      return { verdict: bounded(verdict), ...(caution === undefined ? {} : { caution }) };
    },
    isBurning: (question) => isBurning(question, witnessFor(question)),
  };
};

/** As much as the schema takes: a status that is refused would be written again and again. */
const bounded = (verdict: Verdict): Verdict => ({
  ...verdict,
  message: verdict.message.slice(0, 4096),
  ...(verdict.query === undefined ? {} : { query: verdict.query.slice(0, 8192) }),
});

const judge = async (question: Question, witness: Witness | undefined): Promise<Judged> => {
  const { suspect, objective, policy, now, incident } = question;
  const time = new Date(now).toISOString();
  if (!suspect)
    return { verdict: inconclusive('NoHistory', 'the release under suspicion is not recorded any more', time) };
  const ready = Date.parse(suspect.readyTime ?? suspect.firstSeenTime);
  const began = Math.min(...incident.spec.evidence.map((e) => Date.parse(e.startsAt ?? e.receivedTime)));
  if (began - ready > parseDuration(policy.maxReleaseAge)) {
    return {
      verdict: {
        result: 'NotGuilty',
        reason: 'ReleaseTooOld',
        message: `the release ran for more than ${policy.maxReleaseAge} before the burn began`,
        time,
      },
    };
  }
  if (!witness) return { verdict: inconclusive('PrometheusUnreachable', NOT_CONFIGURED, time) };
  try {
    return objective?.spec.indicator
      ? { verdict: await judgeByIndicator(question, objective, ready, witness) }
      : await judgeByRule(question, witness);
  } catch (error) {
    if (error instanceof PrometheusError) return { verdict: inconclusive(error.reason, error.message, time) };
    if (error instanceof ExpressionError) return { verdict: inconclusive('ExpressionRefused', error.message, time) };
    throw error;
  }
};

const NOT_CONFIGURED = 'no Prometheus is configured (METRICOPS_PROMETHEUS_URL)';

const judgeByIndicator = async (
  question: Question,
  objective: ServiceLevelObjective,
  ready: number,
  { prometheus, selectors }: Witness,
): Promise<Verdict> => {
  const { suspect, before, incident, policy, now } = question;
  const { indicator, objective: percent } = objective.spec;
  if (!indicator || !suspect)
    return inconclusive('NoExpression', 'the objective has no indicator', new Date(now).toISOString());
  const only = (which: 'errors' | 'total', release: Release | undefined): string => {
    const expression = indicator[which];
    const pattern =
      release?.revision === undefined ? undefined : podPattern(incident.spec.workloadRef, release.revision);
    // The same pods under both releases (only configuration changed), or a metric without pods: before and after.
    const same = suspect.revision === before?.revision;
    if (pattern === undefined || indicator.podLabel === '' || same) return expression;
    try {
      return selectors.restrict(expression, indicator.podLabel, pattern);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      const what = `indicator.${which} can't be asked of the pods of one release`;
      throw new ExpressionError(`${what}: ${error.message}`, { cause: error });
    }
  };
  const count = async (release: Release | undefined, windowMs: number, at: number): Promise<Counts | undefined> => {
    // Both are written before either is asked: a refusal leaves no query behind that nobody waits for.
    const queries = [only('errors', release), only('total', release)].map((e) => withWindow(e, windowMs));
    const [errors, total] = await Promise.all(queries.map((query) => prometheus.query(query, at)));
    const rate = sum(total);
    return rate === undefined
      ? undefined
      : { errors: ((sum(errors) ?? 0) * windowMs) / 1000, total: (rate * windowMs) / 1000 };
  };
  const windows = burnWindowsOf(objective.spec);
  const since = roundUp(Math.min(Math.max(now - ready, MIN_WINDOW_MS), Math.max(...windows.map((w) => w.longMs))));
  const [suspectCounts, beforeCounts] = await Promise.all([
    count(suspect, since, now),
    before ? count(before, BEFORE_MS, Date.parse(suspect.firstSeenTime)) : undefined,
  ]);
  const threshold = thresholdOf(Math.min(...windows.map((w) => w.factor)), percent);
  const query = withWindow(`(${only('errors', suspect)}) / (${only('total', suspect)})`, since);
  return judgeCounts(
    { threshold, suspect: suspectCounts, before: beforeCounts, minRequests: policy.minRequests, query },
    new Date(now).toISOString(),
  );
};

const roundUp = (ms: number): number => Math.ceil(ms / 1000) * 1000;

const sum = (samples: readonly { value: number }[] | undefined): number | undefined => {
  const values = (samples ?? []).map((s) => s.value).filter((v) => Number.isFinite(v));
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0);
};

/** The rule that fires, as Prometheus has it: nothing of it comes from the alert but its name and labels. */
interface Rule {
  expression: string;
  /** Of the alert. */
  labels: Record<string, string>;
  file: string;
  trusted: boolean;
}

/** One of the workload's own namespace before any other: whoever writes rules may give them any name and labels. */
const firingRule = async ({ incident, isTrustedRule }: Question, prometheus: Queries): Promise<Rule | undefined> => {
  let foreign: Rule | undefined;
  for (const { alert, labels } of firstOfEach(incident)) {
    for (const rule of await prometheus.alertingRules(alert)) {
      if (!Object.entries(rule.labels).every(([k, v]) => labels[k] === v)) continue;
      const { expression, file } = rule;
      if (isTrustedRule(file)) return { expression, labels, file, trusted: true };
      foreign ??= { expression, labels, file, trusted: false };
    }
  }
  return foreign;
};

/** Evidence of some alerts: as many rules are looked for, and no more. */
const firstOfEach = ({ spec }: Incident): Evidence[] => {
  const byAlert = new Map<string, Evidence>();
  for (const entry of spec.evidence) if (!byAlert.has(entry.alert)) byAlert.set(entry.alert, entry);
  return [...byAlert.values()].slice(0, MAX_ALERTS);
};
const MAX_ALERTS = 8;

/** Whether the expression has a result that agrees with the alert's labels. */
const fires = async (rule: Rule, prometheus: Queries, at: number): Promise<boolean> => {
  const samples = await prometheus.query(rule.expression, at);
  return samples.some(({ labels }) =>
    Object.entries(labels).every(([k, v]) => rule.labels[k] === undefined || rule.labels[k] === v),
  );
};

const judgeByRule = async (question: Question, { prometheus }: Witness): Promise<Judged> => {
  const time = new Date(question.now).toISOString();
  const rule = await firingRule(question, prometheus);
  if (!rule) return { verdict: inconclusive('NoExpression', 'Prometheus has no rule of that name and labels', time) };
  const [burningNow, burningBefore] = await Promise.all([
    fires(rule, prometheus, question.now),
    fires(rule, prometheus, Date.parse(question.suspect?.firstSeenTime ?? time) - 1000),
  ]);
  const verdict = judgeExpression({ burningNow, burningBefore, query: rule.expression }, time);
  const { namespace } = question.incident.metadata;
  const caution = `the alerting rule, of ${rule.file.slice(0, 200) || 'an unknown file'}, is not one of namespace ${namespace}`;
  return { verdict, ...(rule.trusted ? {} : { caution }) };
};

const isBurning = async (question: Question, witness: Witness | undefined): Promise<boolean | undefined> => {
  if (!witness) return undefined;
  const { prometheus } = witness;
  const { objective, now } = question;
  try {
    if (!objective?.spec.indicator) {
      const rule = await firingRule(question, prometheus);
      return rule && (await fires(rule, prometheus, now));
    }
    const [shortest] = burnWindowsOf(objective.spec).toSorted((a, b) => a.shortMs - b.shortMs);
    if (!shortest) return undefined;
    const { errors, total } = objective.spec.indicator;
    const [bad, all] = await Promise.all(
      [errors, total].map((e) => prometheus.query(withWindow(e, shortest.shortMs), now)),
    );
    const rate = sum(all);
    return rate === undefined || rate === 0
      ? undefined
      : (sum(bad) ?? 0) / rate > thresholdOf(shortest.factor, objective.spec.objective);
  } catch (error) {
    if (error instanceof PrometheusError) return undefined;
    throw error;
  }
};
