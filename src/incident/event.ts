import type { IncidentStatus } from '../api/incident.ts';
import type { EventInput } from '../kube/index.ts';
import { needsPerson } from './phases.ts';

/** The Event of an incident that came to a phase, or came to need a person. */
export const eventOf = (status: IncidentStatus): EventInput => {
  const { phase = 'Open', reason = 'Progressing', message = '' } = status;
  const isWarning = phase === 'RollingBack' || needsPerson({ status });
  return { type: isWarning ? 'Warning' : 'Normal', reason, action: 'Judge', note: `${phase}: ${message}` };
};
