import type { Condition } from '../api/common.ts';
import { conditionOf } from '../api/conditions.ts';
import type { RollbackMode, RollbackPolicy } from '../api/rollback-policy.ts';

export interface PolicyView {
  namespace: string;
  name: string;
  /** The workload that it names, or the labels of those that it selects; without any label, all of its namespace. */
  guards: { kind: string; name: string } | { labels: Readonly<Record<string, string>> };
  /** As the policy says it; the message of `ready` says where an annotation or the platform changes it. */
  mode: RollbackMode;
  /** Whether a burn would lead to what the mode says, and if not, why not. undefined: not answered yet. */
  ready: Condition | undefined;
}

export const policyView = (policy: RollbackPolicy): PolicyView => {
  const { targetRef, selector, mode } = policy.spec;
  return {
    namespace: policy.metadata.namespace ?? '',
    name: policy.metadata.name,
    guards: targetRef ? { kind: targetRef.kind, name: targetRef.name } : { labels: selector?.matchLabels ?? {} },
    mode,
    ready: conditionOf(policy, 'Ready'),
  };
};
