import type { Incident } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import { currentOf } from '../api/release-history.ts';
import type { Observation } from './observation.ts';

export interface End {
  reason: Reason;
  message: string;
}

/**
 * An incident is stored within moments of its first alert. One that is younger than its last evidence by more than the
 * clocks of two machines differ was created again from a backup.
 */
const RESTORED_AFTER_MS = 300_000;

/** What closes an incident in any phase, without a look at Prometheus. */
export const endOf = (incident: Incident, observed: Observation): End | undefined => {
  const number = incident.spec.suspect?.number;
  if (isFromBackup(incident)) {
    return {
      reason: 'Restored',
      message: `the incident was created after its last evidence (${lastEvidence(incident)}): it comes from a backup`,
    };
  }
  if (observed.answer === 'Denied') return { reason: 'Denied', message: 'a person denied the rollback' };
  if (observed.answer === 'Accepted')
    return { reason: 'ReleaseAccepted', message: `a person accepted release ${number}` };
  if (observed.missing) return { reason: 'WorkloadMissing', message: 'the workload was deleted' };
  return undefined;
};

/** A release that is neither the suspect nor what the Hold keeps out or goes back to. */
export const supersededBy = ({ spec, status }: Incident, { history, hold }: Observation): number | undefined => {
  const current = currentOf(history);
  const ofHold = hold ? [...hold.spec.rejectedDigests, hold.spec.target.sourceDigest] : [];
  const known = [spec.suspect?.sourceDigest, status?.target?.sourceDigest, ...ofHold];
  return current && !known.includes(current.sourceDigest) ? current.number : undefined;
};

/**
 * A person lifted the Hold although the incident never saw it: the history remembers.
 *
 * @param since milliseconds since the epoch
 */
export const isLiftedSince = ({ suspect }: Observation, since: number | undefined): boolean =>
  since !== undefined && Date.parse(suspect?.liftedTime ?? '') >= since;

const lastEvidence = ({ spec }: Incident): string =>
  spec.evidence.map((e) => e.lastReceivedTime).reduce((a, b) => (a > b ? a : b), '');

const isFromBackup = (incident: Incident): boolean => {
  const created = Date.parse(incident.metadata.creationTimestamp ?? '');
  return created - Date.parse(lastEvidence(incident)) > RESTORED_AFTER_MS;
};
