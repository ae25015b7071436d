import type { Incident, IncidentPhase } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import { workloadOf } from '../holds/index.ts';
import type { CommitsOf } from './commits.ts';
import { type CommitNote, type Notice, noticeOf } from './notice.ts';

type Entry = NonNullable<NonNullable<Incident['status']>['timeline']>[number];

const QUIET: readonly IncidentPhase[] = ['Recovered', 'Dismissed', 'Observed'];

/** Each entry of its timeline after that time is a notice, but that its evidence was stored. Pure. */
export const noticesOfIncident = (incident: Incident, since: number, commitsOf: CommitsOf): Notice[] => {
  const { status } = incident;
  // Most of the incidents that are stored are over for long.
  if (status?.closedTime !== undefined && Date.parse(status.closedTime) <= since) return [];
  const entries = (status?.timeline ?? []).filter(({ phase, time }) => phase !== 'Open' && Date.parse(time) > since);
  return entries.map((entry) => ofEntry(incident, entry, commitsOf));
};

const ofEntry = (incident: Incident, entry: Entry, commitsOf: CommitsOf): Notice => {
  const { spec, status } = incident;
  const state = commitState(entry, status?.rolledBackTime !== undefined);
  const numbers = spec.suspect ? [spec.suspect.number] : [];
  return noticeOf(incident, 'Incident', {
    time: entry.time,
    reason: entry.reason ?? entry.phase,
    severity: QUIET.includes(entry.phase) ? 'info' : 'warning',
    message: entry.message,
    workload: spec.workloadRef,
    incident: incident.metadata.name,
    release: spec.suspect?.number,
    targetRelease: status?.target?.number,
    beganTime: entry.phase === 'Recovered' ? releasedAt(incident) : undefined,
    links: spec.evidence[0]?.links,
    commits: state ? commitsOf(workloadOf(incident), numbers, state, entry.message) : [],
  });
};

const commitState = ({ phase, reason }: Entry, isRolledBack: boolean): CommitNote['state'] | undefined => {
  if (reason === ('AwaitingApproval' satisfies Reason)) return 'pending';
  if (reason === ('Misjudged' satisfies Reason)) return undefined;
  return isRolledBack && (phase === 'Verifying' || phase === 'Recovered') ? 'failure' : undefined;
};

/** When the suspect became current, as it was measured; otherwise when the incident was opened. */
const releasedAt = ({ metadata, status }: Incident): string | undefined =>
  status?.verdict?.objectives?.find(({ measured }) => measured)?.measured?.releasedTime ?? metadata.creationTimestamp;
