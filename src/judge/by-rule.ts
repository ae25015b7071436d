import type { Evidence, Measurement } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import type { Queries } from '../slo/index.ts';
import { spansOf } from './course.ts';
import type { Question, Witness } from './question.ts';
import { alertedAt, courseFrom, releaseTimes } from './time.ts';

type MeasuredRule = NonNullable<Measurement['rule']>;

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
 * Evaluates the expression of the rule behind the alerts over time, by one range query, and one more where it fired before
 * the release. With a caution where the rule was
 * written by somebody whom neither the workload's namespace nor the platform vouches for. undefined: Prometheus has no such
 * rule. Rejects with PrometheusError.
 */
export const measureRule = async (
  evidence: readonly Evidence[],
  question: Question & { suspect: Release },
  { prometheus }: Witness,
): Promise<{ rule: MeasuredRule; query: string; caution?: string } | undefined> => {
  const found = await firingRule(evidence, question, prometheus);
  if (!found) return undefined;
  const { suspect, incident, now } = question;
  const { releasedAt } = releaseTimes(suspect);
  const from = courseFrom(releasedAt, alertedAt(incident.spec.evidence, now));
  const [span] = spansOf(from, now);
  if (!span) throw new Error('there is always a span');
  const series = await prometheus.queryRange(found.expression, span);
  const firing = new Set(
    series
      .filter(({ labels }) => agrees(found, labels))
      .flatMap(({ points }) => points.map(({ at }) => Math.round(at))),
  );
  let since: number | undefined;
  for (let at = span.end; at >= span.start && firing.has(Math.round(at)); at -= span.step) since = at;
  // Between two steps it may have ended and begun again with the release.
  const justBefore = releasedAt - 1000;
  if (since !== undefined && since <= justBefore && !(await fires(found, prometheus, justBefore))) since = releasedAt;
  const rule = {
    fires: since !== undefined,
    fromTime: new Date(span.start).toISOString(),
    ...(since === undefined ? {} : { sinceTime: new Date(since).toISOString() }),
  };
  const { namespace } = incident.metadata;
  const caution = `the alerting rule, of ${found.file.slice(0, 200) || 'an unknown file'}, is not one of namespace ${namespace}`;
  return { rule, query: found.expression, ...(found.trusted ? {} : { caution }) };
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
const fires = async (rule: Rule, prometheus: Queries, at: number): Promise<boolean> =>
  (await prometheus.query(rule.expression, at)).some(({ labels }) => agrees(rule, labels));

const agrees = (rule: Rule, labels: Record<string, string>): boolean =>
  Object.entries(labels).every(([k, v]) => rule.labels[k] === undefined || rule.labels[k] === v);
