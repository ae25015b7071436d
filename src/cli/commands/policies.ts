import { annotations } from '../../api/annotations.ts';
import type { RollbackPolicy } from '../../api/rollback-policy.ts';
import { resources } from '../../kube/index.ts';
import { guardrailsBy } from '../../policy/guard.ts';
import { type PolicyView, policyView } from '../../read-model/index.ts';
import type { Cli } from '../context.ts';
import { table } from '../table.ts';

export const listPolicies = async (cli: Cli): Promise<RollbackPolicy[]> =>
  (await cli.client.list<RollbackPolicy>(resources.rollbackPolicies, cli.scope)).items;

export const policiesTable = (found: readonly RollbackPolicy[]): string =>
  table(
    ['Namespace', 'RollbackPolicy', 'Guards', 'Mode', 'Ready', 'Reason', 'Message'],
    found
      .map(policyView)
      .map(({ namespace, name, guards, mode, ready }) => [
        namespace,
        name,
        guardsWords(guards),
        mode,
        ready?.status,
        ready?.reason,
        ready?.message,
      ]),
  );

/** What holds for a workload that no policy names or selects. */
export const withoutPolicy = (): string =>
  `mode ${guardrailsBy(undefined).mode}, unless the annotation ${annotations.rollback} on a workload says another`;

const guardsWords = (guards: PolicyView['guards']): string => {
  if ('kind' in guards) return `${guards.kind.toLowerCase()}/${guards.name}`;
  const labels = Object.entries(guards.labels).map(([name, value]) => `${name}=${value}`);
  return labels.length === 0 ? 'all workloads' : labels.join(',');
};
