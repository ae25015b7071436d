import type { Condition } from '../api/common.ts';
import type { IncidentStatus } from '../api/incident.ts';
import { reasons } from '../api/reasons.ts';
import { hashOf } from '../snapshot/index.ts';

const STALLED = 'Stalled';

/** The same error of the same incident has the same id, so that it is written once. */
export const errorId = (key: string, error: unknown): string => hashOf([key, String(error)]).slice(0, 8);

/** The status with the word that the incident can't go on; undefined when it says so already. */
export const withStall = (status: IncidentStatus, id: string, time: string): IncidentStatus | undefined => {
  const message = `${reasons.InternalError.means} The log has it with id ${id}.`;
  const known = status.conditions?.find(isStall);
  if (known?.message === message) return undefined;
  const condition: Condition = {
    type: STALLED,
    status: 'True',
    lastTransitionTime: known?.lastTransitionTime ?? time,
    reason: 'InternalError',
    message,
  };
  return { ...status, conditions: [...(status.conditions ?? []).filter((c) => !isStall(c)), condition] };
};

/** It went on. The list stays, if empty: a merge patch removes nothing that is left out. */
export const withoutStall = (status: IncidentStatus): IncidentStatus =>
  status.conditions?.some(isStall) ? { ...status, conditions: status.conditions.filter((c) => !isStall(c)) } : status;

const isStall = ({ type }: Condition): boolean => type === STALLED;
