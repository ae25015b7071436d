import type { Incident, IncidentStatus } from '../api/incident.ts';
import { proposedHold, withFinalizer } from '../holds/index.ts';
import { canonical } from '../snapshot/index.ts';
import type { Action } from './action.ts';
import { comesToBeDue } from './due.ts';
import type { Next } from './move.ts';
import { occurrenceOf } from './occurrence.ts';
import { comesToBeMisjudged, needsPerson, startsCorrection, startsRollback } from './phases.ts';

/** What has to be done to come to this status: it is stored before anything else is done. */
export const actionsOf = (incident: Incident, { status, createHold, liftHold, changeHold }: Next): Action[] => {
  // As it was stored: what a person read, and what the verdict was about. Never composed again from today's policy.
  const { proposal } = status;
  const hold = createHold && proposal && withFinalizer(proposedHold(incident.metadata.namespace ?? '', proposal));
  return [
    ...(isNews(incident, status) ? [{ kind: 'WriteStatus', incident: { ...incident, status } } as const] : []),
    ...(hold ? [{ kind: 'CreateHold', hold } as const] : []),
    ...(liftHold ? [{ kind: 'LiftHold', hold: liftHold } as const] : []),
    ...(changeHold ? [{ kind: 'ChangeHold', hold: changeHold } as const] : []),
    ...reportsOf(incident, status),
  ];
};

const reportsOf = (incident: Incident, status: IncidentStatus): Action[] => {
  const isMoved = status.phase !== incident.status?.phase;
  const isMisjudged = comesToBeMisjudged(incident.status, status);
  const isCorrected = startsCorrection(incident, status);
  const isDue = comesToBeDue(incident.status, status);
  if (!isMoved && !comesToNeedPerson(incident, status) && !isDue && !isMisjudged && !isCorrected) return [];
  const { phase, verdict } = status;
  const isJudged = verdict !== undefined && verdict.result !== incident.status?.verdict?.result;
  const results: (string | undefined)[] = [
    startsRollback(incident, status) ? 'started' : undefined,
    phase === 'Recovered' ? 'recovered' : undefined,
    isMisjudged ? 'misjudged' : undefined,
    isCorrected ? 'corrected' : undefined,
    phase === 'Verifying' && needsPerson({ status }) && status.misjudgedTime === undefined ? 'notrecovered' : undefined,
  ];
  return [
    { kind: 'Report', occurrence: occurrenceOf(incident, status) },
    ...(isJudged ? [count('verdicts', verdict.result.toLowerCase())] : []),
    ...results.flatMap((result) => (result === undefined ? [] : [count('rollbacks', result)])),
  ];
};

const count = (counter: 'rollbacks' | 'verdicts', result: string): Action => ({ kind: 'Count', counter, result });

/** Most of what is new says so in its message. */
const isNews = (incident: Incident, status: IncidentStatus): boolean =>
  status.message !== incident.status?.message ||
  canonical(comparable(status)) !== canonical(comparable(incident.status ?? {}));

/** What is measured anew at every look does not make a status new. */
const comparable = ({ verdict, conditions, proposal, ...rest }: IncidentStatus): unknown => ({
  ...rest,
  proposal: proposal && { ...proposal, spec: { ...proposal.spec, message: undefined } },
  verdict: verdict && [verdict, ...(verdict.objectives ?? [])].map(({ result, reason }) => [result, reason]),
  conditions: conditions?.map(({ type, status, reason }) => [type, status, reason]),
});

const comesToNeedPerson = (incident: Incident, status: IncidentStatus): boolean =>
  needsPerson({ status }) && !(needsPerson(incident) && incident.status?.reason === status.reason);
