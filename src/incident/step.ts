import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { Action } from './action.ts';
import { actionsOf } from './actions.ts';
import { withBudget } from './budget.ts';
import { endOf } from './ends.ts';
import { judging } from './judging.ts';
import { type Ask, move, type Next, stay } from './move.ts';
import type { Observation } from './observation.ts';
import { isClosed } from './phases.ts';
import { rollingBack } from './rolling-back.ts';
import { withoutStall } from './stall.ts';
import { verifying } from './verifying.ts';

export interface Step {
  /** As it should be. */
  status: IncidentStatus;
  /** To be done in this order. None where nothing is new. */
  actions: readonly Action[];
  /** Step again after so many milliseconds; undefined when only a change matters. */
  again: number | undefined;
  /** The step can't be taken before this was asked: then nothing else is said. */
  ask: Ask | undefined;
}

/**
 * One step of an incident. Pure: all that is to be done is in the answer. Taken twice, or again after a crash, it comes
 * to the same end: the intent (phase RollingBack with its proposal) is stored before the Hold is created, and the Hold
 * before anything is changed.
 */
export const step = (incident: Incident, observed: Observation, now: number): Step => {
  const next = nextOf(incident, observed, now);
  if (next.ask) return { status: incident.status ?? {}, actions: [], again: undefined, ask: next.ask };
  const status = withoutStall(withBudget(incident, next.status, observed.objectives));
  // What is applied may be ready already.
  const isNewlyApplied = status.phase === 'Verifying' && incident.status?.phase !== 'Verifying';
  const again = isNewlyApplied ? 0 : next.again;
  const actions = [...successions(status, observed), ...actionsOf(incident, { ...next, status })];
  return { status, actions, again, ask: undefined };
};

/** Before the incident is closed: its alerts fire on, and are of the release that came. A crash loses none of them. */
const successions = ({ phase, reason }: IncidentStatus, { successor }: Observation): Action[] =>
  successor && phase === 'Dismissed' && reason === 'Superseded'
    ? [{ kind: 'CreateIncident', incident: successor }]
    : [];

const nextOf = (incident: Incident, observed: Observation, now: number): Next => {
  if (isClosed(incident)) return stay(incident, undefined);
  const end = endOf(incident, observed);
  if (end) return move(incident, now, { phase: 'Dismissed', ...end });
  const phase = incident.status?.phase ?? 'Open';
  if (phase === 'RollingBack') return rollingBack(incident, observed, now);
  if (phase === 'Verifying') return verifying(incident, observed, now);
  return judging(incident, observed, now);
};
