import { type Counter, counterOf } from './counters.ts';
import type { Random } from './random.ts';
import { failuresOf, type Pod, SCRAPE_MS, type World } from './world.ts';

/** How counts scatter around what is expected. */
export interface Noise {
  /** Multiplies the requests of a pod in an interval. */
  traffic(service: string, at: number): number;
  /** Changes the part that fails. */
  failures(service: string, at: number, part: number): number;
  /** Requests that are made again because one failed, for each failure. */
  retries: number;
}

/** Independent requests: Poisson arrivals, binomial failures. */
export const independent: Noise = { traffic: () => 1, failures: (_, __, part) => part, retries: 0 };

export const METRIC = 'http_requests_total';

/** What Prometheus scraped of each pod: a counter of requests that succeeded, and one of those that failed. */
export const countersOf = (world: World, random: Random, noise: Noise): Counter[] => {
  const failing = failuresOf(world);
  const alive = new Map<string, Pod[]>();
  for (const pod of world.pods) alive.set(pod.service, [...(alive.get(pod.service) ?? []), pod]);
  return world.services.flatMap((service) => {
    const pods = alive.get(service.name) ?? [];
    return pods.flatMap((pod) => {
      const good = { times: [] as number[], values: [] as number[] };
      const bad = { times: [] as number[], values: [] as number[] };
      // Those that ran before have counted before.
      let [succeeded, failed] = pod.from <= world.begin ? [random.whole(1e4, 1e6), random.whole(0, 1e3)] : [0, 0];
      let from = pod.from;
      const first = Math.max(pod.from, world.begin) + random.next() * SCRAPE_MS;
      const gaps = world.gaps.filter((gap) => gap.of(pod));
      for (let at = first; at <= world.end && at < pod.to; at += SCRAPE_MS) {
        const middle = (Math.max(from, world.begin) + at) / 2;
        const others = Math.max(1, runningAt(pods, middle));
        const share = (service.requests(middle) * noise.traffic(service.name, middle)) / others;
        const part = Math.min(1, noise.failures(service.name, middle, failing(pod, middle)));
        const seconds = (at - Math.max(from, world.begin)) / 1000;
        const requests = random.poisson(share * seconds * (1 + noise.retries * part));
        const errors = random.binomial(requests, part);
        succeeded += requests - errors;
        failed += errors;
        from = at;
        if (gaps.some((gap) => at >= gap.from && at < gap.to)) continue;
        good.times.push(Math.round(at));
        good.values.push(succeeded);
        if (failed === 0 && service.lateErrors) continue;
        bad.times.push(Math.round(at));
        bad.values.push(failed);
      }
      const labels = { __name__: METRIC, namespace: 'shop', service: service.name, pod: pod.name };
      return [counterOf({ ...labels, code: '200' }, good), counterOf({ ...labels, code: '500' }, bad)];
    });
  });
};

const runningAt = (pods: readonly Pod[], at: number): number => {
  let count = 0;
  for (const { from, to } of pods) if (from <= at && at < to) count += 1;
  return count;
};
