import { annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { type RollbackMode, type RollbackPolicy, rollbackPolicy, type ServiceLevelObjective } from '../api/slo.ts';

const MODES: Record<string, RollbackMode> = { auto: 'Auto', approve: 'Approve', 'dry-run': 'DryRun', off: 'Off' };

/**
 * What may be done to a workload: its objective's policy, or the defaults. The annotation on the workload overrules
 * the mode, for whoever can annotate a workload can change it anyway. Never the alert.
 */
export const policyOf = (
  workload: KubeObject | undefined,
  objective: ServiceLevelObjective | undefined,
): RollbackPolicy => {
  const policy = objective?.spec.policy ?? rollbackPolicy.parse({});
  const said = workload?.metadata.annotations?.[annotations.rollback];
  // A word that nobody knows must not leave Auto in force.
  return said === undefined ? policy : { ...policy, mode: MODES[said.toLowerCase()] ?? 'DryRun' };
};
