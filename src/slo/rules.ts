import type { KubeObject } from '../api/meta.ts';
import { isMeasured, type MeasuredObjective, type RollbackPolicy } from '../api/rollback-policy.ts';
import { burnWindowsOf, canFire, thresholdOf } from './burn.ts';
import { promDuration, withWindow } from './expression.ts';
import { eventsOf } from './indicator.ts';

/** Labels by which an alert of these rules names its policy, and the objective in it. */
export const POLICY_LABEL = 'metricops_policy';
export const OBJECTIVE_LABEL = 'metricops_objective';

export interface Rule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface RuleGroup {
  name: string;
  rules: Rule[];
}

/** Multiwindow, multi-burn-rate alerts (SRE workbook, chapter 5, approach 6): both windows must burn. */
export const rulesFor = (policy: RollbackPolicy): RuleGroup => {
  const { namespace = '', name } = policy.metadata;
  const measured = policy.spec.objectives.filter(isMeasured);
  if (measured.length === 0)
    throw new Error(`RollbackPolicy ${namespace}/${name} has no objective with an indicator to make rules of`);
  return {
    name: `metricops-${namespace}-${name}`,
    rules: measured.flatMap((objective) => rulesOf(objective, { namespace, policy: name })),
  };
};

/** Why there are no rules that report a burn of what the policy guards; undefined where `rulesFor` makes some. */
export const whyNoRules = ({ spec }: RollbackPolicy): string | undefined => {
  const measured = spec.objectives.filter(isMeasured);
  if (measured.length === 0) return 'no objective has a target and an indicator';
  if (!spec.targetRef)
    return 'it guards workloads by their labels, and an alert of its rules would not say which of them burns: give each a policy with targetRef';
  return measured.every((objective) => windowsThatFire(objective).length === 0)
    ? 'no burn window of its objectives can ever fire: factor × (1 − target) is 1 or more'
    : undefined;
};

/** The rules as prometheus-operator takes them. Kubernetes deletes the object with its policy where that has a uid. */
export const prometheusRuleFor = (policy: RollbackPolicy, labels: Record<string, string>): KubeObject => {
  const { namespace = '', name, uid } = policy.metadata;
  const { apiVersion, kind } = policy;
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: {
      name: `metricops-${name}`,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'metricops', ...labels },
      ...(uid === undefined ? {} : { ownerReferences: [{ apiVersion, kind, name, uid }] }),
    },
    spec: { groups: [rulesFor(policy)] },
  };
};

/** Windows of an objective with a threshold that an error ratio can exceed. */
export const windowsThatFire = ({ target, ...objective }: MeasuredObjective): ReturnType<typeof burnWindowsOf> =>
  burnWindowsOf(objective).filter(({ factor }) => canFire(factor, Number(target)));

const rulesOf = (
  objective: MeasuredObjective,
  { namespace, policy }: { namespace: string; policy: string },
): Rule[] => {
  const { name, target } = objective;
  const { errors, total } = eventsOf(objective);
  const ratio = (ms: number): string => `${sumOver(errors, ms)} / ${sumOver(total, ms)}`;
  return windowsThatFire(objective).map(({ longMs, shortMs, factor, severity }) => {
    const threshold = Number(thresholdOf(factor, Number(target)).toPrecision(6));
    return {
      alert: 'ErrorBudgetBurn',
      expr: `${ratio(longMs)} > ${threshold} and ${ratio(shortMs)} > ${threshold}`,
      labels: {
        severity,
        namespace,
        [POLICY_LABEL]: policy,
        [OBJECTIVE_LABEL]: name,
        window: promDuration(longMs),
      },
      annotations: {
        summary: `${namespace}/${policy}: objective ${name} burns its error budget at ${factor} times the rate that it lasts for`,
      },
    };
  });
};

/** The sum of the expression over a window. A comment at its end would go on over our bracket. */
export const sumOver = (expression: string, windowMs: number): string =>
  `sum(${withWindow(expression, windowMs)}${expression.includes('#') ? '\n' : ''})`;
