import type { Clock } from '../clock.ts';
import { createFairSemaphore } from '../fair-semaphore.ts';
import type { Metrics } from '../telemetry/index.ts';
import { PrometheusError } from './answer.ts';
import type { Queries } from './prometheus.ts';
import type { AlertingRule, Sample, Series } from './responses.ts';

/** What one look of a namespace may ask. */
export type QueriesOf = (namespace: string) => Queries;

/** Queries that are under way at a time, and of them for one namespace: an outage of one leaves room for the others. */
const PLACES = 8;
const PER_NAMESPACE = 3;
/** What is asked later than this is about another minute than the one that it was asked for. */
const MAX_WAIT_MS = 10_000;
/** Rules change seldom, and are asked for by every look of every incident. */
const RULES_MS = 5_000;
const MAX_RULES = 200;
/** No namespace is called that: rules, which all share, wait behind no namespace's queries. */
const ALL = '';

/**
 * The one way to Prometheus: no other room has the client. Each query waits for the turn of its namespace, and has no
 * answer where that comes too late. One look sends the same query once. Rules are shared by all looks for some seconds,
 * failures too.
 */
export const createQueryQueue = (
  queries: Queries,
  clock: Pick<Clock, 'now'>,
  metrics?: Pick<Metrics, 'prometheusWait' | 'prometheusWaiting'>,
): QueriesOf => {
  const turns = createFairSemaphore({ slots: PLACES, perGroup: PER_NAMESPACE });
  const rules = new Map<string, { at: number; found: Promise<AlertingRule[]> }>();

  const ask = <T>(namespace: string, send: () => Promise<T>): Promise<T> => {
    const since = clock.now();
    metrics?.prometheusWaiting.inc();
    return turns(namespace, async () => {
      const waited = clock.now() - since;
      metrics?.prometheusWaiting.dec();
      metrics?.prometheusWait.observe(waited / 1000);
      // Whoever waits behind it waited no longer: no timer is needed for an end of the waiting.
      if (waited > MAX_WAIT_MS) throw tooLate(waited);
      return send();
    });
  };

  return (namespace) => {
    const instants = new Map<string, Promise<Sample[]>>();
    const ranges = new Map<string, Promise<Series[]>>();
    return {
      query: (expression, at) =>
        once(instants, `${at ?? ''} ${expression}`, () => ask(namespace, () => queries.query(expression, at))),
      queryRange: (expression, range) =>
        once(ranges, `${range.start} ${range.end} ${range.step} ${expression}`, () =>
          ask(namespace, () => queries.queryRange(expression, range)),
        ),
      alertingRules(name) {
        const known = rules.get(name);
        if (known && clock.now() - known.at < RULES_MS) return known.found;
        const found = ask(ALL, () => queries.alertingRules(name));
        rules.delete(name);
        rules.set(name, { at: clock.now(), found });
        const [oldest] = rules.keys();
        if (rules.size > MAX_RULES && oldest !== undefined) rules.delete(oldest);
        return found;
      },
    };
  };
};

const once = <T>(asked: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> => {
  const found = asked.get(key) ?? ask();
  asked.set(key, found);
  return found;
};

const tooLate = (waitedMs: number): PrometheusError => {
  const waited = `the query waited ${Math.round(waitedMs / 1000)} s for its turn`;
  const message = `${waited}, and after ${MAX_WAIT_MS / 1000} s it is not sent: Prometheus answers more slowly than it is asked`;
  return new PrometheusError('PrometheusBusy', message);
};
