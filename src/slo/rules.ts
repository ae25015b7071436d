import type { ServiceLevelObjective } from '../api/slo.ts';
import { burnWindowsOf, canFire, thresholdOf } from './burn.ts';
import { promDuration, withWindow } from './expression.ts';

/** Name of the label by which an alert of these rules names its objective. */
export const OBJECTIVE_LABEL = 'metricops_slo';

export interface RuleGroup {
  name: string;
  rules: { alert: string; expr: string; labels: Record<string, string>; annotations: Record<string, string> }[];
}

/** Multiwindow, multi-burn-rate alerts (SRE workbook, chapter 5, approach 6): both windows must burn. */
export const rulesFor = (slo: ServiceLevelObjective): RuleGroup => {
  const { indicator, objective } = slo.spec;
  const { namespace = '', name } = slo.metadata;
  if (!indicator) throw new Error(`ServiceLevelObjective ${namespace}/${name} has no indicator to make rules of`);
  const ratio = (ms: number): string =>
    `sum(${withWindow(indicator.errors, ms)}) / sum(${withWindow(indicator.total, ms)})`;
  const windows = burnWindowsOf(slo.spec).filter((w) => canFire(w.factor, objective));
  return {
    name: `metricops-${namespace}-${name}`,
    rules: windows.map(({ longMs, shortMs, factor, severity }) => {
      const threshold = Number(thresholdOf(factor, objective).toPrecision(6));
      return {
        alert: 'ErrorBudgetBurn',
        expr: `${ratio(longMs)} > ${threshold} and ${ratio(shortMs)} > ${threshold}`,
        labels: { severity, namespace, [OBJECTIVE_LABEL]: name, window: promDuration(longMs) },
        annotations: {
          summary: `${namespace}/${name} burns its error budget at ${factor} times the rate that it lasts for`,
        },
      };
    }),
  };
};
