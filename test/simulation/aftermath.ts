import { type Counter, counterOf, firstFrom } from './counters.ts';
import { digestOf } from './manifests.ts';
import type { Random } from './random.ts';
import type { Restored, Rollback } from './rollback.ts';
import { countersOf, type Noise, type Scraped } from './series.ts';
import { MINUTE, type Pod, type World } from './world.ts';

/** From the Hold until the target is applied. */
const APPLY_MS = 1000;
/** So long a story goes on after its first Hold: longer than recovery may take before a person is asked. */
export const AFTERMATH_MS = 15 * MINUTE;

/** What follows from a rollback. */
export interface Aftermath {
  /** The same world, from the rollback on. */
  world: World;
  /** Of all of the story. */
  counters: readonly Counter[];
  restored: Restored;
}

/**
 * Obeys the Hold: pods of the target take the place of the others, one by one, and what they and their callers do from
 * then on is counted anew. undefined where the service is released again: whoever does that decides what runs.
 */
export const aftermathOf = (
  { world, counters }: Pick<Aftermath, 'world' | 'counters'>,
  rollback: Rollback,
  { random, noise }: { random: Random; noise: Noise },
): Aftermath | undefined => {
  const { at, rejected } = rollback;
  const service = world.services.find(({ name }) => name === rollback.service);
  const release = service?.releases.find((one) => digestOf(service.name, one) === rollback.target);
  if (!service || !release || service.releases.some((one) => one.at > at)) return undefined;
  const current = service.releases.at(-1);
  const revision = current?.revision === release.revision ? `${release.revision}r` : release.revision;
  const appliedAt = at + APPLY_MS;
  const restored = { service, release, revision, rejected, appliedAt, readyAt: appliedAt + release.rolloutMs };
  const pods = [
    ...world.pods.filter((pod) => pod.service !== service.name && pod.to > at),
    ...podsAfter(world, restored, random),
  ];
  const after = { ...world, begin: at, end: at + AFTERMATH_MS, pods };
  const before = counters.map((counter) => until(counter, at));
  const known = scrapedIn(before);
  return { world: after, counters: joined(before, countersOf(after, random, noise, known)), restored };
};

/** As a rolling update replaces them. */
const podsAfter = (
  { pods }: World,
  { service, release, revision, appliedAt, readyAt }: Restored,
  random: Random,
): Pod[] => {
  const running = pods.filter((pod) => pod.service === service.name && pod.from <= appliedAt && pod.to > appliedAt);
  const kept = running.filter((pod) => pod.release === release);
  const ending = running.filter((pod) => pod.release !== release);
  const count = Math.max(0, service.size - kept.length);
  const startOf = (i: number): number => appliedAt + ((readyAt - appliedAt) * (i + 1)) / Math.max(1, count);
  return [
    ...kept.map((pod) => ({ ...pod, to: Number.POSITIVE_INFINITY })),
    ...ending.map((pod, i) => ({ ...pod, to: startOf(Math.min(i, count - 1)) })),
    ...Array.from({ length: count }, (_, i) => ({
      name: `${service.name}-${revision}-${random.whole(10_000, 99_999)}`,
      service: service.name,
      release,
      node: ending[i]?.node ?? 0,
      from: startOf(i),
      to: Number.POSITIVE_INFINITY,
    })),
  ];
};

const until = ({ labels, times, values }: Counter, at: number): Counter => {
  const end = firstFrom(times, at);
  return counterOf(labels, { times: times.subarray(0, end), values: values.subarray(0, end) });
};

const both = (a: Float64Array, b: Float64Array): Float64Array => {
  const all = new Float64Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
};

const keyOf = ({ labels }: Counter): string => `${labels.pod} ${labels.code}`;

const scrapedIn = (counters: readonly Counter[]): ((pod: Pod) => Scraped | undefined) => {
  const byKey = new Map(counters.map((counter) => [keyOf(counter), counter]));
  return ({ name }) => {
    const [good, bad] = ['200', '500'].map((code) => byKey.get(`${name} ${code}`));
    const at = good?.times.at(-1);
    const succeeded = good?.values.at(-1);
    return at === undefined || succeeded === undefined ? undefined : { at, succeeded, failed: bad?.values.at(-1) ?? 0 };
  };
};

/** One counter of each pod and code. */
const joined = (before: readonly Counter[], after: readonly Counter[]): Counter[] => {
  const more = new Map(after.map((counter) => [keyOf(counter), counter]));
  const longer = before.map((counter) => {
    const next = more.get(keyOf(counter));
    more.delete(keyOf(counter));
    if (!next) return counter;
    return counterOf(counter.labels, {
      times: both(counter.times, next.times),
      values: both(counter.values, next.values),
    });
  });
  return [...longer, ...more.values()];
};
