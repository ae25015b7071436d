import type { Incident } from '../api/incident.ts';
import { type ReleaseHistory, releasesOf } from '../api/release-history.ts';
import type { WorkloadRef } from '../api/workload.ts';
import { enteredPhase } from './move.ts';

/** A rollback that was made for an incident, or is about to be; or the correction of one. */
export interface Rollback {
  namespace: string;
  workload: WorkloadRef;
  /** Name of the incident. */
  incident: string;
  /** Milliseconds since the epoch: when the target was applied; when that was decided, where it is not applied yet. */
  time: number;
}

/** What of the watched copies is read. */
export interface Stored {
  incidents: { list(namespace?: string): readonly Incident[] };
  histories: { list(namespace?: string): readonly ReleaseHistory[] };
}

/**
 * Every rollback that is stored, of a namespace or of the cluster. An incident says it of itself; of one that was deleted
 * the history of the workload still has the release that it rejected, and never loses that.
 */
export const rollbacksIn = ({ incidents, histories }: Stored, namespace?: string): Rollback[] => {
  const found = new Map<string, Rollback>();
  const add = (rollback: Rollback, which = ''): void => {
    const key = `${rollback.namespace}/${rollback.incident}${which}`;
    if (!found.has(key)) found.set(key, rollback);
  };
  for (const incident of incidents.list(namespace)) {
    const { metadata, spec, status } = incident;
    const of = { namespace: metadata.namespace ?? '', workload: spec.workloadRef, incident: metadata.name };
    const time = timeOf(incident);
    if (time !== undefined) add({ ...of, time });
    if (status?.correction) add({ ...of, time: Date.parse(status.correction.time) }, '/correction');
  }
  for (const history of histories.list(namespace))
    for (const { rejectedTime, incidentRef } of releasesOf(history))
      if (rejectedTime !== undefined && incidentRef)
        add({
          namespace: history.metadata.namespace ?? '',
          workload: history.spec.workloadRef,
          incident: incidentRef.name,
          time: Date.parse(rejectedTime),
        });
  return [...found.values()];
};

const timeOf = ({ status }: Incident): number | undefined => {
  if (status?.rolledBackTime !== undefined) return Date.parse(status.rolledBackTime);
  return status?.phase === 'RollingBack' ? enteredPhase(status) : undefined;
};
