import { type ConditionInput, conditionIs, withConditions } from '../api/conditions.ts';
import type { RollbackHold } from '../api/hold.ts';
import type { Incident, IncidentPhase, IncidentStatus } from '../api/incident.ts';
import { isReason, type Reason } from '../api/reasons.ts';
import { comesToBeDue } from './due.ts';
import { comesToBeMisjudged, isClosedPhase } from './phases.ts';

/**
 * What is asked only where a step needs it. Verdict: what Prometheus says of the release under suspicion. Burning:
 * whether what burned still does. Restored: what the restored release fails by itself. Target: whether what the pods of
 * the target need is there. Limits: the rollbacks of the namespace and the cluster. Companions: whether the targets of all
 * that one commit changed would be refused. Silence: whether people silenced the alerts.
 */
export type Ask = 'Verdict' | 'Burning' | 'Restored' | 'Target' | 'Limits' | 'Companions' | 'Silence';

/** Where an incident goes from here, before it is said what has to be done for that. */
export interface Next {
  status: IncidentStatus;
  /** Create the proposed Hold: after the status is stored. */
  createHold: boolean;
  /** Delete this Hold, or replace one of its name by it: after the status is stored. */
  liftHold?: RollbackHold;
  changeHold?: RollbackHold;
  /** Look again after so many milliseconds; undefined when only a change matters. */
  again: number | undefined;
  /** Nothing can be said before this was asked. */
  ask?: Ask;
}

export interface Move {
  phase: IncidentPhase;
  reason: Reason;
  message: string;
  /** A person has to decide or to repair something; the incident stays open. */
  needsPerson?: boolean;
  more?: Partial<IncidentStatus>;
  again?: number;
  createHold?: boolean;
  liftHold?: RollbackHold;
  changeHold?: RollbackHold;
}

const MAX_MESSAGE = 1024;
const MAX_TIMELINE = 64;

/** The incident in this phase. The timeline grows with each new phase, and where a person comes to be needed. */
export const move = (incident: Incident, now: number, to: Move): Next => {
  const { phase, reason, needsPerson = false, more = {}, again, createHold = false, liftHold, changeHold } = to;
  const before = incident.status ?? {};
  const time = new Date(now).toISOString();
  const message = to.message.slice(0, MAX_MESSAGE);
  const timeline = before.timeline ?? [
    {
      time: incident.spec.evidence[0]?.receivedTime ?? time,
      phase: 'Open' as const,
      reason: 'Progressing',
      message: 'evidence stored',
    },
  ];
  const isNews =
    before.phase !== phase ||
    comesToBeDue(before, { ...before, ...more }) ||
    comesToBeMisjudged(before, { ...before, ...more }) ||
    (needsPerson && !conditionIs(before.conditions, 'NeedsPerson', 'True'));
  const { generation } = incident.metadata;
  const next: IncidentStatus = {
    ...before,
    ...more,
    phase,
    reason,
    message,
    timeline: isNews ? [...timeline, { time, phase, reason, message }].slice(-MAX_TIMELINE) : timeline,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(isClosedPhase(phase) && before.closedTime === undefined ? { closedTime: time } : {}),
  };
  const inputs = conditionsOf(next, { ...to, message, needsPerson });
  const status = { ...next, conditions: withConditions(before.conditions ?? [], inputs, { now, generation }) };
  return { status, createHold, ...(liftHold ? { liftHold } : {}), ...(changeHold ? { changeHold } : {}), again };
};

/** Nothing changes but the time of the next look. */
export const stay = (incident: Incident, again: number | undefined): Next => ({
  status: incident.status ?? {},
  createHold: false,
  again,
});

/** That first: the step is taken again with the answer. */
export const ask = (what: Ask): Next => ({ status: {}, createHold: false, again: undefined, ask: what });

/** What `kubectl wait` waits for. The phase is their summary. */
const conditionsOf = (
  { verdict, rolledBackTime, target }: IncidentStatus,
  { phase, reason, message, needsPerson }: Move & { needsPerson: boolean },
): ConditionInput[] => {
  const open = !isClosedPhase(phase);
  const isJudged = verdict !== undefined && verdict.result !== 'Inconclusive';
  const judgedBecause = isReason(verdict?.reason) ? verdict.reason : 'Progressing';
  const isRolledBack = rolledBackTime !== undefined;
  const waits = { reason: open ? 'Progressing' : reason, message } as const;
  return [
    verdict
      ? { type: 'Judged', status: isJudged, reason: judgedBecause, message: verdict.message }
      : { type: 'Judged', status: false, ...waits },
    isRolledBack
      ? { type: 'RolledBack', status: true, reason: 'RolledBack', message: `release ${target?.number} is applied` }
      : { type: 'RolledBack', status: false, ...waits },
    {
      type: 'Recovered',
      status: phase === 'Recovered',
      reason: phase === 'Recovered' ? 'Recovered' : waits.reason,
      message,
    },
    { type: 'NeedsPerson', status: needsPerson, reason: needsPerson ? reason : waits.reason, message },
  ];
};

/** When the incident came to its phase; undefined where that is not recorded. */
export const enteredPhase = ({ phase, timeline = [] }: IncidentStatus): number | undefined => {
  const first = timeline.findLastIndex((entry) => entry.phase !== phase) + 1;
  const entry = timeline[first];
  return entry && Date.parse(entry.time);
};
