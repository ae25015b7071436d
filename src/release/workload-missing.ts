import type { ReleaseHistoryStatus } from '../api/release-history.ts';

/** Condition of a history whose workload was deleted. */
const MISSING = 'WorkloadMissing';
/** How long it is remembered what ran. */
export const EXPIRY_MS = 30 * 24 * 3_600_000;

/** The workload is not there: since when is written down once. */
export const withMissing = (status: ReleaseHistoryStatus, now: number): ReleaseHistoryStatus => {
  if (missingSince(status) !== undefined) return status;
  const condition = {
    type: MISSING,
    status: 'True' as const,
    lastTransitionTime: new Date(now).toISOString(),
    reason: 'WorkloadMissing',
    message: 'The workload was deleted. Its releases are forgotten 30 days later.',
  };
  return { ...status, conditions: [...(status.conditions ?? []), condition] };
};

/** The workload is there (again). */
export const withoutMissing = ({ conditions, ...status }: ReleaseHistoryStatus): ReleaseHistoryStatus => {
  const rest = (conditions ?? []).filter((condition) => condition.type !== MISSING);
  return rest.length === 0 ? status : { ...status, conditions: rest };
};

/** Milliseconds since the epoch; undefined while the workload is there. */
export const missingSince = ({ conditions }: ReleaseHistoryStatus): number | undefined => {
  const time = conditions?.find((condition) => condition.type === MISSING)?.lastTransitionTime;
  return time === undefined ? undefined : Date.parse(time);
};
