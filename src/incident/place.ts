import { API_VERSION } from '../api/annotations.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident, IncidentSpec } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import { currentOf, type Release, type ReleaseRecords } from '../api/release-history.ts';
import type { AlertMatch } from '../slo/index.ts';
import type { Alert } from './alertmanager-webhook.ts';
import { withAlerts } from './evidence.ts';
import { incidentName } from './name.ts';
import { isClosed, isRollingBack, needsPerson, waitsForDependency } from './phases.ts';

/** What a delivery says about one workload. */
export interface Group {
  match: AlertMatch;
  alerts: readonly Alert[];
  /** Alerts were left out of the delivery: they may have been about this workload. */
  truncated: boolean;
}

/** What is stored in the namespace of the workload. */
export interface Stored {
  incidents: readonly Incident[];
  holds: readonly Hold[];
  history: ReleaseRecords;
}

/**
 * create, update: with the incident as it should be. known: the evidence is there already. ignored: the alerts are over,
 * or ring from before an incident was closed. full: too many incidents of the namespace are open.
 */
export type Place = { do: 'create' | 'update'; incident: Incident } | { do: 'known' | 'ignored' | 'full' };

/** Those that wait for a person, for a dependency, or for a time that they state, are not counted: they may wait for days. */
export const MAX_OPEN_PER_NAMESPACE = 50;

/** Where the alerts of a workload belong. Pure: replicas that know the same come to the same. */
export const placeOf = ({ match, alerts, truncated }: Group, stored: Stored, now: number): Place => {
  const { kind, name } = match.workload;
  const time = new Date(now).toISOString();
  const current = currentOf(stored.history);
  const mine = stored.incidents.filter(({ spec }) => spec.workloadRef.kind === kind && spec.workloadRef.name === name);
  const isOfCurrent = ({ spec }: Incident): boolean => spec.suspect?.sourceDigest === current?.sourceDigest;
  // While a rollback is under way, every alert of the workload belongs to it: it rings on for a while.
  const open = mine.find((i) => !isClosed(i) && (!current || isOfCurrent(i) || isRollingBack(i)));
  if (open) {
    const kept = withAlerts(open.spec, { alerts, truncated }, time);
    return kept ? { do: 'update', incident: { ...open, spec: { ...open.spec, ...kept } } } : { do: 'known' };
  }
  const rangBefore = closedAmong(mine);
  const isBeforeLift = beganBefore(current?.liftedTime);
  const fresh = alerts.filter((alert) => alert.status === 'firing' && !rangBefore(alert) && !isBeforeLift(alert));
  const kept = withAlerts({ evidence: [] }, { alerts: fresh, truncated }, time);
  if (fresh.length === 0 || !kept) return { do: 'ignored' };
  if (stored.incidents.filter(isBusy).length >= MAX_OPEN_PER_NAMESPACE) return { do: 'full' };
  const closed = mine.filter((i) => isClosed(i) && isOfCurrent(i)).toSorted((a, b) => closedAt(b) - closedAt(a));
  const taken = new Set([
    ...stored.incidents.map(({ metadata }) => metadata.name),
    ...stored.holds.map(({ spec }) => spec.incidentRef?.name),
  ]);
  const called = incidentName(match.workload, current?.sourceDigest, closed[0]?.metadata.uid, (n) => taken.has(n));
  return { do: 'create', incident: newIncident(match, called, current, kept) };
};

const isBusy = (incident: Incident): boolean =>
  !isClosed(incident) &&
  !needsPerson(incident) &&
  !waitsForDependency(incident) &&
  incident.status?.dueTime === undefined;

const newIncident = (
  { workload, policy }: AlertMatch,
  called: string,
  current: Release | undefined,
  kept: Pick<IncidentSpec, 'evidence' | 'truncated'>,
): Incident => {
  const { kind, name, namespace } = workload;
  const suspect = current && {
    number: current.number,
    sourceDigest: current.sourceDigest,
    ...(current.revision === undefined ? {} : { revision: current.revision }),
    ...(current.commit === undefined ? {} : { commit: current.commit }),
  };
  return {
    apiVersion: API_VERSION,
    kind: 'Incident',
    metadata: { namespace, name: called },
    spec: {
      workloadRef: { kind, name },
      ...kept,
      ...(suspect ? { suspect } : {}),
      ...(policy ? { policyRef: { name: policy.metadata.name } } : {}),
    },
  };
};

const closedAt = ({ status }: Incident): number => Date.parse(status?.closedTime ?? '') || 0;

/** A person lifted the Hold of the release: what began before counts against it no more. */
const beganBefore =
  (liftedTime: string | undefined) =>
  ({ startsAt }: Alert): boolean =>
    liftedTime !== undefined && startsAt !== undefined && Date.parse(startsAt) <= Date.parse(liftedTime);

/** Nothing was found out about the alert: it may be of the release that runs now. */
const WITHOUT_RESULT: readonly (string | undefined)[] = ['Superseded', 'Restored'] satisfies Reason[];

/** The alert began before an incident was closed: it is the same one, still ringing, and starts nothing. */
const closedAmong = (incidents: readonly Incident[]): ((alert: Alert) => boolean) => {
  const closed = incidents.filter(
    ({ status }) => status?.closedTime !== undefined && !WITHOUT_RESULT.includes(status.reason),
  );
  const last = Math.max(Number.NEGATIVE_INFINITY, ...closed.map(closedAt));
  const known = new Set(closed.flatMap(({ spec }) => spec.evidence.map((e) => e.fingerprint)));
  return ({ startsAt, fingerprint }) =>
    startsAt === undefined ? known.has(fingerprint) : Date.parse(startsAt) <= last;
};
