import type { PostableAlert } from '../alertmanager/index.ts';
import { INCIDENT_ALERT_LABEL } from '../api/annotations.ts';
import { conditionOf } from '../api/conditions.ts';
import type { Incident } from '../api/incident.ts';
import type { IncidentState } from './incident-state.ts';

export const ALERT_NAME = 'MetricopsIncident';

/** Of one alert of Prometheus, not of the workload; or what our own alert says itself. */
const NOT_COPIED = ['alertname', 'severity', 'reason', 'pod', 'instance', 'container', 'endpoint', 'uid'];

/** The most urgent first: words of kube-prometheus, and of the SRE workbook. Others are less urgent than these. */
const URGENT = ['critical', 'page', 'error', 'warning', 'ticket', 'info', 'none'];
/** Of an incident that began without an alert: its pods crash, or do not become ready. */
const WITHOUT_ALERT = 'page';
const MAX_TEXT = 1024;

export interface AlertContext {
  /** Label of all alerts of this cluster, where one is configured. */
  cluster?: { label: string; value: string } | undefined;
  /** Milliseconds since the epoch: how long Alertmanager keeps it, unless it is sent again. */
  endsAt: number;
}

/**
 * An incident as an alert: with the labels of the alert that opened it, so that it takes the same route, and with its
 * links. Its labels change with the state only, and where a more urgent alert joins. Pure.
 */
export const alertOf = (incident: Incident, state: IncidentState, { cluster, endsAt }: AlertContext): PostableAlert => {
  const { metadata, spec, status } = incident;
  const { namespace = '', name } = metadata;
  const { kind, name: workload } = spec.workloadRef;
  const [first] = spec.evidence;
  const copied = Object.entries(first?.labels ?? {}).filter(([label]) => !NOT_COPIED.includes(label));
  const { generatorURL, runbookURL, dashboardURL } = first?.links ?? {};
  const { commit } = spec.suspect ?? {};
  return {
    labels: {
      ...(cluster ? { [cluster.label]: cluster.value } : {}),
      ...Object.fromEntries(copied),
      alertname: ALERT_NAME,
      namespace,
      [kind.toLowerCase()]: workload,
      reason: state,
      severity: severityOf(incident, state),
      [INCIDENT_ALERT_LABEL]: name,
    },
    annotations: {
      summary: summaryOf(incident, state),
      description: `${(status?.message ?? '').slice(0, MAX_TEXT)}\nmetricops explain ${name} -n ${namespace}`,
      ...(first ? { alert: first.alert } : {}),
      ...(commit === undefined ? {} : { commit }),
      ...(runbookURL === undefined ? {} : { runbook_url: runbookURL }),
      ...(dashboardURL === undefined ? {} : { dashboard_url: dashboardURL }),
    },
    startsAt: beganAt(incident, state),
    endsAt: new Date(endsAt).toISOString(),
    ...(generatorURL === undefined ? {} : { generatorURL }),
  };
};

/** A rollback that worked pages nobody. What needs a person pages whom the alerts of the incident page. */
export const severityOf = ({ spec }: Incident, state: IncidentState): string => {
  if (state === 'RolledBack') return 'info';
  const said = spec.evidence.flatMap(({ labels }) => labels.severity ?? []);
  return said.toSorted((a, b) => urgencyOf(a) - urgencyOf(b))[0] ?? WITHOUT_ALERT;
};

const urgencyOf = (severity: string): number => {
  const place = URGENT.indexOf(severity.toLowerCase());
  return place < 0 ? URGENT.length : place;
};

const SUMMARIES: Record<IncidentState, (what: string, suspect: string, target: string) => string> = {
  RolledBack: (what, suspect, target) => `${what} is rolled back from ${suspect} to ${target}`,
  AwaitingApproval: (what, suspect) => `${what}: a person has to approve or deny the rollback of ${suspect}`,
  NeedsPerson: (what) => `${what}: metricops can not go on without a person`,
  NotRecovered: (what, _, target) => `${what} is not known to have recovered since it was rolled back to ${target}`,
  Misjudged: (what, suspect, target) => `${what}: ${target} burns as well, the verdict on ${suspect} was wrong`,
};

const summaryOf = ({ metadata, spec, status }: Incident, state: IncidentState): string => {
  const { kind, name } = spec.workloadRef;
  const release = (number: number | undefined): string => (number === undefined ? 'a release' : `release ${number}`);
  const suspect = release(spec.suspect?.number);
  return SUMMARIES[state](`${kind} ${metadata.namespace}/${name}`, suspect, release(status?.target?.number));
};

const beganAt = (incident: Incident, state: IncidentState): string => {
  const { rolledBackTime } = incident.status ?? {};
  const asked = conditionOf(incident, 'NeedsPerson')?.lastTransitionTime;
  const opened = incident.metadata.creationTimestamp ?? new Date(0).toISOString();
  return (state === 'RolledBack' ? rolledBackTime : asked) ?? opened;
};
