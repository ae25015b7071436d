import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { Occurrence } from '../api/occurrence.ts';
import { needsPerson } from './phases.ts';

/** What occurred when an incident came to this status: another phase, or the need of a person. */
export const occurrenceOf = (incident: Incident, status: IncidentStatus): Occurrence => {
  const { phase = 'Open', reason = 'Progressing', message = '' } = status;
  const { suspect } = incident.spec;
  return {
    regarding: incident,
    severity: phase === 'RollingBack' || needsPerson({ status }) || status.misjudgedTime ? 'warning' : 'info',
    reason,
    action: 'Judge',
    message: `${phase}: ${message}`,
    revision: suspect?.commit,
    release: suspect?.number,
    incident: incident.metadata.name,
  };
};
