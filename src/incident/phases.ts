import { conditionIs } from '../api/conditions.ts';
import type { IncidentPhase, IncidentStatus } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';

/** An Incident, as far as it matters here. */
interface WithStatus {
  status?: IncidentStatus | undefined;
}

const CLOSED: readonly IncidentPhase[] = ['Recovered', 'Dismissed', 'Observed'];

export const isClosedPhase = (phase: IncidentPhase): boolean => CLOSED.includes(phase);

export const isClosed = ({ status }: WithStatus): boolean => isClosedPhase(status?.phase ?? 'Open');

/** A rollback was decided, by the incident or by a person, and is not over. */
export const isRollingBack = ({ status }: WithStatus): boolean =>
  status?.phase === 'RollingBack' || status?.phase === 'Verifying';

/** This status decides a rollback, which was not decided before, and no person's Hold did. */
export const startsRollback = ({ status: before }: WithStatus, status: IncidentStatus): boolean =>
  status.phase === 'RollingBack' && before?.phase !== 'RollingBack' && status.holdRef === undefined;

/** The incident of what its workload depends on is decided first, however long that takes. */
export const waitsForDependency = ({ status }: WithStatus): boolean =>
  status?.reason === ('WaitsForDependency' satisfies Reason);

/** Another incident of the same event is decided first. */
export const waitsForOther = ({ status }: WithStatus): boolean =>
  waitsForDependency({ status }) || status?.reason === ('WaitsForIncident' satisfies Reason);
/** It is found for the first time that the restored release burns as well. */
export const comesToBeMisjudged = (before: IncidentStatus | undefined, status: IncidentStatus): boolean =>
  status.misjudgedTime !== undefined && before?.misjudgedTime === undefined;

/** This status decides that a rollback which did not help is corrected. */
export const startsCorrection = ({ status: before }: WithStatus, status: IncidentStatus): boolean =>
  status.correction !== undefined && before?.correction === undefined;

/** It is a person's turn, for as long as that takes. */
export const needsPerson = ({ status }: WithStatus): boolean => conditionIs(status?.conditions, 'NeedsPerson', 'True');
