import type { Clock } from '../../src/clock.ts';
import { rulesFor } from '../../src/slo/index.ts';
import { NAMESPACE, policyOf } from './manifests.ts';
import type { Random } from './random.ts';
import type { Service, World } from './world.ts';

interface Alert {
  status: 'firing' | 'resolved';
  labels: Record<string, string>;
  startsAt: string;
}

const EVALUATION_MS = 30_000;
const GROUPING_MS = 30_000;

export interface AlertingPorts {
  /** When the first rules are evaluated, at the earliest. */
  start: number;
  clock: Pick<Clock, 'now'>;
  at: (time: number, task: () => void) => void;
  random: Random;
  query: (expression: string, at: number) => readonly unknown[];
}

/**
 * Prometheus evaluates the rules of each service, and Alertmanager groups and sends what changed; in a storm, two of them.
 *
 * @returns when each service was alerted first, as far as it was yet, in their order
 */
export const runAlerting = (
  { services, foreignAlerts }: World,
  { start, clock, at, random, query }: AlertingPorts,
  send: (body: object) => void,
): ReadonlyMap<string, number> => {
  const first = new Map<string, number>();
  for (const service of services) {
    const alerting = createAlerting(service, query);
    const deliver = (): void => {
      const taken = alerting.take();
      if (taken.length === 0) return;
      const body = { version: '4', alerts: [...taken, ...foreign(foreignAlerts, taken)] };
      for (let copies = foreignAlerts > 0 ? 2 : 1; copies > 0; copies -= 1) send(body);
    };
    const evaluate = (): void => {
      const now = clock.now();
      if (alerting.evaluate(now)) {
        if (!first.has(service.name)) first.set(service.name, now);
        at(now + GROUPING_MS, deliver);
      }
      at(now + EVALUATION_MS, evaluate);
    };
    at(start + random.next() * EVALUATION_MS, evaluate);
  }
  return first;
};

/** The burn-rate alerts of a service that page. */
const createAlerting = (service: Service, query: AlertingPorts['query']) => {
  const rules = rulesFor(policyOf(service)).rules.filter(({ labels }) => labels.severity === 'page');
  const firing = new Map<string, Alert>();
  let changed: Alert[] = [];
  return {
    /** @returns whether something changed that nobody has been sent yet */
    evaluate(now: number): boolean {
      const before = changed.length;
      for (const { alert, expr, labels } of rules) {
        const fires = query(expr, now).length > 0;
        const known = firing.get(expr);
        if (fires === (known !== undefined)) continue;
        const startsAt = known?.startsAt ?? new Date(now).toISOString();
        const one: Alert = { status: fires ? 'firing' : 'resolved', labels: { alertname: alert, ...labels }, startsAt };
        if (fires) firing.set(expr, one);
        else firing.delete(expr);
        changed.push(one);
      }
      return before === 0 && changed.length > 0;
    },
    take(): Alert[] {
      const taken = changed;
      changed = [];
      return taken;
    },
  };
};

/** Alerts of others that are in the same group. */
const foreign = (count: number, [first]: readonly Alert[]): Alert[] =>
  Array.from({ length: count }, (_, i) => ({
    status: 'firing',
    labels: { alertname: `Other${i}`, namespace: NAMESPACE, deployment: `other${i}`, severity: 'page' },
    startsAt: first?.startsAt ?? '',
  }));
