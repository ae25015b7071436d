import type { ConditionInput } from '../api/conditions.ts';
import type { Hold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import { isMeasured, type MeasuredObjective, type RollbackPolicy } from '../api/rollback-policy.ts';
import { isWorkloadKind, type WorkloadKey } from '../api/workload.ts';
import { problemOf } from '../policy/freeze.ts';
import { type GuardingPolicy, guardingPolicyAmong, TARGET_API_VERSION } from '../policy/guard.ts';
import { hasLabels } from '../policy/labels.ts';
import { eventsOf, eventsOfPods } from './indicator.ts';
import { type Answer, describe, type Named, promiseOf } from './promise.ts';
import { ExpressionError } from './promql.ts';
import type { Selectors } from './selectors.ts';
import { obstacleOn, type PathStep } from './workload-path.ts';

/** What decides whether a policy does what it says. */
export interface Surroundings {
  /** Of the policy's namespace, itself among them. */
  policies: readonly RollbackPolicy[];
  /** Deployments, StatefulSets and DaemonSets of the policy's namespace. */
  workloads: readonly KubeObject[];
  namespace: KubeObject | undefined;
  platform: PlatformPolicySpec;
  hasPrometheus: boolean;
  /** Flux, Argo CD or Helm, where one of them would undo a rollback. */
  otherToolOf: (workload: KubeObject) => string | undefined;
  selectors: Selectors;
  historyOf: (workload: WorkloadKey) => ReleaseHistory | undefined;
  /** Of the policy's namespace. */
  holds: readonly Hold[];
  /** Conditions Measured and AlertsReach, as far as they are known: they need answers from Prometheus. */
  measured: readonly ConditionInput[];
  /** Milliseconds since the epoch. */
  now: number;
}

/**
 * The conditions of a policy. Ready: whether a burn that began now would lead to what its mode says, and if not, why
 * not: the first thing that is missing. Overridden: whether another policy counts for all that this one names. Measured
 * and AlertsReach as they are given.
 */
export const conditionsOf = (policy: RollbackPolicy, around: Surroundings): ConditionInput[] => {
  const guarding = guardingPolicyAmong(around.policies);
  const named = namedBy(policy, around.workloads);
  const guarded = named.filter(isGuardedBy(policy, guarding));
  const [lost] = named.filter((one) => !guarded.includes(one));
  const other = lost && guarding(lost.key, lost.workload);
  const overridden: Answer | undefined =
    lost && other && guarded.length === 0
      ? {
          reason: 'Overridden',
          message: `RollbackPolicy ${other.metadata.name} counts for ${describe(lost.key)}: it ${precedence(other, policy)}`,
        }
      : undefined;
  const message = `counts for ${guarded.length} of ${named.length} workloads that it names`;
  return [
    readyOf(policy, guarded, overridden, around),
    { type: 'Overridden', status: overridden !== undefined, ...(overridden ?? { reason: 'NotOverridden', message }) },
    ...around.measured,
  ];
};

/** The workloads for which the policy counts, of those that it names. */
export const guardedBy = (
  policy: RollbackPolicy,
  policies: readonly RollbackPolicy[],
  workloads: readonly KubeObject[],
): Named[] => namedBy(policy, workloads).filter(isGuardedBy(policy, guardingPolicyAmong(policies)));

const isGuardedBy =
  (policy: RollbackPolicy, guarding: GuardingPolicy) =>
  ({ key, workload }: Named): boolean =>
    guarding(key, workload)?.metadata.name === policy.metadata.name;

const namedBy = ({ metadata, spec }: RollbackPolicy, workloads: readonly KubeObject[]): Named[] => {
  const { targetRef, selector } = spec;
  const all = workloads.flatMap((workload): Required<Named>[] => {
    const { kind } = workload;
    const { name, namespace = '' } = workload.metadata;
    return isWorkloadKind(kind) ? [{ key: { kind, namespace, name }, workload }] : [];
  });
  if (targetRef === undefined)
    return all.filter(({ workload }) => hasLabels(selector?.matchLabels ?? {}, workload?.metadata.labels ?? {}));
  const { apiVersion, kind, name } = targetRef;
  if (apiVersion !== TARGET_API_VERSION || !isWorkloadKind(kind)) return [];
  const found = all.find(({ key }) => key.kind === kind && key.name === name);
  return [found ?? { key: { kind, name, namespace: metadata.namespace ?? '' }, workload: undefined }];
};

const readyOf = (
  policy: RollbackPolicy,
  guarded: readonly Named[],
  overridden: Answer | undefined,
  around: Surroundings,
): ConditionInput => {
  const { targetRef, selector } = policy.spec;
  const isDefault = Object.keys(selector?.matchLabels ?? {}).length === 0 && targetRef === undefined;
  const ready = (status: boolean, { reason, message }: Answer): ConditionInput => ({
    type: 'Ready',
    status,
    reason,
    message,
  });
  const cannotJudge = problemOfObjectives(policy, around) ?? problemOfFreeze(policy, around);
  const notNamed = overridden ?? problemOfTarget(policy, guarded);
  // A namespace's default does its work by being there, also while every workload has a policy of its own.
  if (notNamed && !isDefault) return ready(false, notNamed);
  if (cannotJudge) return ready(false, cannotJudge);
  if (notNamed) return ready(true, { reason: 'InForce', message: `guards no workload now: ${notNamed.message}` });
  const steps = guarded.flatMap((one) => obstacleTo(one, around) ?? []);
  const obstacles = steps.filter(({ result }) => result === 'failed');
  const [first] = obstacles;
  if (first && obstacles.length === guarded.length) return ready(false, first);
  const lacking = around.measured.find(({ status }) => status === false);
  if (lacking) return ready(false, lacking);
  const { reason, message } = promiseOf(policy, guarded, guarded.length - obstacles.length, around.platform);
  const unknown = around.measured.find(({ status }) => status === 'Unknown');
  const asked = steps.find(({ result }) => result === 'warning');
  const remarks = [
    ...(first ? [`not of all: ${first.message}`] : []),
    ...(asked ? [`not by itself now: ${asked.message}`] : []),
    ...(unknown ? [`not measured now: ${unknown.message}`] : []),
  ];
  return ready(true, { reason, message: [message, ...remarks].join('; ') });
};

const problemOfTarget = ({ spec }: RollbackPolicy, guarded: readonly Named[]): Answer | undefined => {
  const { targetRef } = spec;
  if (targetRef && (targetRef.apiVersion !== TARGET_API_VERSION || !isWorkloadKind(targetRef.kind))) {
    const message = `releases of ${targetRef.kind} (${targetRef.apiVersion}) are not recorded; name a Deployment, StatefulSet or DaemonSet of ${TARGET_API_VERSION}`;
    return { reason: 'TargetKindNotSupported', message };
  }
  const [first] = guarded;
  if (!first)
    return { reason: 'TargetNotFound', message: 'no workload of the namespace has the labels of spec.selector' };
  if (targetRef && !first.workload)
    return { reason: 'TargetNotFound', message: `${describe(first.key)} is not in the namespace` };
  return undefined;
};

const problemOfObjectives = (
  { spec }: RollbackPolicy,
  { hasPrometheus, selectors }: Surroundings,
): Answer | undefined => {
  if (!hasPrometheus) {
    const message = 'no Prometheus is configured (METRICOPS_PROMETHEUS_URL), so that nothing can be judged';
    return { reason: 'PrometheusUnreachable', message };
  }
  for (const objective of spec.objectives) {
    const { name, objectiveRef } = objective;
    if (objectiveRef) {
      const message = `objective ${name} refers to ${objectiveRef.kind} ${objectiveRef.name}, which is not read yet; give it a target and an indicator`;
      return { reason: 'ObjectiveRefNotRead', message };
    }
    const refused = isMeasured(objective) ? refusalOf(objective, selectors) : undefined;
    if (refused !== undefined) return { reason: 'ExpressionRefused', message: refused };
  }
  return undefined;
};

/** What can't be read of a change freeze of the platform or the policy keeps every rollback waiting. */
const problemOfFreeze = (policy: RollbackPolicy, { platform }: Surroundings): Answer | undefined => {
  const ofPlatform = problemOf(platform.rollback.freeze);
  if (ofPlatform !== undefined) return { reason: 'InvalidFreeze', message: `of the PlatformPolicy: ${ofPlatform}` };
  const own = problemOf(policy.spec.freeze);
  return own === undefined ? undefined : { reason: 'InvalidFreeze', message: own };
};

/** Why an objective could not be judged, in words. Without podLabel only Prometheus reads its expressions. */
const refusalOf = (objective: MeasuredObjective, selectors: Selectors): string | undefined => {
  try {
    const { podLabel } = eventsOf(objective);
    if (podLabel !== '') eventsOfPods(objective, '.+', selectors);
    return undefined;
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
};

/** Why a burn of this workload would not be rolled back by itself, whatever the policy says. */
const obstacleTo = (
  { key, workload }: Named,
  { namespace, otherToolOf, historyOf, holds, now }: Surroundings,
): (Answer & Pick<PathStep, 'result'>) | undefined => {
  if (!workload) return undefined;
  const facts = { workload, namespace, history: historyOf(key), holds, otherTool: otherToolOf(workload) };
  const step = obstacleOn(key, facts, now);
  if (!step?.reason) return undefined;
  const { result, reason, message, next } = step;
  return { result, reason, message: `${describe(key)}: ${message}${next === undefined ? '' : `; ${next}`}` };
};

const precedence = (winner: RollbackPolicy, loser: RollbackPolicy): string => {
  if (winner.spec.targetRef && !loser.spec.targetRef) return 'names it by targetRef';
  return winner.metadata.creationTimestamp === loser.metadata.creationTimestamp ? 'is first by name' : 'is older';
};
