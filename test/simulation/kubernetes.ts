import type { Hold } from '../../src/api/hold.ts';
import { resources } from '../../src/kube/index.ts';
import type { Cluster } from './cluster.ts';
import {
  deploymentOf,
  heldOf,
  historyOf,
  podObjectOf,
  policyOf,
  recordingTimes,
  replicaSetOf,
  runningPodOf,
} from './manifests.ts';
import type { Restored } from './rollback.ts';
import { MINUTE, type Pod, type Release, type Service, type World } from './world.ts';

/** What the recorder, the kubelet and the controllers of Kubernetes write. */
export interface Kubernetes {
  /** The Hold is obeyed. */
  rollBack(hold: Hold, restored: Restored, pods: readonly Pod[]): void;
}

interface Times {
  at: (time: number, task: () => void) => void;
  start: number;
}

export const runKubernetes = (cluster: Cluster, world: World, { at, start }: Times): Kubernetes => {
  const { end } = world;
  /** By its name, as it is planned now. */
  const planned = new Map<string, Pod>();
  const restoredOf = new Map<string, Restored>();
  const plan = (pods: readonly Pod[], from: number): void => {
    for (const pod of pods.filter(({ to }) => to > from)) {
      planned.set(pod.name, pod);
      const isPlanned = (): boolean => planned.get(pod.name) === pod;
      at(Math.max(pod.from, from), () => isPlanned() && cluster.put(resources.pods, runningPodOf(pod)));
      if (Number.isFinite(pod.to)) at(pod.to, () => isPlanned() && cluster.remove(resources.pods, runningPodOf(pod)));
    }
  };
  const write = (service: Service, now: number): void => {
    const restored = restoredOf.get(service.name);
    cluster.put(resources.releaseHistories, historyOf(service, now, restored));
    cluster.put(resources.deployments, deploymentOf(service, now, restored));
  };
  /** Pods that crash, until they are taken back. */
  const crash = (service: Service, crashing: Release): void => {
    const uid = cluster.put(resources.deployments, deploymentOf(service, start)).metadata.uid ?? '';
    const replicaSets = new Map(
      service.releases.map((one) => [
        one,
        cluster.put(resources.replicaSets, replicaSetOf(service, one, uid)).metadata.uid,
      ]),
    );
    const podOf = (release: Release, pod: string, restarts: number, endedAt?: number): void =>
      void cluster.put(
        resources.pods,
        podObjectOf(service, release, { pod, uid: replicaSets.get(release) ?? '', restarts, endedAt }),
      );
    const before = service.releases.at(-2);
    for (let i = 0; before && i < service.size; i += 1) podOf(before, `${service.name}-old-${i}`, 0);
    // The kubelet waits twice as long after each end, up to five minutes.
    for (let restarts = 0, time = crashing.at + 12_000, wait = 10_000; time < end; restarts += 1) {
      const [count, endedAt] = [restarts, time];
      at(time, () => restoredOf.has(service.name) || podOf(crashing, crashingPodOf(service), count, endedAt));
      time += wait + 2_000;
      wait = Math.min(2 * wait, 300_000);
    }
    at(crashing.at + 10 * MINUTE + 1000, () => write(service, crashing.at + 10 * MINUTE + 1000));
  };

  for (const service of world.services) {
    cluster.put(resources.rollbackPolicies, policyOf(service));
    write(service, start);
    const times = recordingTimes(service).filter((time) => time > start && time < end);
    for (const time of times) at(time, () => write(service, time));
    const crashing = service.releases.find(({ crashes }) => crashes);
    if (crashing) crash(service, crashing);
  }
  plan(world.pods, start);

  return {
    rollBack(hold, restored, pods) {
      const { service, appliedAt, readyAt } = restored;
      const mine = pods.filter((pod) => pod.service === service.name);
      at(appliedAt, () => {
        restoredOf.set(service.name, restored);
        const isGone = (name: string): boolean => !mine.some((pod) => pod.name === name);
        for (const pod of [...planned.values()])
          if (pod.service === service.name && isGone(pod.name)) planned.delete(pod.name);
        plan(mine, appliedAt);
        write(service, appliedAt);
        cluster.put(resources.holds, heldOf(hold, appliedAt));
        for (const pod of cluster
          .list(resources.pods)
          .filter(({ metadata }) => metadata.name === crashingPodOf(service)))
          cluster.remove(resources.pods, pod);
      });
      at(readyAt, () => write(service, readyAt));
    },
  };
};

const crashingPodOf = ({ name }: Service): string => `${name}-new`;
