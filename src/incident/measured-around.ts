import { type Release, type ReleaseHistory, recordsOf } from '../api/release-history.ts';
import { isMeasured, type RollbackPolicy } from '../api/rollback-policy.ts';
import { isWorkloadKind, type WorkloadKey } from '../api/workload.ts';
import type { Question } from '../judge/index.ts';
import { historyName } from '../snapshot/index.ts';

const MAX_AROUND = 8;

/** What of the watched copies is read. */
interface Known {
  rollbackPolicies: { list(namespace?: string): readonly RollbackPolicy[] };
  histories: { get(key: { namespace: string; name: string }): ReleaseHistory | undefined };
}

/**
 * Other workloads of the namespace that a policy names, with the objectives by which it can be measured whether they
 * burn. One that the suspect's own commit released, too, is as suspect as it is, also when it is rolled back by now: that
 * both burn is no sign of a cause that they stand on.
 */
export const measuredAround = (
  { kind, namespace, name }: WorkloadKey,
  suspect: Pick<Release, 'commit'> | undefined,
  { rollbackPolicies, histories }: Known,
): Question['around'] => {
  const isOfSameCommit = (target: { kind: string; name: string }): boolean => {
    if (!suspect?.commit || !isWorkloadKind(target.kind)) return false;
    const history = histories.get({ namespace, name: historyName({ kind: target.kind, name: target.name }) });
    return (recordsOf(history).releases ?? []).some(({ commit }) => commit === suspect.commit);
  };
  return rollbackPolicies
    .list(namespace)
    .flatMap(({ spec: { targetRef, objectives } }) => {
      const measured = objectives.filter(isMeasured);
      const isOther = targetRef && (targetRef.kind !== kind || targetRef.name !== name);
      return isOther && measured.length > 0 && !isOfSameCommit(targetRef)
        ? [{ name: targetRef.name, objectives: measured }]
        : [];
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .slice(0, MAX_AROUND);
};
