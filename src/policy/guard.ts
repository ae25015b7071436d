import { choiceOf } from '../api/annotation-values.ts';
import { annotations } from '../api/annotations.ts';
import { parseDuration } from '../api/common.ts';
import type { KubeObject } from '../api/meta.ts';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import { type Guardrails, guardrails, type RollbackPolicy, rollbackMode } from '../api/rollback-policy.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { hasLabels } from './labels.ts';

/** What may be done to a workload when it burns, and who says so. */
export interface Guard {
  /** The RollbackPolicy that counts. undefined: none names the workload, and the defaults hold. */
  policy: RollbackPolicy | undefined;
  /** Of the policy, as the annotation on the workload and the platform change them. */
  guardrails: Guardrails;
}

/** The apiVersion of the kinds whose releases are recorded. */
export const TARGET_API_VERSION = 'apps/v1';

/** The policy that counts for a workload; the object gives its labels, where it is there. */
export type GuardingPolicy = (key: WorkloadKey, workload: KubeObject | undefined) => RollbackPolicy | undefined;

/**
 * Which of some policies counts for each workload: one that names it by targetRef before one that selects it, then the
 * oldest, then the first by name. Reads the policies once; each question costs the selectors of one namespace.
 */
export const guardingPolicyAmong = (policies: readonly RollbackPolicy[]): GuardingPolicy => {
  const byTarget = new Map<string, RollbackPolicy>();
  const bySelector = new Map<string, RollbackPolicy[]>();
  for (const policy of policies.toSorted(byAge)) {
    const { namespace = '' } = policy.metadata;
    const { targetRef } = policy.spec;
    if (targetRef === undefined) bySelector.set(namespace, [...(bySelector.get(namespace) ?? []), policy]);
    else if (targetRef.apiVersion === TARGET_API_VERSION) {
      const key = textOf({ ...targetRef, namespace });
      if (!byTarget.has(key)) byTarget.set(key, policy);
    }
  }
  return (key, workload) =>
    byTarget.get(textOf(key)) ??
    bySelector
      .get(key.namespace)
      ?.find(({ spec }) => hasLabels(spec.selector?.matchLabels ?? {}, workload?.metadata.labels ?? {}));
};

/** The one answer to "what may be done to this workload?". Never the alert says it. */
export const guardOf = (
  key: WorkloadKey,
  workload: KubeObject | undefined,
  policies: readonly RollbackPolicy[],
  platform: PlatformPolicySpec,
): Guard => {
  const policy = guardingPolicyAmong(policies)(key, workload);
  return { policy, guardrails: guardrailsOf(policy, workload, platform) };
};

/**
 * The annotation on the workload replaces the mode, for whoever can annotate a workload can change it anyway. The
 * platform caps all of it.
 */
export const guardrailsOf = (
  policy: RollbackPolicy | undefined,
  workload: KubeObject | undefined,
  platform: PlatformPolicySpec,
): Guardrails => {
  const own = guardrailsBy(policy);
  const said = workload?.metadata.annotations?.[annotations.rollback];
  // A word that nobody knows must not leave Auto in force.
  const mode =
    said === undefined
      ? own.mode
      : (choiceOf(workload?.metadata, annotations.rollback, rollbackMode.options) ?? 'DryRun');
  const { maxMode, freeze, minCooldown, maxPerHour } = platform.rollback;
  return {
    mode: strengthOf(mode) > strengthOf(maxMode) ? maxMode : mode,
    freeze: [...freeze, ...own.freeze],
    scope: own.scope,
    countdown: own.countdown,
    ...(own.approval && (maxMode === 'Auto' || own.approval.action === 'Close') ? { approval: own.approval } : {}),
    cooldown: parseDuration(own.cooldown) < parseDuration(minCooldown) ? minCooldown : own.cooldown,
    maxPerHour: Math.min(own.maxPerHour, maxPerHour),
    soak: own.soak,
    maxReleaseAge: own.maxReleaseAge,
    minRequests: own.minRequests,
    minScore: own.minScore,
    verifyTimeout: own.verifyTimeout,
    onMisjudged: own.onMisjudged,
    onImagePullError: own.onImagePullError,
    evidence: { logs: keepsLogs(platform) && keepsLogs(own) },
  };
};

const keepsLogs = ({ evidence }: Pick<Guardrails, 'evidence'>): boolean => evidence?.logs !== false;

/** Of the policy alone, or the defaults where there is none. */
export const guardrailsBy = (policy: RollbackPolicy | undefined): Guardrails => policy?.spec ?? DEFAULTS;

const DEFAULTS: Guardrails = guardrails.parse({});

/** From what may do least. */
const BY_STRENGTH = ['Off', 'DryRun', 'Approve', 'Auto'] as const satisfies Guardrails['mode'][];
const strengthOf = (mode: Guardrails['mode']): number => BY_STRENGTH.indexOf(mode);

const byAge = (a: RollbackPolicy, b: RollbackPolicy): number =>
  compare(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
  compare(a.metadata.name, b.metadata.name);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const textOf = ({ namespace, kind, name }: { namespace: string; kind: string; name: string }): string =>
  `${namespace}/${kind}/${name}`;
