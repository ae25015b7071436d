import type { Clock } from '../clock.ts';
import { createFairSemaphore } from '../fair-semaphore.ts';
import type { Queries } from './prometheus.ts';
import type { AlertingRule, Sample, Series } from './responses.ts';

/** What one look of a namespace may ask. */
export type QueriesOf = (namespace: string) => Queries;

/** Queries that are under way at a time, and of them for one namespace: an outage of one leaves room for the others. */
const PLACES = 8;
const PER_NAMESPACE = 3;
/** Rules change seldom, and are asked for by every look of every incident. */
const RULES_MS = 5_000;
const MAX_RULES = 200;

/**
 * The one way to Prometheus: no other room has the client. What one look of a namespace asks: the same query is sent once, and each waits for its turn. Rules are shared by all
 * looks for some seconds, failures too.
 */
export const createQueryQueue = (queries: Queries, clock: Pick<Clock, 'now'>): QueriesOf => {
  const turns = createFairSemaphore({ slots: PLACES, perGroup: PER_NAMESPACE });
  const rules = new Map<string, { at: number; found: Promise<AlertingRule[]> }>();
  return (namespace) => {
    const asked = new Map<string, Promise<Sample[]>>();
    const rangesAsked = new Map<string, Promise<Series[]>>();
    return {
      query(expression, at) {
        const key = `${at ?? ''} ${expression}`;
        const found = asked.get(key) ?? turns(namespace, () => queries.query(expression, at));
        asked.set(key, found);
        return found;
      },
      queryRange(expression, range) {
        const key = `${range.start} ${range.end} ${range.step} ${expression}`;
        const found = rangesAsked.get(key) ?? turns(namespace, () => queries.queryRange(expression, range));
        rangesAsked.set(key, found);
        return found;
      },
      alertingRules(name) {
        const known = rules.get(name);
        if (known && clock.now() - known.at < RULES_MS) return known.found;
        const found = turns(namespace, () => queries.alertingRules(name));
        rules.delete(name);
        rules.set(name, { at: clock.now(), found });
        const [oldest] = rules.keys();
        if (rules.size > MAX_RULES && oldest !== undefined) rules.delete(oldest);
        return found;
      },
    };
  };
};
