import { type Counter, counterOf } from './counters.ts';
import type { Random } from './random.ts';
import { failuresOf, type Pod, SCRAPE_MS, type Service, type World } from './world.ts';

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

/** What was scraped of a pod last. */
export interface Scraped {
  at: number;
  succeeded: number;
  failed: number;
}

/**
 * What Prometheus scraped of each pod: a counter of requests that succeeded, and one of those that failed.
 *
 * @param scraped of pods that were scraped before the world began: they count on from there
 */
export const countersOf = (
  world: World,
  random: Random,
  noise: Noise,
  scraped: (pod: Pod) => Scraped | undefined = () => undefined,
): Counter[] => {
  const failing = failuresOf(world);
  const alive = Map.groupBy(world.pods, ({ service }) => service);
  return world.services.flatMap((service) => {
    const pods = alive.get(service.name) ?? [];
    return pods.flatMap((pod) => {
      const pace = { service, pods, part: failing(pod), scraped: scraped(pod) };
      const { good, bad } = samplesOf(pod, pace, world, random, noise);
      const labels = { __name__: METRIC, namespace: 'shop', service: service.name, pod: pod.name };
      return [counterOf({ ...labels, code: '200' }, good), counterOf({ ...labels, code: '500' }, bad)];
    });
  });
};

interface Samples {
  times: number[];
  values: number[];
}

interface Pace {
  service: Service;
  /** Of the service: they share its requests. */
  pods: readonly Pod[];
  part: (at: number) => number;
  scraped: Scraped | undefined;
}

const samplesOf = (
  pod: Pod,
  { service, pods, part: failing, scraped }: Pace,
  { begin, end, gaps: all }: World,
  random: Random,
  noise: Noise,
): { good: Samples; bad: Samples } => {
  const good: Samples = { times: [], values: [] };
  const bad: Samples = { times: [], values: [] };
  let { succeeded, failed } = scraped ?? startOf(pod, begin, random);
  let from = scraped?.at ?? Math.max(pod.from, begin);
  const gaps = all.filter((gap) => gap.of(pod));
  for (let at = from + (scraped ? 1 : random.next()) * SCRAPE_MS; at <= end && at < pod.to; at += SCRAPE_MS) {
    const middle = (from + at) / 2;
    const others = Math.max(1, runningAt(pods, middle));
    const share = (service.requests(middle) * noise.traffic(service.name, middle)) / others;
    const part = Math.min(1, noise.failures(service.name, middle, failing(middle)));
    const requests = random.poisson(share * ((at - from) / 1000) * (1 + noise.retries * part));
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
  return { good, bad };
};

/** Those that ran before have counted before. */
const startOf = (pod: Pod, begin: number, random: Random): Pick<Scraped, 'succeeded' | 'failed'> =>
  pod.from <= begin ? { succeeded: random.whole(1e4, 1e6), failed: random.whole(0, 1e3) } : { succeeded: 0, failed: 0 };

const runningAt = (pods: readonly Pod[], at: number): number => {
  let count = 0;
  for (const { from, to } of pods) if (from <= at && at < to) count += 1;
  return count;
};
