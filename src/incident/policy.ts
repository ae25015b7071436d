import { annotations } from '../api/annotations.ts';
import { parseDuration } from '../api/common.ts';
import type { KubeObject } from '../api/meta.ts';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import { type RollbackMode, type RollbackPolicy, rollbackPolicy, type ServiceLevelObjective } from '../api/slo.ts';

const MODES: Record<string, RollbackMode> = { auto: 'Auto', approve: 'Approve', 'dry-run': 'DryRun', off: 'Off' };
/** From what may do least. */
const BY_STRENGTH: readonly RollbackMode[] = ['Off', 'DryRun', 'Approve', 'Auto'];

/**
 * What may be done to a workload: its objective's policy, or the defaults. The annotation on the workload overrules
 * the mode, for whoever can annotate a workload can change it anyway. Never the alert. The platform caps all of it.
 */
export const policyOf = (
  workload: KubeObject | undefined,
  objective: ServiceLevelObjective | undefined,
  platform: PlatformPolicySpec,
): RollbackPolicy => {
  const policy = objective?.spec.policy ?? rollbackPolicy.parse({});
  const said = workload?.metadata.annotations?.[annotations.rollback];
  // A word that nobody knows must not leave Auto in force.
  const mode = said === undefined ? policy.mode : (MODES[said.toLowerCase()] ?? 'DryRun');
  const { maxMode, minCooldown, maxPerHour } = platform.rollback;
  return {
    ...policy,
    mode: BY_STRENGTH.indexOf(mode) > BY_STRENGTH.indexOf(maxMode) ? maxMode : mode,
    cooldown: parseDuration(policy.cooldown) < parseDuration(minCooldown) ? minCooldown : policy.cooldown,
    maxPerHour: Math.min(policy.maxPerHour, maxPerHour),
  };
};
