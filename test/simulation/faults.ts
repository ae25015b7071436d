import type { Random } from './random.ts';
import { type Fault, HOUR, MINUTE, type Pod, podsOf, type Release, type Service, type World } from './world.ts';

/** The classes that have a guilty release in each, in some, or in none of their incidents. */
export const FAULTS = [
  'badCode',
  'slowLeak',
  'badConfiguration',
  'badDependency',
  'infrastructure',
  'infrastructureAfterRelease',
  'sharedDatabase',
  'trafficSurge',
  'noisyNeighbour',
  'metricGap',
  'alertStorm',
  'twoReleases',
  'partialRollout',
  'flapping',
  'crashLoop',
] as const;
export type FaultKind = (typeof FAULTS)[number];

/** Of a service by itself, as a share of requests that fail: the SRE workbook's fast burn, 14.4 times the budget. */
const alertingRatio = ({ target }: { target: number }): number => (14.4 * (100 - target)) / 100;

interface Draft {
  random: Random;
  services: Service[];
  /** Whom the fault is about. */
  subject: Service;
  effect: number;
  /** Of requests. */
  ratio: number;
  /** About when it happens. */
  noon: number;
}

type Drafted = Pick<World, 'faults' | 'faultAt' | 'guilt'> & Partial<Pick<World, 'gaps' | 'foreignAlerts' | 'end'>>;

const NODES = 4;

/** One incident of a class. The same random numbers make the same one. */
export const worldOf = (kind: FaultKind, random: Random): World => {
  const noon = Date.parse('2026-03-02T00:00:00Z') + random.whole(0, 86_400) * 1000;
  const services = servicesOf(random, noon);
  const subject = services[0] as Service;
  const effect = random.logBetween(1.5, 1000);
  const ratio = Math.min(1, effect * alertingRatio(subject));
  const drafted = MAKERS[kind]({ random, services, subject, effect, ratio, noon });
  const releases = services
    .flatMap((service) => service.releases.map(({ at }) => at))
    .filter((at) => at > noon - 9 * HOUR);
  const begin = Math.min(drafted.faultAt - 2 * HOUR, ...releases.map((at) => at - 20 * MINUTE));
  const pods = services.flatMap((service) => podsOf(service, random, { begin, nodes: NODES }));
  // Drawn last: all else is as it was before anybody said what calls what.
  const saysCalls = random.chance(0.5);
  for (const service of services) service.saysCalls = saysCalls;
  return {
    kind,
    begin,
    end: drafted.faultAt + 2 * HOUR,
    services,
    pods,
    effect,
    gaps: [],
    foreignAlerts: 0,
    ...drafted,
  };
};

const servicesOf = (random: Random, noon: number): Service[] =>
  Array.from({ length: random.whole(3, 6) }, (_, i): Service => {
    const mean = i === 0 ? random.logBetween(0.05, 5000) : random.logBetween(0.5, 5000);
    const phase = random.between(0, 24 * HOUR);
    const swing = random.between(0, 0.6);
    const burst = {
      from: noon + random.between(-HOUR, 2 * HOUR),
      for: random.between(MINUTE, 20 * MINUTE),
      times: random.chance(0.3) ? random.between(1.5, 4) : 1,
    };
    const target = random.pick([99, 99.5, 99.9]);
    return {
      name: i === 0 ? 'web' : `service${i}`,
      target,
      size: random.whole(2, 5),
      requests: (at) =>
        mean *
        (1 + swing * Math.sin((2 * Math.PI * (at - phase)) / (24 * HOUR))) *
        (at >= burst.from && at < burst.from + burst.for ? burst.times : 1),
      base: random.chance(0.3) ? 0 : random.logBetween(0.001, 0.3) * ((100 - target) / 100),
      releases: [firstRelease(random, noon)],
      calls: [],
      lateErrors: random.chance(0.5),
    };
  });

const revisionOf = (random: Random): string => random.whole(1e9, 9e9).toString(36);

/** Days ago: good. */
const firstRelease = (random: Random, noon: number): Release => ({
  number: 1,
  revision: revisionOf(random),
  at: noon - random.between(2, 20) * 24 * HOUR,
  rolloutMs: MINUTE,
  pods: Number.POSITIVE_INFINITY,
});

/** One release more. */
const deploy = (random: Random, service: Service, at: number, rest: Partial<Release> = {}): Release => {
  const release: Release = {
    number: service.releases.length + 1,
    revision: revisionOf(random),
    at,
    rolloutMs: random.logBetween(20_000, 8 * MINUTE),
    pods: service.size,
    ...rest,
  };
  service.releases = [...service.releases, release];
  return release;
};

const of = (service: Service, ...releases: Release[]) =>
  ({ service: service.name, releases: releases.map(({ number }) => number) }) as const;
const inRelease = (service: Service, releases: readonly Release[], ratio: (pod: Pod, at: number) => number): Fault => {
  const bad = new Set(releases);
  return (pod, at) => (pod.service === service.name && bad.has(pod.release) ? ratio(pod, at) : 0);
};
const others = ({ services, subject }: Draft): Service[] => services.filter((service) => service !== subject);

/** Releases of others that have nothing to do with it. */
const innocents = ({ random, noon }: Draft, services: readonly Service[]): void => {
  for (const service of services)
    if (random.chance(0.2)) deploy(random, service, noon - random.logBetween(MINUTE, 8 * HOUR));
};

const badCode = (draft: Draft): Drafted => {
  const { random, subject, ratio, noon } = draft;
  const bad = deploy(random, subject, noon);
  innocents(draft, others(draft));
  return { faults: [inRelease(subject, [bad], () => ratio)], faultAt: noon, guilt: of(subject, bad) };
};

/** Some nodes, and all that runs on them. */
const outage = (draft: Draft, nodes: number, from: number): Fault => {
  const { random, ratio } = draft;
  const hit = new Set(Array.from({ length: nodes }, () => random.whole(0, NODES - 1)));
  const to = from + random.logBetween(15 * MINUTE, 3 * HOUR);
  return ({ node }, at) => (hit.has(node) && at >= from && at < to ? ratio : 0);
};

const lastsUntil = (draft: Draft, from: number): number => from + draft.random.logBetween(15 * MINUTE, 3 * HOUR);

const MAKERS: Record<FaultKind, (draft: Draft) => Drafted> = {
  badCode,
  slowLeak(draft) {
    const { random, subject, ratio, noon } = draft;
    const [age, ramp] = [random.logBetween(HOUR, 7 * HOUR), random.logBetween(2 * MINUTE, 30 * MINUTE)];
    const bad = deploy(random, subject, noon - age);
    innocents(draft, others(draft));
    const part = (pod: Pod, at: number): number => Math.min(1, Math.max(0, (at - pod.from - age) / ramp)) * ratio;
    return { faults: [inRelease(subject, [bad], part)], faultAt: noon, guilt: of(subject, bad) };
  },
  badConfiguration(draft) {
    const { random, subject, ratio, noon } = draft;
    // A ConfigMap that the pods read as it is changes them without a rollout, as soon as the kubelet has it.
    const plain = random.chance(0.5);
    const delay = plain ? random.between(1000, 90_000) : 0;
    const bad = deploy(
      random,
      subject,
      noon,
      plain ? { revision: subject.releases.at(-1)?.revision ?? '', rolloutMs: 1000 } : {},
    );
    innocents(draft, others(draft));
    const part = (_: Pod, at: number): number => (at >= noon + delay ? ratio : 0);
    return { faults: [inRelease(subject, [bad], part)], faultAt: noon + delay, guilt: of(subject, bad) };
  },
  badDependency(draft) {
    const { random, services, subject, noon } = draft;
    const callee = services[1] as Service;
    const ratio = Math.min(1, draft.effect * Math.max(alertingRatio(callee), alertingRatio(subject)));
    subject.calls = [{ service: callee.name, part: random.between(0.5, 1) }];
    if (random.chance(0.5)) deploy(random, subject, noon - random.logBetween(30_000, 2 * HOUR));
    const bad = deploy(random, callee, noon);
    return { faults: [inRelease(callee, [bad], () => ratio)], faultAt: noon, guilt: of(callee, bad) };
  },
  infrastructure(draft) {
    return { faults: [outage(draft, draft.random.whole(1, 3), draft.noon)], faultAt: draft.noon, guilt: undefined };
  },
  infrastructureAfterRelease(draft) {
    const { random, subject, noon } = draft;
    deploy(random, subject, noon - random.logBetween(5000, 6 * HOUR));
    innocents(draft, others(draft));
    return { faults: [outage(draft, random.whole(1, 3), noon)], faultAt: noon, guilt: undefined };
  },
  sharedDatabase(draft) {
    const { random, services, ratio, noon } = draft;
    for (const service of services)
      if (random.chance(0.7)) deploy(random, service, noon - random.logBetween(HOUR, 8 * HOUR));
    const users = new Set(services.filter((_, i) => i === 0 || random.chance(0.8)).map(({ name }) => name));
    const to = lastsUntil(draft, noon);
    const fault: Fault = ({ service }, at) => (users.has(service) && at >= noon && at < to ? ratio : 0);
    return { faults: [fault], faultAt: noon, guilt: undefined };
  },
  trafficSurge(draft) {
    const { random, subject, ratio, noon } = draft;
    const times = random.logBetween(2, 20);
    const [rise, to] = [random.logBetween(10_000, 10 * MINUTE), lastsUntil(draft, noon)];
    const level = (at: number): number => (at < noon || at >= to ? 0 : Math.min(1, (at - noon) / rise));
    const usual = subject.requests;
    subject.requests = (at) => usual(at) * (1 + (times - 1) * level(at));
    if (random.chance(0.5)) deploy(random, subject, noon - random.logBetween(MINUTE, 6 * HOUR));
    // Overload begins when the rise is half done.
    const fault: Fault = ({ service }, at) => (service === subject.name ? Math.max(0, 2 * level(at) - 1) * ratio : 0);
    return { faults: [fault], faultAt: noon, guilt: undefined };
  },
  noisyNeighbour(draft) {
    if (draft.random.chance(0.5))
      deploy(draft.random, draft.subject, draft.noon - draft.random.logBetween(MINUTE, 6 * HOUR));
    return { faults: [outage(draft, 1, draft.noon)], faultAt: draft.noon, guilt: undefined };
  },
  metricGap(draft) {
    const { random, noon } = draft;
    const from = noon + random.between(-5, 5) * MINUTE;
    const all = random.chance(0.5);
    const gap = {
      from,
      to: from + random.logBetween(MINUTE, 15 * MINUTE),
      of: ({ service }: Pod) => all || service === draft.subject.name,
    };
    const made = random.chance(0.5) ? badCode(draft) : MAKERS.infrastructureAfterRelease(draft);
    return { ...made, gaps: [gap] };
  },
  alertStorm(draft) {
    const { random, services, subject, noon, ratio } = draft;
    const foreignAlerts = random.whole(50, 150);
    if (random.chance(0.5)) {
      for (const service of services)
        if (random.chance(0.5)) deploy(random, service, noon - random.logBetween(MINUTE, 8 * HOUR));
      return { faults: [(_, at) => (at >= noon ? ratio : 0)], faultAt: noon, guilt: undefined, foreignAlerts };
    }
    for (const service of others(draft)) service.calls = [{ service: subject.name, part: random.between(0.3, 1) }];
    const bad = deploy(random, subject, noon);
    innocents(draft, others(draft));
    return { faults: [inRelease(subject, [bad], () => ratio)], faultAt: noon, guilt: of(subject, bad), foreignAlerts };
  },
  twoReleases(draft) {
    const { random, services, subject, ratio, noon } = draft;
    const apart = random.logBetween(5000, 15 * MINUTE);
    const isFirstBad = random.chance(0.5);
    if (random.chance(0.5)) {
      const first = deploy(random, subject, noon);
      const second = deploy(random, subject, noon + apart);
      // What was committed first is in what was committed next.
      const bad = isFirstBad ? [first, second] : [second];
      const faultAt = isFirstBad ? noon : noon + apart;
      return { faults: [inRelease(subject, bad, () => ratio)], faultAt, guilt: of(subject, ...bad) };
    }
    const other = services[1] as Service;
    const [at, otherAt] = isFirstBad ? [noon, noon + apart] : [noon + apart, noon];
    const bad = deploy(random, subject, at);
    deploy(random, other, otherAt);
    if (random.chance(0.5)) other.calls = [{ service: subject.name, part: random.between(0.3, 1) }];
    return { faults: [inRelease(subject, [bad], () => ratio)], faultAt: at, guilt: of(subject, bad) };
  },
  partialRollout(draft) {
    const { random, subject, ratio, noon } = draft;
    const bad = deploy(random, subject, noon, { pods: random.whole(1, subject.size - 1) });
    innocents(draft, others(draft));
    return { faults: [inRelease(subject, [bad], () => ratio)], faultAt: noon, guilt: of(subject, bad) };
  },
  flapping(draft) {
    const { random, subject, ratio, noon } = draft;
    const [on, off] = [random.logBetween(MINUTE, 10 * MINUTE), random.logBetween(MINUTE, 10 * MINUTE)];
    const isOn = (at: number): boolean => at >= noon && (at - noon) % (on + off) < on;
    if (random.chance(0.5)) {
      const bad = deploy(random, subject, noon - random.logBetween(1000, 5 * MINUTE));
      const part = (_: Pod, at: number): number => (isOn(at) ? ratio : 0);
      return { faults: [inRelease(subject, [bad], part)], faultAt: noon, guilt: of(subject, bad) };
    }
    deploy(random, subject, noon - random.logBetween(MINUTE, 6 * HOUR));
    return { faults: [(_, at) => (isOn(at) ? ratio : 0)], faultAt: noon, guilt: undefined };
  },
  crashLoop(draft) {
    const { random, subject, noon } = draft;
    const bad = deploy(random, subject, noon, { crashes: true });
    innocents(draft, others(draft));
    return { faults: [], faultAt: noon, guilt: of(subject, bad), end: noon + HOUR };
  },
};
