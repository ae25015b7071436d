import type { MeasuredObjective } from '../api/rollback-policy.ts';
import { hasWindow } from './expression.ts';
import { ExpressionError } from './promql.ts';
import { type Selectors, written } from './selectors.ts';

/** What an objective counts: PromQL for rates, in which `$window` stands for the range. */
export interface Events {
  errors: string;
  total: string;
  /** Label that holds the name of the pod; '': there is none. */
  podLabel: string;
  /** Of a latency: what takes longer counts as failed, with its unit as far as that is known: `0.3 s`. */
  slowerThan?: string;
}

type Latency = NonNullable<MeasuredObjective['indicator']['latency']>;

/**
 * The events of an objective, whichever member its indicator has. Throws ExpressionError where an expression has a range
 * of its own: a burn is counted in steps of seconds as well as over days.
 */
export const eventsOf = ({ name, indicator: { ratio, latency } }: MeasuredObjective): Events => {
  if (latency) return eventsOfLatency(latency);
  if (!ratio) throw new ExpressionError(`the indicator of objective ${name} is empty: set ratio or latency`);
  for (const which of ['errors', 'total'] as const)
    if (!hasWindow(ratio[which])) {
      const what = `indicator.ratio.${which} of objective ${name} has no $window`;
      throw new ExpressionError(`${what}: write it for the range, as in rate(http_requests_total[$window])`);
    }
  return ratio;
};

/**
 * The same of those pods alone whose names match the pattern. Throws ExpressionError where an expression can't be asked
 * of some pods.
 */
export const eventsOfPods = (
  objective: MeasuredObjective,
  pattern: string,
  { restrict }: Pick<Selectors, 'restrict'>,
): Events => {
  const events = eventsOf(objective);
  const restricted = (which: 'errors' | 'total'): string => {
    try {
      return restrict(events[which], events.podLabel, pattern);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      const what = `indicator.ratio.${which} of objective ${objective.name} can't be asked of the pods of one release`;
      throw new ExpressionError(`${what}: ${error.message}`, { cause: error });
    }
  };
  return { ...events, errors: restricted('errors'), total: restricted('total') };
};

/** PromQL for the mean latency of each pod over `$window`. */
export const meanLatencyOf = ({ histogram, matchLabels, podLabel }: Latency): string => {
  const sumOf = (metric: string): string =>
    `sum by (${written(podLabel)}) (${rateOf(metric, matchersOf(matchLabels))})`;
  return `${sumOf(`${histogram}_sum`)} / ${sumOf(`${histogram}_count`)}`;
};

/** Whatever is not in the bucket was slower: a request that never ended is in none. */
const eventsOfLatency = ({ histogram, matchLabels, threshold, podLabel }: Latency): Events => {
  const matchers = matchersOf(matchLabels);
  const total = `sum(${rateOf(`${histogram}_count`, matchers)})`;
  const fast = `sum(${rateOf(`${histogram}_bucket`, [...matchers, `le=~${JSON.stringify(boundPattern(threshold))}`])})`;
  return { errors: `${total} - ${fast}`, total, podLabel, slowerThan: `${Number(threshold)}${unitOf(histogram)}` };
};

/** A histogram always has its buckets: that one without failures has no series is true of counters alone. */
export const noBucket = ({ indicator: { latency } }: MeasuredObjective): ExpressionError =>
  new ExpressionError(
    `the histogram ${latency?.histogram} has no bucket le="${latency?.threshold}": set latency.threshold to a bound of its buckets`,
  );

const rateOf = (metric: string, matchers: readonly string[]): string =>
  `rate(${metric}${matchers.length === 0 ? '' : `{${matchers.join(', ')}}`}[$window])`;

const matchersOf = (labels: Record<string, string>): string[] =>
  Object.entries(labels).map(([name, value]) => `${written(name)}=${JSON.stringify(value)}`);

/** A bound as clients and servers write it: `1`, `1.0` (Prometheus 3, OpenMetrics), `1e+06` (Go). */
const boundPattern = (threshold: string): string => {
  const bound = Number(threshold);
  const plain = String(bound);
  const scientific = bound.toExponential().replace(/([+-])(\d)$/, '$10$2');
  const forms = [plain, ...(Number.isInteger(bound) ? [`${plain}.0`] : []), scientific];
  return forms.map((form) => form.replaceAll(/[.+]/g, '\\$&')).join('|');
};

const unitOf = (histogram: string): string =>
  histogram.endsWith('_milliseconds') ? ' ms' : histogram.endsWith('_seconds') ? ' s' : '';
