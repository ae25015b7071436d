import type { Incident } from '../api/incident.ts';
import type { Caches } from './caches.ts';
import { rollbacksIn, type Stored } from './rollbacks.ts';

/** How many rollbacks there were in the last hour, and how many there may be. */
export interface Limit {
  /** E.g. `namespace shop`. */
  where: string;
  rollbacks: number;
  max: number;
  /** Of the PlatformPolicy. */
  field: string;
}

export const HOUR_MS = 3_600_000;

/**
 * The limits that all workloads of a namespace, and of the cluster, share. The rollback of the incident itself is not
 * counted.
 *
 * @param now milliseconds since the epoch
 */
export const sharedLimits = (
  { metadata: { namespace = '', name } }: Incident,
  { incidents, histories, platform }: Stored & { platform: Pick<Caches['platform'], 'current'> },
  now: number,
): Limit[] => {
  const { maxPerHourInNamespace, maxPerHourInCluster } = platform.current().rollback;
  const others = rollbacksIn({ incidents, histories }).filter(
    (rollback) => now - rollback.time < HOUR_MS && !(rollback.namespace === namespace && rollback.incident === name),
  );
  return [
    {
      where: `namespace ${namespace}`,
      rollbacks: others.filter((rollback) => rollback.namespace === namespace).length,
      max: maxPerHourInNamespace,
      field: 'maxPerHourInNamespace',
    },
    { where: 'the cluster', rollbacks: others.length, max: maxPerHourInCluster, field: 'maxPerHourInCluster' },
  ];
};

/**
 * Which limit leaves no place for another rollback, in words; undefined: none.
 *
 * @param own rollbacks of the incident itself, which the limits do not count
 */
export const reachedLimit = (limits: readonly Limit[], own = 0): string | undefined => {
  const reached = limits.find(({ rollbacks, max }) => rollbacks + own >= max);
  if (!reached) return undefined;
  const { where, rollbacks, max, field } = reached;
  return `${rollbacks + own} rollbacks in ${where} in the last hour; spec.rollback.${field} of the PlatformPolicy is ${max}`;
};
