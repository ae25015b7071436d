import type { ConditionInput } from '../api/conditions.ts';
import { isMeasured, type MeasuredObjective, type RollbackPolicy } from '../api/rollback-policy.ts';
import { PrometheusError } from './answer.ts';
import { eventsOf } from './indicator.ts';
import type { Queries } from './prometheus.ts';
import type { Answer } from './promise.ts';
import { ExpressionError } from './promql.ts';
import { sumOver, windowsThatFire } from './rules.ts';
import type { Selectors } from './selectors.ts';

const HOUR_MS = 3_600_000;

/** Labels by which exporters say which path a request had. */
const PATH_LABELS = ['path', 'route', 'handler', 'uri', 'url', 'endpoint', 'http_route'];
/** What kubelets, load balancers and Prometheus itself ask for. */
const PROBES = '.*/(healthz?|livez?|readyz?|alive|liveness|readiness|ping|metrics|actuator/.*|-/(healthy|ready))';

/** Condition Measured: whether a burn of the objectives would be seen in Prometheus now, and if not, why not. */
export const measuredNow = async (
  policy: RollbackPolicy,
  queries: Queries,
  selectors: Selectors,
): Promise<ConditionInput> => {
  const type = 'Measured';
  const objectives = policy.spec.objectives.filter(isMeasured);
  if (objectives.length === 0) {
    const message = 'no objective has an indicator: the expression of the alerting rule that fires is evaluated';
    return { type, status: true, reason: 'ByAlertRule', message };
  }
  for (const objective of objectives) {
    try {
      const problem = await problemOf(objective, policy.spec.minRequests, { queries, selectors });
      if (problem) return { type, status: false, ...problem };
    } catch (error) {
      if (error instanceof ExpressionError)
        return {
          type,
          status: false,
          reason: 'ExpressionRefused',
          message: `objective ${objective.name}: ${error.message}`,
        };
      if (!(error instanceof PrometheusError)) throw error;
      const message = `objective ${objective.name}: ${error.message}`;
      return { type, status: error.reason === 'ExpressionRefused' ? false : 'Unknown', reason: error.reason, message };
    }
  }
  const message = `Prometheus has the requests of ${objectives.map(({ name }) => name).join(', ')}`;
  return { type, status: true, reason: 'IndicatorMeasured', message };
};

const problemOf = async (
  objective: MeasuredObjective,
  minRequests: number,
  { queries, selectors }: { queries: Queries; selectors: Selectors },
): Promise<Answer | undefined> => {
  const { name, target } = objective;
  const { errors, total } = eventsOf(objective);
  if (windowsThatFire(objective).length === 0) {
    const message = `objective ${name}: with a target of ${target} % no burn window can fire: factor × (1 − target) is 1 or more`;
    return { reason: 'WindowsCannotFire', message };
  }
  const perSecond = await sampleOf(queries, sumOver(total, HOUR_MS));
  if (perSecond === undefined)
    return { reason: 'NoData', message: `objective ${name}: total has no samples in the last hour: ${total}` };
  const requests = Math.round((perSecond * HOUR_MS) / 1000);
  if (requests < minRequests) {
    const message = `objective ${name}: ${requests} requests in the last hour, and a verdict needs ${minRequests} (minRequests)`;
    return { reason: 'InsufficientTraffic', message };
  }
  await sampleOf(queries, sumOver(errors, HOUR_MS)); // no errors, no samples: only whether Prometheus takes it counts
  const probes = await probesIn(total, { queries, selectors });
  if (probes <= perSecond / 2) return undefined;
  const message = `objective ${name}: ${Math.round((100 * probes) / perSecond)} % of its requests are probes (/healthz, /metrics and the like), which rarely fail: leave them out of errors and total`;
  return { reason: 'MostlyProbes', message };
};

/** Requests a second whose path is that of a probe, where one of the usual labels says the path. */
const probesIn = async (
  total: string,
  { queries, selectors }: { queries: Queries; selectors: Selectors },
): Promise<number> => {
  try {
    const sums = PATH_LABELS.map((label) => sumOver(selectors.restrict(total, label, PROBES), HOUR_MS));
    return (await sampleOf(queries, sums.join(' or '))) ?? 0;
  } catch (error) {
    // What can't be restricted has no podLabel, and is sent as it is.
    if (error instanceof ExpressionError) return 0;
    throw error;
  }
};

/** undefined: no sample, or none that is a number. */
const sampleOf = async (queries: Queries, expression: string): Promise<number | undefined> => {
  const [sample] = await queries.query(expression);
  return sample === undefined || Number.isNaN(sample.value) ? undefined : sample.value;
};
