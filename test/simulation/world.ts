import type { Random } from './random.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
/** Between two scrapes of a pod. */
export const SCRAPE_MS = 15_000;

export interface Release {
  number: number;
  /** pod-template-hash: two releases that differ by configuration alone have the same. */
  revision: string;
  /** When it was deployed, in milliseconds since the epoch. */
  at: number;
  rolloutMs: number;
  /** Pods of it that come to run; fewer than the service has: the rollout stands still. */
  pods: number;
  /** Its pods never get ready, and crash again and again. */
  crashes?: boolean;
}

export interface Service {
  name: string;
  /** Percent of requests that are to succeed. */
  target: number;
  /** Pods. */
  size: number;
  /** Requests a second at a time, of all pods. */
  requests: (at: number) => number;
  /** Part of its requests that fails in good times. */
  base: number;
  /** Oldest first. */
  releases: readonly Release[];
  /** What it calls, and which part of the failures there it passes on. */
  calls: readonly { service: string; part: number }[];
  /** Its Deployment says in an annotation what it calls. */
  saysCalls?: boolean;
  /** The series of failures begins with the first failure, as those of many client libraries do. */
  lateErrors: boolean;
  /** Empty where requests are not counted by pod. */
  podLabel?: string;
}

export interface Pod {
  name: string;
  service: string;
  release: Release;
  node: number;
  from: number;
  to: number;
}

/** What goes wrong: which part of the requests of a pod it fails at a time. */
export type Fault = (pod: Pod, at: number) => number;

export interface Guilt {
  service: string;
  /** Releases in which the fault is. A rollback is right where it leaves them. */
  releases: readonly number[];
}

/** One incident as it truly is. */
export interface World {
  kind: string;
  /** First scrape and last evaluation. */
  begin: number;
  end: number;
  services: readonly Service[];
  pods: readonly Pod[];
  faults: readonly Fault[];
  /** When the fault sets in. */
  faultAt: number;
  guilt: Guilt | undefined;
  /** The error ratio of the fault as a multiple of the ratio at which the fast burn rate alerts. */
  effect: number;
  /** Times at which nothing of a pod is scraped. */
  gaps: readonly { from: number; to: number; of: (pod: Pod) => boolean }[];
  /** Alerts of others that arrive with each delivery. */
  foreignAlerts: number;
}

/** The pods of a service over time, as a rolling update makes and ends them. */
export const podsOf = (service: Service, random: Random, { begin, nodes }: { begin: number; nodes: number }): Pod[] => {
  const running: Pod[] = [];
  const all: Pod[] = [];
  for (const release of service.releases) {
    const before = running.at(-1)?.release;
    // The same pods: only what they read changed.
    if (before?.revision === release.revision) {
      for (const pod of running) pod.release = release;
      continue;
    }
    const count = release.crashes ? 0 : Math.min(release.pods, service.size);
    const ending = running.slice(0, count);
    for (let i = 0; i < count; i += 1) {
      const from = Math.max(release.at, begin) + (release.at < begin ? 0 : (release.rolloutMs * (i + 1)) / count);
      const old = ending[i];
      if (old) old.to = Math.max(from, old.from);
      const pod: Pod = {
        name: `${service.name}-${release.revision}-${random.whole(10_000, 99_999)}`,
        service: service.name,
        release,
        node: random.whole(0, nodes - 1),
        from,
        to: Number.POSITIVE_INFINITY,
      };
      all.push(pod);
      running.push(pod);
    }
    running.splice(0, ending.length);
  }
  return all;
};

/** Which part of the requests of a pod fails at a time: for a fault of its own, or of what it calls. */
export const failuresOf = ({ services, pods, faults }: World): ((pod: Pod) => (at: number) => number) => {
  const byName = new Map(services.map((service) => [service.name, service]));
  const ofService = new Map(services.map(({ name }) => [name, pods.filter((pod) => pod.service === name)]));
  const known = new Map<string, Map<number, number>>(services.map(({ name }) => [name, new Map()]));
  const added = (pod: Pod, at: number): number => {
    let good = 1;
    for (const fault of faults) good *= 1 - fault(pod, at);
    let bad = 1 - good;
    for (const { service, part } of byName.get(pod.service)?.calls ?? [])
      bad = 1 - (1 - bad) * (1 - part * average(service, at));
    return bad;
  };
  const average = (service: string, at: number): number => {
    const scrape = Math.floor(at / SCRAPE_MS);
    const found = known.get(service)?.get(scrape);
    if (found !== undefined) return found;
    const alive = (ofService.get(service) ?? []).filter(({ from, to }) => from <= at && at < to);
    const value = alive.reduce((sum, pod) => sum + added(pod, at), 0) / Math.max(1, alive.length);
    known.get(service)?.set(scrape, value);
    return value;
  };
  return (pod) => {
    const { base = 0 } = byName.get(pod.service) ?? {};
    return (at) => 1 - (1 - base) * (1 - added(pod, at));
  };
};
