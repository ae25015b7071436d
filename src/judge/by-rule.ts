import type { Evidence } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import type { Queries } from '../slo/index.ts';
import type { Question, Witness } from './question.ts';
import { type Finding, inconclusive, judgeExpression } from './verdict.ts';

/** The rule that fires, as Prometheus has it: nothing of it comes from the alert but its name and labels. */
interface Rule {
  expression: string;
  /** Of the alert. */
  labels: Record<string, string>;
  file: string;
  trusted: boolean;
}

/** Rules that are looked for, at most. */
const MAX_ALERTS = 8;

/**
 * Evaluates the expression of the rule behind the alerts, now and just before the release. With a caution where the rule
 * was written by somebody whom neither the workload's namespace nor the platform vouches for. Rejects with PrometheusError.
 */
export const judgeByRule = async (
  evidence: readonly Evidence[],
  question: Question & { suspect: Release },
  { prometheus }: Witness,
): Promise<{ finding: Finding; caution?: string }> => {
  const rule = await firingRule(evidence, question, prometheus);
  if (!rule) return { finding: inconclusive('NoExpression', 'Prometheus has no rule of that name and labels') };
  const [burningNow, burningBefore] = await Promise.all([
    fires(rule, prometheus, question.now),
    fires(rule, prometheus, Date.parse(question.suspect.firstSeenTime) - 1000),
  ]);
  const finding = judgeExpression({ burningNow, burningBefore, query: rule.expression });
  const { namespace } = question.incident.metadata;
  const caution = `the alerting rule, of ${rule.file.slice(0, 200) || 'an unknown file'}, is not one of namespace ${namespace}`;
  return { finding, ...(rule.trusted ? {} : { caution }) };
};

/** Whether the rule behind the alerts fires now. undefined: Prometheus has no such rule. Rejects with PrometheusError. */
export const burnsByRule = async (
  evidence: readonly Evidence[],
  question: Question,
  { prometheus }: Witness,
): Promise<boolean | undefined> => {
  const rule = await firingRule(evidence, question, prometheus);
  return rule && (await fires(rule, prometheus, question.now));
};

/** One of the workload's own namespace before any other: whoever writes rules may give them any name and labels. */
const firingRule = async (
  evidence: readonly Evidence[],
  { isTrustedRule }: Question,
  prometheus: Queries,
): Promise<Rule | undefined> => {
  let foreign: Rule | undefined;
  for (const { alert, labels } of firstOfEach(evidence)) {
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
const firstOfEach = (evidence: readonly Evidence[]): Evidence[] => {
  const byAlert = new Map<string, Evidence>();
  for (const entry of evidence) if (!byAlert.has(entry.alert)) byAlert.set(entry.alert, entry);
  return [...byAlert.values()].slice(0, MAX_ALERTS);
};

/** Whether the expression has a result that agrees with the alert's labels. */
const fires = async (rule: Rule, prometheus: Queries, at: number): Promise<boolean> => {
  const samples = await prometheus.query(rule.expression, at);
  return samples.some(({ labels }) =>
    Object.entries(labels).every(([k, v]) => rule.labels[k] === undefined || rule.labels[k] === v),
  );
};
