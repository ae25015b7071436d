import { rulesFor } from '../../src/slo/index.ts';
import { policyOf } from './manifests.ts';
import type { Database } from './promql.ts';
import type { Random } from './random.ts';
import type { Service } from './world.ts';

export interface Alert {
  status: 'firing' | 'resolved';
  labels: Record<string, string>;
  startsAt: string;
}

const EVALUATION_MS = 30_000;
const GROUPING_MS = 30_000;

/** The burn-rate alerts of a service that page, as Prometheus evaluates them and Alertmanager groups and sends them. */
export const createAlerting = (service: Service, database: Database, random: Random) => {
  const rules = rulesFor(policyOf(service)).rules.filter(({ labels }) => labels.severity === 'page');
  const phase = random.next() * EVALUATION_MS;
  const firing = new Map<string, Alert>();
  let changed: Alert[] = [];
  return {
    phase,
    evaluationMs: EVALUATION_MS,
    groupingMs: GROUPING_MS,
    /** @returns whether something changed that nobody has been sent yet */
    evaluate(now: number): boolean {
      const before = changed.length;
      for (const { alert, expr, labels } of rules) {
        const fires = database.query(expr, now).length > 0;
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
