import { annotations } from '../api/annotations.ts';
import { dependenciesOf } from '../api/depends-on.ts';
import { type WorkloadKey, workloadString } from '../api/workload.ts';
import type { Caches } from './caches.ts';

/** Who calls whom: as the annotation on a workload says it; without one, as metrics show it. */
export interface Graph {
  /** Directly or through others. Of two that call each other neither depends on the other. */
  dependsOn(caller: WorkloadKey, callee: WorkloadKey): boolean;
}

/** Workloads that are followed from one. */
const MAX_FOLLOWED = 256;

/** Read when it is asked: few workloads are in an incident. */
export const graphFrom = ({ workloads, platform, calls }: Pick<Caches, 'workloads' | 'platform' | 'calls'>): Graph => {
  const known = new Map<string, ReadonlySet<string>>();
  const { dependenciesAcrossNamespaces } = platform.current().rollback;
  const calledBy = (caller: WorkloadKey): WorkloadKey[] => {
    const workload = workloads[caller.kind].get(caller);
    const isAnnotated = workload?.metadata.annotations?.[annotations.dependsOn] !== undefined;
    const called = workload && isAnnotated ? dependenciesOf(workload) : (calls?.of(caller) ?? []);
    return dependenciesAcrossNamespaces
      ? [...called]
      : called.filter(({ namespace }) => namespace === caller.namespace);
  };
  const follow = (from: WorkloadKey): ReadonlySet<string> => {
    const reached = new Set<string>();
    const next = calledBy(from);
    for (let one = next.pop(); one !== undefined && reached.size < MAX_FOLLOWED; one = next.pop()) {
      if (reached.has(workloadString(one))) continue;
      reached.add(workloadString(one));
      next.push(...calledBy(one));
    }
    return reached;
  };
  const reachedFrom = (from: WorkloadKey): ReadonlySet<string> => {
    const found = known.get(workloadString(from)) ?? follow(from);
    known.set(workloadString(from), found);
    return found;
  };
  return {
    dependsOn: (caller, callee) =>
      reachedFrom(caller).has(workloadString(callee)) && !reachedFrom(callee).has(workloadString(caller)),
  };
};
