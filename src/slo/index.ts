export { budgetOf, budgetSpentPercent, burnWindowsOf, canFire, clearMs, detectMs, thresholdOf } from './burn.ts';
export { ofPods, podPattern, promDuration, withWindow } from './expression.ts';
export { type AlertMatch, type MatchInput, matchAlert, parseLabels } from './match.ts';
export { createPrometheus, type FiringRule, type Prometheus, PrometheusError, type Sample } from './prometheus.ts';
export { OBJECTIVE_LABEL, type RuleGroup, rulesFor } from './rules.ts';
