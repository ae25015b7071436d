import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import { isClosed, needsPerson } from '../incident/index.ts';

/** What people are notified of for as long as it lasts. */
export type IncidentState = 'RolledBack' | 'AwaitingApproval' | 'NeedsPerson' | 'NotRecovered' | 'Misjudged';

/** Reasons by which it is a person's turn, and which are a state of their own. */
const ASKED = ['AwaitingApproval', 'NotRecovered', 'Misjudged'] as const satisfies readonly IncidentState[];

/**
 * The state of an incident; undefined: nobody has to know of it. RolledBack lasts for as long as the Hold keeps the
 * release out, also after the incident is closed: what people push is not what runs. Pure.
 *
 * @param hold that status.holdRef names, where there is it
 */
export const stateOf = (incident: Incident, hold: Hold | undefined): IncidentState | undefined => {
  const { status } = incident;
  if (!isClosed(incident) && needsPerson(incident))
    return ASKED.find((state) => state === status?.reason) ?? 'NeedsPerson';
  return status?.rolledBackTime !== undefined && hold?.status?.phase === 'Held' ? 'RolledBack' : undefined;
};
