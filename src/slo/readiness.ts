import { isSwitchedOn } from '../api/annotation-values.ts';
import { annotations } from '../api/annotations.ts';
import type { ConditionInput } from '../api/conditions.ts';
import type { KubeObject } from '../api/meta.ts';
import { isWorkloadOptedIn } from '../api/optin.ts';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import { isMeasured, type RollbackPolicy } from '../api/rollback-policy.ts';
import { isWorkloadKind } from '../api/workload.ts';
import { problemOf } from '../policy/freeze.ts';
import { guardingPolicyAmong, TARGET_API_VERSION } from '../policy/guard.ts';
import { hasLabels } from '../policy/labels.ts';
import { type Answer, describe, type Named, promiseOf } from './promise.ts';
import { ExpressionError } from './promql.ts';
import type { Selectors } from './selectors.ts';

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
}

/**
 * The conditions of a policy. Ready: whether a burn would lead to what its mode says, and if not, why not. Overridden:
 * whether another policy counts for all that this one names.
 */
export const conditionsOf = (policy: RollbackPolicy, around: Surroundings): ConditionInput[] => {
  const guarding = guardingPolicyAmong(around.policies);
  const named = namedBy(policy, around.workloads);
  const guarded = named.filter(({ key, workload }) => guarding(key, workload)?.metadata.name === policy.metadata.name);
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
  ];
};

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
  const ready = (status: boolean, answer: Answer): ConditionInput => ({ type: 'Ready', status, ...answer });
  const cannotJudge = problemOfObjectives(policy, around) ?? problemOfFreeze(policy, around);
  const notNamed = overridden ?? problemOfTarget(policy, guarded);
  // A namespace's default does its work by being there, also while every workload has a policy of its own.
  if (notNamed && !isDefault) return ready(false, notNamed);
  if (cannotJudge) return ready(false, cannotJudge);
  if (notNamed) return ready(true, { reason: 'InForce', message: `guards no workload now: ${notNamed.message}` });
  const obstacles = guarded.flatMap((one) => obstacleOf(one, around) ?? []);
  const [first] = obstacles;
  if (first && obstacles.length === guarded.length) return ready(false, first);
  const { reason, message } = promiseOf(policy, guarded, guarded.length - obstacles.length, around.platform);
  return ready(true, { reason, message: first ? `${message}; not of all: ${first.message}` : message });
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
    const refused = isMeasured(objective) && refusalOf(objective.indicator.ratio, selectors);
    if (refused) return { reason: 'ExpressionRefused', message: `objective ${name}: ${refused}` };
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

/** Without podLabel the expressions are sent as they are, and only Prometheus reads them. */
const refusalOf = (
  ratio: { errors: string; total: string; podLabel: string },
  selectors: Selectors,
): string | undefined => {
  if (ratio.podLabel === '') return undefined;
  for (const which of ['errors', 'total'] as const) {
    try {
      selectors.restrict(ratio[which], ratio.podLabel, '.+');
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      return `indicator.ratio.${which} can't be asked of the pods of one release: ${error.message}`;
    }
  }
  return undefined;
};

/** Why a burn of this workload would not be rolled back, whatever the policy says. */
const obstacleOf = ({ key, workload }: Named, { namespace, otherToolOf }: Surroundings): Answer | undefined => {
  if (!workload) return undefined;
  if (!isWorkloadOptedIn(workload, namespace)) {
    const message = `releases of ${describe(key)} are not recorded; annotate it with ${annotations.inject}=true`;
    return { reason: 'NotOptedIn', message };
  }
  if (isSwitchedOn(workload.metadata, annotations.pause))
    return {
      reason: 'Paused',
      message: `${describe(key)} has ${annotations.pause}: remove it to let rollbacks happen`,
    };
  const tool = otherToolOf(workload);
  return tool === undefined
    ? undefined
    : { reason: 'OwnedByOtherTool', message: `${tool} applies ${describe(key)} and would undo a rollback` };
};

const precedence = (winner: RollbackPolicy, loser: RollbackPolicy): string => {
  if (winner.spec.targetRef && !loser.spec.targetRef) return 'names it by targetRef';
  return winner.metadata.creationTimestamp === loser.metadata.creationTimestamp ? 'is first by name' : 'is older';
};
