import type { Incident, ObjectiveVerdict, Verdict } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import { workloadOf } from '../holds/index.ts';
import { alertedAt, onsetOfVerdict } from '../judge/index.ts';
import type { Graph } from './graph.ts';
import { isClosed, isRollingBack, needsPerson, waitsForOther } from './phases.ts';

/** Which incident is decided before this one, in words. */
export interface Waiting {
  reason: Extract<Reason, 'WaitsForDependency' | 'WaitsForIncident'>;
  message: string;
}

/** Burns of one cause are reported within so many milliseconds of each other: rules have different windows. */
const ONE_EVENT_MS = 600_000;

/**
 * Several workloads that burn at once are one event: one of them is rolled back, and the others are measured again before
 * anything is done to the next. Pure, and by what is stored only: two incidents that ask at once get answers that agree.
 *
 * @returns for whom the incident waits: what its workload depends on, else the rollback that is under way, else whose burn
 *   began first; undefined: for nobody
 */
export const waitingFor = (own: Incident, incidents: readonly Incident[], graph: Graph): Waiting | undefined => {
  const event = incidents.filter((other) => isOther(own, other) && !isClosed(other) && isOneEvent(own, other));
  const [dependency] = event
    .filter((other) => graph.dependsOn(workloadOf(own), workloadOf(other)) && mayBeGuilty(other))
    .filter((other) => !(isOfOneCommit(own, other) && isGuilty(other)))
    .toSorted(byTurn);
  if (dependency) return { reason: 'WaitsForDependency', message: dependencyWords(dependency) };
  const [first] = event
    .filter((other) => isContender(other) && !isOfOneCommit(own, other))
    .filter((other) => !graph.dependsOn(workloadOf(other), workloadOf(own)))
    .toSorted(byTurn);
  return first && byTurn(first, own) < 0 ? { reason: 'WaitsForIncident', message: firstWords(first) } : undefined;
};

/**
 * Whether the other incident comes before what this verdict leads to. Not where the release is not guilty, nor where its
 * pods fail more than those of the release before it, in the same minutes. By an indicator the other workloads were
 * measured, too, and those that burn counted for the release: but for its dependencies, guilty is guilty.
 */
export const comesBefore = (
  { reason }: Pick<Waiting, 'reason'>,
  { result, objectives = [] }: Pick<Verdict, 'result' | 'objectives'>,
): boolean => {
  if (result !== 'Guilty') return result === 'Inconclusive';
  const guilty = objectives.filter((one) => one.result === 'Guilty');
  if (guilty.some(isCompared)) return false;
  return reason === 'WaitsForDependency' || guilty.every(({ measured }) => measured?.rule !== undefined);
};

const isCompared = ({ evidence = [] }: ObjectiveVerdict): boolean =>
  evidence.some(({ name, points }) => name === 'SideBySide' && points > 0);

const isOther = (own: Incident, { metadata, spec }: Incident): boolean =>
  metadata.namespace !== own.metadata.namespace ||
  spec.workloadRef.kind !== own.spec.workloadRef.kind ||
  spec.workloadRef.name !== own.spec.workloadRef.name;

const isOneEvent = (a: Incident, b: Incident): boolean =>
  Math.abs(alertedAt(a.spec.evidence) - alertedAt(b.spec.evidence)) <= ONE_EVENT_MS;

/** Suspects of one commit are not each other's victims: they go back together. */
export const isOfOneCommit = (a: Incident, b: Incident): boolean =>
  a.spec.suspect?.commit !== undefined && a.spec.suspect.commit === b.spec.suspect?.commit;

const isGuilty = ({ status }: Incident): boolean => status?.verdict?.result === 'Guilty';

const mayBeGuilty = ({ status }: Incident): boolean => status?.verdict?.result !== 'NotGuilty';

/** It may be rolled back any moment. */
const isContender = (incident: Incident): boolean =>
  mayBeGuilty(incident) &&
  incident.spec.suspect !== undefined &&
  incident.status?.reason !== 'Cooldown' &&
  !needsPerson(incident) &&
  !waitsForOther(incident);

/** A total order: what is rolled back already, then by when the burn began. */
const byTurn = (a: Incident, b: Incident): number =>
  Number(isRollingBack(b)) - Number(isRollingBack(a)) || began(a) - began(b) || (nameOf(a) < nameOf(b) ? -1 : 1);

/** As the verdict found it; before that, when its first alert did. */
const began = ({ spec, status }: Incident): number => onsetOfVerdict(status?.verdict) ?? alertedAt(spec.evidence);

const nameOf = ({ metadata }: Incident): string => `${metadata.namespace}/${metadata.name}`;

const dependencyWords = (incident: Incident): string => {
  const person = needsPerson(incident) ? `, and needs a person: ${incident.status?.reason}` : '';
  return `${workload(incident)}, on which it depends, burns, too: incident ${nameOf(incident)} is decided first${person}`;
};

const firstWords = (incident: Incident): string =>
  isRollingBack(incident)
    ? `incident ${nameOf(incident)} rolls ${workload(incident)} back: this one is measured again after that`
    : `${workload(incident)} began to burn first: incident ${nameOf(incident)} is decided first, then this one is measured again`;

const workload = ({ spec: { workloadRef } }: Incident): string => `${workloadRef.kind} ${workloadRef.name}`;
