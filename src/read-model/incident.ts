import type { Incident, IncidentPhase, Verdict } from '../api/incident.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { workloadOf } from '../holds/index.ts';
import { isClosed, needsPerson } from '../incident/index.ts';

export interface IncidentSummary {
  namespace: string;
  name: string;
  workload: WorkloadKey;
  /** Number of the release under suspicion. */
  suspect: number | undefined;
  phase: IncidentPhase;
  needsPerson: boolean;
  /** Why it is in this phase, or why it needs a person. */
  reason: string | undefined;
  message: string | undefined;
  verdict: Verdict['result'] | undefined;
  /** Alerts that are listed as evidence. */
  evidenceCount: number;
  createdTime: string | undefined;
}

export const incidentSummary = (incident: Incident): IncidentSummary => {
  const { metadata, spec, status } = incident;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    workload: workloadOf(incident),
    suspect: spec.suspect?.number,
    phase: phaseOf(incident),
    needsPerson: needsPerson(incident),
    reason: status?.reason,
    message: status?.message ?? status?.verdict?.message,
    verdict: status?.verdict?.result,
    evidenceCount: spec.evidence.length,
    createdTime: metadata.creationTimestamp,
  };
};

/** The controller has not seen it yet: it is as the intake wrote it. */
export const phaseOf = ({ status }: Pick<Incident, 'status'>): IncidentPhase => status?.phase ?? 'Open';

export const isOpen = (incident: Incident): boolean => !isClosed(incident);

/** Order of a list: those that need a person first, then the newest. */
export const byUrgency = (a: Incident, b: Incident): number =>
  Number(needsPerson(b)) - Number(needsPerson(a)) ||
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '');
