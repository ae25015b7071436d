import type { Condition } from '../api/common.ts';

/** Condition of a history whose workload was deleted. */
const MISSING = 'WorkloadMissing';
/** How long it is remembered what ran. */
export const EXPIRY_MS = 30 * 24 * 3_600_000;

/** The workload is not there: since when is written down once. */
export const withMissing = (conditions: readonly Condition[], now: number): readonly Condition[] => {
  if (missingSince(conditions) !== undefined) return conditions;
  const condition: Condition = {
    type: MISSING,
    status: 'True',
    lastTransitionTime: new Date(now).toISOString(),
    reason: 'WorkloadMissing',
    message: 'The workload was deleted. Its releases are forgotten 30 days later.',
  };
  return [...conditions, condition];
};

/** The workload is there (again). */
export const withoutMissing = (conditions: readonly Condition[]): readonly Condition[] =>
  conditions.filter(({ type }) => type !== MISSING);

/** Milliseconds since the epoch; undefined while the workload is there. */
export const missingSince = (conditions: readonly Condition[]): number | undefined => {
  const time = conditions.find(({ type }) => type === MISSING)?.lastTransitionTime;
  return time === undefined ? undefined : Date.parse(time);
};
