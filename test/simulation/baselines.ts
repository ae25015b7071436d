import type { Counter } from './counters.ts';
import { countsIn, ratioOf } from './counts.ts';
import { digestOf } from './manifests.ts';
import type { Rollback } from './rollback.ts';
import type { Run } from './shipped.ts';
import { HOUR, MINUTE, type Service, type World } from './world.ts';

export const BASELINES = ['anyAlert', 'newestRelease', 'twoProportion'] as const;
export type Baseline = (typeof BASELINES)[number];

/** What simple rules would have rolled back after the same alerts. */
export const baselinesOf = (
  world: World,
  counters: readonly Counter[],
  { alerts }: Run,
): Record<Baseline, Rollback | undefined> => {
  const [first] = alerts;
  const byName = (name: string): Service | undefined => world.services.find((service) => service.name === name);
  const alerting = first && byName(first.service);
  return {
    anyAlert: first && alerting && toPrevious(alerting, first.at),
    newestRelease: first && newestWithin(world, first.at, HOUR),
    twoProportion: alerts
      .flatMap(({ service, at }) => {
        const found = byName(service);
        return found ? [worseThanBefore(world, counters, found, at)] : [];
      })
      .find((rollback) => rollback !== undefined),
  };
};

const toPrevious = ({ name, releases }: Service, at: number): Rollback | undefined => {
  const known = releases.filter((release) => release.at <= at);
  const [before, current] = known.slice(-2);
  if (!before || !current) return undefined;
  return { service: name, rejected: [digestOf(name, current)], target: digestOf(name, before), at };
};

const newestWithin = ({ services }: World, at: number, ms: number): Rollback | undefined => {
  const releasedAt = (service: Service): number =>
    service.releases.findLast((release) => release.at <= at && release.number > 1)?.at ?? Number.NEGATIVE_INFINITY;
  const [newest] = services.toSorted((a, b) => releasedAt(b) - releasedAt(a));
  return newest && releasedAt(newest) >= at - ms ? toPrevious(newest, at) : undefined;
};

/** One-sided 99 %, of all requests since the release and of the five minutes before it, five minutes after the alert. */
const worseThanBefore = (
  { pods }: World,
  counters: readonly Counter[],
  service: Service,
  alertAt: number,
): Rollback | undefined => {
  const at = alertAt + 5 * MINUTE;
  const current = service.releases.findLast((release) => release.at <= alertAt);
  if (!current) return undefined;
  const named = new Set(pods.filter((pod) => pod.service === service.name).map(({ name }) => name));
  const own = new Set(pods.filter((pod) => pod.release === current).map(({ name }) => name));
  const after = countsIn(counters, own, { from: current.at, to: at });
  const before = countsIn(counters, named, { from: current.at - 5 * MINUTE, to: current.at });
  if (after.total < 20 || before.total === 0) return undefined;
  const pooled = (after.errors + before.errors) / (after.total + before.total);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / after.total + 1 / before.total));
  return deviation > 0 && (ratioOf(after) - ratioOf(before)) / deviation > 2.326
    ? toPrevious(service, alertAt)
    : undefined;
};
