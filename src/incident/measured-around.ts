import { type Release, type ReleaseHistory, recordsOf } from '../api/release-history.ts';
import { isMeasured, type RollbackPolicy } from '../api/rollback-policy.ts';
import { isWorkloadKind, type WorkloadKey, workloadString } from '../api/workload.ts';
import type { Question } from '../judge/index.ts';
import { historyName } from '../snapshot/index.ts';
import type { Graph } from './graph.ts';

const MAX_AROUND = 8;

/** What of the watched copies is read. */
interface Known {
  rollbackPolicies: { list(namespace?: string): readonly RollbackPolicy[] };
  histories: { get(key: { namespace: string; name: string }): ReleaseHistory | undefined };
}

/**
 * Other workloads of the namespace that a policy names, with the objectives by which it can be measured whether they
 * burn: first those on which the workload depends. One that depends on it burns with it, whatever the cause is. One that
 * the suspect's own commit released, too, is as suspect as it is, also when it is rolled back by now: that both burn is no
 * sign of a cause that they stand on. On which nodes it burns is one, so it comes last, and is asked that alone.
 */
export const measuredAround = (
  own: WorkloadKey,
  suspect: Pick<Release, 'commit'> | undefined,
  { rollbackPolicies, histories }: Known,
  graph: Graph,
): Question['around'] => {
  const { namespace } = own;
  const isOfSameCommit = (other: WorkloadKey): boolean => {
    if (!suspect?.commit) return false;
    const history = histories.get({ namespace, name: historyName(other) });
    return (recordsOf(history).releases ?? []).some(({ commit }) => commit === suspect.commit);
  };
  return rollbackPolicies
    .list(namespace)
    .flatMap(({ spec: { targetRef, objectives } }) => {
      const measured = objectives.filter(isMeasured);
      if (!targetRef || !isWorkloadKind(targetRef.kind) || measured.length === 0) return [];
      const other = { kind: targetRef.kind, namespace, name: targetRef.name };
      if (workloadString(other) === workloadString(own)) return [];
      const isDependency = graph.dependsOn(own, other);
      if (graph.dependsOn(other, own)) return [];
      const isAsSuspect = !isDependency && isOfSameCommit(other);
      return [{ name: other.name, objectives: measured, isDependency, isAsSuspect }];
    })
    .toSorted(
      (a, b) =>
        Number(b.isDependency) - Number(a.isDependency) ||
        Number(a.isAsSuspect) - Number(b.isAsSuspect) ||
        (a.name < b.name ? -1 : 1),
    )
    .slice(0, MAX_AROUND);
};
