import { type Deliveries, refusedSince } from '../alertmanager/index.ts';
import type { ConditionInput } from '../api/conditions.ts';
import { claimsAlert, type Labels } from '../policy/labels.ts';
import { STRING_OR_COMMENT } from './expression.ts';
import type { AlertingRule } from './responses.ts';

export interface AlertFacts {
  /** Each is enough for an alert to reach a workload of the policy: see waysTo. */
  ways: readonly Labels[];
  /** All that Prometheus has loaded; a text: why they are not known. */
  rules: readonly AlertingRule[] | string;
  /** undefined: they can't be read. */
  deliveries: Deliveries | undefined;
  /** An alert has reached one of its workloads before. */
  reachedBefore: boolean;
}

/**
 * Condition AlertsReach: whether some rule reports a burn, and whether Alertmanager's deliveries arrive. That none has
 * come yet is no failure, for nothing may have fired; it is said.
 */
export const alertsReach = ({ ways, rules, deliveries, reachedBefore }: AlertFacts): ConditionInput => {
  const type = 'AlertsReach';
  const refused = deliveries && refusedSince(deliveries);
  if (refused) {
    const message = `the last delivery of Alertmanager, at ${refused.lastTime}, was refused: ${refused.code}`;
    return { type, status: false, reason: refused.code, message };
  }
  if (typeof rules === 'string') return { type, status: 'Unknown', reason: 'PrometheusUnreachable', message: rules };
  const reaching = rules.filter((rule) => ways.some((way) => canHave(rule, way)));
  const working = reaching.find(({ problem }) => problem === undefined);
  const [broken] = reaching;
  if (broken && !working) {
    const message = `Prometheus can't evaluate alerting rule ${broken.name}: ${broken.problem}`;
    return { type, status: false, reason: 'ExpressionRefused', message };
  }
  if (!working && !reachedBefore) {
    const message = `no alerting rule that Prometheus has loaded makes alerts that reach a workload of it: they need ${ways.map(inWords).join('; or ')}`;
    return { type, status: false, reason: 'NoAlertRule', message };
  }
  const by = working ? `alerting rule ${working.name} reports a burn` : 'alerts have reached it before';
  return { type, status: true, reason: 'AlertRuleLoaded', message: `${by}${neverCame(deliveries)}` };
};

const neverCame = (deliveries: Deliveries | undefined): string =>
  deliveries && !deliveries.accepted && deliveries.tests.length === 0
    ? '; no Alertmanager has delivered an alert yet: metricops test-alert'
    : '';

/**
 * Whether alerts of the rule have, or may have, all of these labels. The rule sets them, a template does, or they come
 * from its expression: only where that names the label, for most series have labels that nobody meant.
 */
export const canHave = (rule: AlertingRule, wanted: Labels): boolean => {
  const fixed: Labels = { ...rule.labels, alertname: rule.name };
  const open = Object.keys(wanted).filter((label) => fixed[label] === undefined);
  const known = Object.fromEntries(Object.entries(wanted).filter(([label]) => !open.includes(label)));
  const namesAll = open.every((label) => rule.templates?.includes(label) || isNamedIn(rule.expression, label));
  return namesAll && (open.length === Object.keys(wanted).length || claimsAlert(known, fixed));
};

const isNamedIn = (expression: string, label: string): boolean => {
  const code = expression.replaceAll(new RegExp(STRING_OR_COMMENT.source, 'g'), '""');
  return code.split(/[^a-zA-Z0-9_:]+/).includes(label);
};

const inWords = (labels: Labels): string =>
  Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(', ');
