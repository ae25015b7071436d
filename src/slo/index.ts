export { PrometheusError } from './answer.ts';
export {
  budgetOf,
  budgetSpentPercent,
  burnWindowsOf,
  canFire,
  clearMs,
  detectMs,
  periodOf,
  thresholdOf,
} from './burn.ts';
export { podPattern, promDuration, withWindow } from './expression.ts';
export { type Events, eventsOf, eventsOfPods, meanLatencyOf, noBucket } from './indicator.ts';
export { type AlertMatch, createMatcher, type MatchInput, waysTo } from './match.ts';
export { startPolicyStatus } from './policy-status.ts';
export { createPrometheus, MAX_POINTS, type Prometheus, type Queries, type Range } from './prometheus.ts';
export { ExpressionError } from './promql.ts';
export { createQueryQueue, type QueriesOf } from './query-queue.ts';
export type { AlertingRule, Sample, Series } from './responses.ts';
export { isTrustedRuleFile } from './rule-file.ts';
export {
  OBJECTIVE_LABEL,
  POLICY_LABEL,
  prometheusRuleFor,
  type RuleGroup,
  rulesFor,
  whyNoRules,
} from './rules.ts';
export { createSelectors, type Selectors } from './selectors.ts';
export { type Call, callsOf, callsQuery } from './service-graph.ts';
export { annotateMode, optedIn, owner, type PathStep, paused, target, unrecorded } from './workload-path.ts';
