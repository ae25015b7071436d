import type { WorkloadKey } from '../api/workload.ts';
import { hashOf } from '../snapshot/index.ts';

/**
 * The name of a new incident. Replicas that get the same alert come to the same name, so that one object is made: it
 * follows from the workload, the suspect and the incident of the two that was closed last. A name that an object has,
 * or that a Hold remembers, is not given again.
 *
 * @param after uid of the incident that was closed last
 */
export const incidentName = (
  workload: WorkloadKey,
  suspect: string | undefined,
  after: string | undefined,
  isTaken: (name: string) => boolean,
): string => {
  const base = workload.name.slice(0, 50).replace(/[-.]+$/, '');
  let hash = hashOf([workload, suspect ?? '', after ?? '']);
  while (isTaken(`${base}-${hash.slice(0, 10)}`)) hash = hashOf([hash]);
  return `${base}-${hash.slice(0, 10)}`;
};
