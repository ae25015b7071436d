import { parseDuration } from '../api/common.ts';
import type { Incident, Verdict } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import type { RollbackPolicy, ServiceLevelObjective } from '../api/slo.ts';
import {
  burnWindowsOf,
  ofPods,
  type Prometheus,
  PrometheusError,
  podPattern,
  thresholdOf,
  withWindow,
} from '../slo/index.ts';
import { abstain, type Counts, judgeCounts, judgeExpression } from './judge.ts';

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
  now: number;
}

/** A verdict on the suspect by what Prometheus says now. Abstains whenever it can't say. */
export const judge = async (question: Question, prometheus: Prometheus | undefined): Promise<Verdict> => {
  const { suspect, objective, policy, now, incident } = question;
  const time = new Date(now).toISOString();
  if (!suspect) return abstain('NoHistory', 'the release under suspicion is not recorded any more', time);
  const ready = Date.parse(suspect.ready ?? suspect.firstSeen);
  const began = Math.min(...incident.spec.evidence.map((e) => Date.parse(e.startsAt ?? e.received)));
  if (began - ready > parseDuration(policy.maxReleaseAge)) {
    return {
      result: 'Innocent',
      reason: 'ReleaseTooOld',
      message: `the release ran for more than ${policy.maxReleaseAge} before the burn began`,
      time,
    };
  }
  if (!prometheus) return abstain('PrometheusUnreachable', 'no Prometheus is configured (--prometheus-url)', time);
  try {
    return objective?.spec.indicator
      ? await judgeByIndicator(question, objective, ready, prometheus)
      : await judgeByRule(question, prometheus);
  } catch (error) {
    if (error instanceof PrometheusError) return abstain('PrometheusUnreachable', error.message, time);
    throw error;
  }
};

const judgeByIndicator = async (
  question: Question,
  objective: ServiceLevelObjective,
  ready: number,
  prometheus: Prometheus,
): Promise<Verdict> => {
  const { suspect, before, incident, policy, now } = question;
  const { indicator, objective: percent } = objective.spec;
  if (!indicator || !suspect)
    return abstain('NoExpression', 'the objective has no indicator', new Date(now).toISOString());
  const only = (expression: string, release: Release | undefined): string => {
    const pattern = release?.revision === undefined ? undefined : podPattern(incident.spec.workload, release.revision);
    // The same pods under both releases (only configuration changed), or a metric without pods: before and after.
    const same = suspect.revision === before?.revision;
    return pattern === undefined || indicator.podLabel === '' || same
      ? expression
      : ofPods(expression, indicator.podLabel, pattern);
  };
  const count = async (release: Release | undefined, windowMs: number, at: number): Promise<Counts | undefined> => {
    const [errors, total] = await Promise.all(
      [indicator.errors, indicator.total].map((e) => prometheus.query(withWindow(only(e, release), windowMs), at)),
    );
    const rate = sum(total);
    return rate === undefined
      ? undefined
      : { errors: ((sum(errors) ?? 0) * windowMs) / 1000, total: (rate * windowMs) / 1000 };
  };
  const windows = burnWindowsOf(objective.spec);
  const since = roundUp(Math.min(Math.max(now - ready, MIN_WINDOW_MS), Math.max(...windows.map((w) => w.longMs))));
  const [suspectCounts, beforeCounts] = await Promise.all([
    count(suspect, since, now),
    before ? count(before, BEFORE_MS, Date.parse(suspect.firstSeen)) : undefined,
  ]);
  const threshold = thresholdOf(Math.min(...windows.map((w) => w.factor)), percent);
  const query = withWindow(`(${only(indicator.errors, suspect)}) / (${only(indicator.total, suspect)})`, since);
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

/** The expression of the rule that fires, as Prometheus has it: nothing of it comes from the alert but its name and labels. */
const firingExpression = async (
  { incident }: Question,
  prometheus: Prometheus,
): Promise<{ expression: string; labels: Record<string, string> } | undefined> => {
  for (const entry of incident.spec.evidence) {
    const rules = await prometheus.alertingRules(entry.alert);
    const rule = rules.find((r) =>
      Object.entries(r.labels).every(([k, v]) => v.includes('{{') || entry.labels[k] === v),
    );
    if (rule) return { expression: rule.expression, labels: entry.labels };
  }
  return undefined;
};

/** Whether the expression has a result that agrees with the alert's labels. */
const fires = async (
  rule: { expression: string; labels: Record<string, string> },
  prometheus: Prometheus,
  at: number,
): Promise<boolean> => {
  const samples = await prometheus.query(rule.expression, at);
  return samples.some(({ labels }) =>
    Object.entries(labels).every(([k, v]) => rule.labels[k] === undefined || rule.labels[k] === v),
  );
};

const judgeByRule = async (question: Question, prometheus: Prometheus): Promise<Verdict> => {
  const time = new Date(question.now).toISOString();
  const rule = await firingExpression(question, prometheus);
  if (!rule) return abstain('NoExpression', 'Prometheus has no rule of that name and labels', time);
  const [burningNow, burningBefore] = await Promise.all([
    fires(rule, prometheus, question.now),
    fires(rule, prometheus, Date.parse(question.suspect?.firstSeen ?? time) - 1000),
  ]);
  return judgeExpression({ burningNow, burningBefore, query: rule.expression }, time);
};

/** undefined: nobody could say. */
export const isBurning = async (
  question: Question,
  prometheus: Prometheus | undefined,
): Promise<boolean | undefined> => {
  if (!prometheus) return undefined;
  const { objective, now } = question;
  try {
    if (!objective?.spec.indicator) {
      const rule = await firingExpression(question, prometheus);
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
