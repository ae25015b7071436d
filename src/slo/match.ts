import { annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { isWorkloadOptedIn } from '../api/optin.ts';
import type { ServiceLevelObjective } from '../api/slo.ts';
import { isWorkloadKind, type WorkloadKey, workloadString } from '../api/workload.ts';
import { OBJECTIVE_LABEL } from './rules.ts';

type Labels = Readonly<Record<string, string>>;

export interface AlertMatch {
  workload: WorkloadKey;
  /** Through which objective; undefined when by annotation or labels. */
  objective?: ServiceLevelObjective;
}

export interface MatchInput {
  objectives: readonly ServiceLevelObjective[];
  workloads: readonly KubeObject[];
  namespaceOf: (name: string) => KubeObject | undefined;
  /** Alerts must carry this label where one Alertmanager serves many clusters. */
  cluster?: { label: string; value: string } | undefined;
  /** The platform's word: an alert that names no namespace may be about any. */
  withoutNamespace: boolean;
}

/** Objectives and workloads that an alert may be about. */
interface Candidates {
  objectives: ServiceLevelObjective[];
  workloads: { workload: KubeObject; alerts: Labels | undefined }[];
}

/**
 * Says which workloads an alert is about. Our own objects decide: objectives that claim it, workloads whose annotation
 * claims it, and, by its namespace and deployment labels, a workload that opted in; each of the namespace that the alert
 * names, so that nobody claims another's alerts. To be made for each delivery: it reads the objects once.
 */
export const createMatcher = (input: MatchInput): ((labels: Labels) => AlertMatch[]) => {
  const everywhere: Candidates = { objectives: [...input.objectives], workloads: [] };
  const byNamespace = new Map<string | undefined, Candidates>();
  const of = ({ metadata: { namespace } }: KubeObject): Candidates => {
    const found = byNamespace.get(namespace) ?? { objectives: [], workloads: [] };
    byNamespace.set(namespace, found);
    return found;
  };
  for (const objective of input.objectives) of(objective).objectives.push(objective);
  for (const workload of input.workloads) {
    const candidate = { workload, alerts: parseLabels(workload.metadata.annotations?.[annotations.alerts]) };
    of(workload).workloads.push(candidate);
    everywhere.workloads.push(candidate);
  }
  /** Nothing can be stored in a namespace that is going away, and nothing needs to. */
  const isThere = ({ namespace }: WorkloadKey): boolean =>
    input.namespaceOf(namespace)?.metadata.deletionTimestamp === undefined;
  return (labels) => {
    if (input.cluster && labels[input.cluster.label] !== input.cluster.value) return [];
    const { namespace } = labels;
    const candidates = namespace !== undefined ? byNamespace.get(namespace) : input.withoutNamespace && everywhere;
    return candidates ? matchesOf(labels, candidates, input).filter(({ workload }) => isThere(workload)) : [];
  };
};

const matchesOf = (labels: Labels, { objectives, workloads }: Candidates, input: MatchInput): AlertMatch[] => {
  const found = new Map<string, AlertMatch>();
  const add = (match: AlertMatch): void => {
    const key = workloadString(match.workload);
    if (!found.has(key)) found.set(key, match);
  };
  for (const objective of objectives.filter((slo) => claims(slo, labels)))
    add({ workload: { ...objective.spec.targetRef, namespace: objective.metadata.namespace ?? '' }, objective });
  for (const { workload, alerts } of workloads) {
    const { namespace = '', name } = workload.metadata;
    const isMeant = isSubset(alerts, labels) || (isNamed(workload, labels) && consents(workload, input));
    if (isMeant && isWorkloadKind(workload.kind)) add({ workload: { kind: workload.kind, namespace, name } });
  }
  return [...found.values()];
};

const claims = (slo: ServiceLevelObjective, labels: Labels): boolean =>
  (labels[OBJECTIVE_LABEL] === slo.metadata.name && labels.namespace === slo.metadata.namespace) ||
  isSubset(slo.spec.alerts?.matchLabels, labels);

/** `a=b,c=d` */
const parseLabels = (text: string | undefined): Record<string, string> | undefined => {
  if (text === undefined) return undefined;
  const pairs = text.split(',').map((pair) => pair.trim().split('=', 2));
  return Object.fromEntries(
    pairs
      .filter((p): p is [string, string] => p.length === 2)
      .map(([k, v]) => [k.trim(), v.trim().replace(/^"|"$/g, '')]),
  );
};

/** An empty set of labels claims nothing, rather than every alert. */
const isSubset = (wanted: Labels | undefined, labels: Labels): boolean =>
  wanted !== undefined && Object.keys(wanted).length > 0 && Object.entries(wanted).every(([k, v]) => labels[k] === v);

const isNamed = (workload: KubeObject, labels: Labels): boolean =>
  labels.namespace === workload.metadata.namespace && labels[workload.kind.toLowerCase()] === workload.metadata.name;

const consents = (workload: KubeObject, input: MatchInput): boolean => {
  const namespace = input.namespaceOf(workload.metadata.namespace ?? '');
  return workload.metadata.annotations?.[annotations.rollback] !== undefined || isWorkloadOptedIn(workload, namespace);
};
