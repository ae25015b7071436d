import { annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import type { Reason } from '../api/reasons.ts';
import { isMeasured, type RollbackMode, type RollbackPolicy } from '../api/rollback-policy.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { guardrailsOf } from '../policy/guard.ts';

/** A workload that the policy names or selects; without the object where targetRef names one that is not there. */
export interface Named {
  key: WorkloadKey;
  workload: KubeObject | undefined;
}

export interface Answer {
  reason: Reason;
  message: string;
}

export const describe = ({ kind, name }: WorkloadKey): string => `${kind} ${name}`;

const REASONS = { Auto: 'InForce', Approve: 'InForce', DryRun: 'ModeDryRun', Off: 'ModeOff' } as const;
const PROMISES: Record<RollbackMode, (what: string) => string> = {
  Auto: (what) => `a burn of ${what} leads to a rollback`,
  Approve: (what) => `a burn of ${what} leads to a rollback when a person approves it`,
  DryRun: (what) => `a burn of ${what} only says what would be rolled back`,
  Off: (what) => `a burn of ${what} is only recorded`,
};

/** What a burn leads to; of one workload as its annotation says, of many as the policy does. */
export const promiseOf = (
  policy: RollbackPolicy,
  guarded: readonly Named[],
  count: number,
  platform: PlatformPolicySpec,
): Answer => {
  const [one] = policy.spec.targetRef ? guarded : [];
  const { mode } = guardrailsOf(policy, one?.workload, platform);
  const what = one ? describe(one.key) : `${count} workload${count === 1 ? '' : 's'}`;
  const byAnnotation = guardrailsOf(policy, undefined, platform).mode !== mode;
  const why = byAnnotation ? `the annotation ${annotations.rollback}` : 'rollback.maxMode of the PlatformPolicy';
  const message = `${PROMISES[mode](what)}${mode === 'Auto' ? conditionOfAuto(policy, platform) : ''}`;
  return {
    reason: REASONS[mode],
    message: mode === policy.spec.mode ? message : `${message}: mode ${mode}, by ${why}`,
  };
};

const conditionOfAuto = (policy: RollbackPolicy, platform: PlatformPolicySpec): string => {
  const { freeze } = guardrailsOf(policy, undefined, platform);
  const exception = freeze.length === 0 ? '' : ', but in a change freeze a person is asked';
  return `${trustOfRules(policy, platform)}${exception}`;
};

/** Without an indicator the alerting rule is the evidence, and whoever writes rules may write them about anybody. */
const trustOfRules = ({ metadata, spec }: RollbackPolicy, { rollback }: PlatformPolicySpec): string => {
  if (spec.objectives.some(isMeasured)) return '';
  const trusted = [metadata.namespace, ...rollback.trustedRuleNamespaces];
  const namespaces = trusted.length === 1 ? `namespace ${trusted[0]}` : `one of the namespaces ${trusted.join(', ')}`;
  return ` if the alerting rule is of ${namespaces}, otherwise a person is asked`;
};
