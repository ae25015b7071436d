import type { IncidentStatus } from '../api/incident.ts';
import type { EventInput } from '../kube/index.ts';

/** What a person is told when an incident moves: the message is `REASON: words`, and an Event has a field for the one. */
export const eventOf = ({ phase = 'Open', message = '' }: IncidentStatus): EventInput => {
  const [, reason, words] = /^([A-Za-z]+): (.*)$/s.exec(message) ?? [];
  return {
    type: phase === 'Escalated' || phase === 'NotRecovered' || phase === 'RollingBack' ? 'Warning' : 'Normal',
    reason: reason ?? 'Progressing',
    action: 'Judge',
    note: `${phase}: ${words ?? message}`,
  };
};
