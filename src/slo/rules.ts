import { isMeasured, type MeasuredObjective, type RollbackPolicy } from '../api/rollback-policy.ts';
import { burnWindowsOf, canFire, thresholdOf } from './burn.ts';
import { promDuration, withWindow } from './expression.ts';

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

const rulesOf = (
  { name, target, indicator, ...windows }: MeasuredObjective,
  { namespace, policy }: { namespace: string; policy: string },
): Rule[] => {
  const { errors, total } = indicator.ratio;
  // A comment at its end would go on over our bracket.
  const sum = (expression: string, ms: number): string =>
    `sum(${withWindow(expression, ms)}${expression.includes('#') ? '\n' : ''})`;
  const ratio = (ms: number): string => `${sum(errors, ms)} / ${sum(total, ms)}`;
  return burnWindowsOf(windows)
    .filter(({ factor }) => canFire(factor, Number(target)))
    .map(({ longMs, shortMs, factor, severity }) => {
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
