import { annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { isOptedIn } from '../api/optin.ts';
import type { ServiceLevelObjective } from '../api/slo.ts';
import { isWorkloadKind, type WorkloadKey } from '../api/workload.ts';
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
}

/**
 * Workloads that an alert is about. Our own objects decide: an objective that claims it, a workload whose annotation
 * claims it, or, by its namespace and deployment labels, a workload that opted in. An alert that names a namespace
 * reaches nothing in another one.
 */
export const matchAlert = (labels: Labels, input: MatchInput): AlertMatch[] => {
  if (input.cluster && labels[input.cluster.label] !== input.cluster.value) return [];
  const inNamespace = (namespace: string | undefined): boolean =>
    labels.namespace === undefined || labels.namespace === namespace;
  const byObjective = input.objectives
    .filter((slo) => inNamespace(slo.metadata.namespace) && claims(slo, labels))
    .map((objective) => ({
      workload: { ...objective.spec.workload, namespace: objective.metadata.namespace ?? '' },
      objective,
    }));
  if (byObjective.length > 0) return byObjective;
  const candidates = input.workloads.filter((w) => inNamespace(w.metadata.namespace));
  const byAnnotation = candidates.filter((w) =>
    isSubset(parseLabels(w.metadata.annotations?.[annotations.alerts]), labels),
  );
  const found =
    byAnnotation.length > 0 ? byAnnotation : candidates.filter((w) => isNamed(w, labels) && consents(w, input));
  return found.flatMap((w) => {
    const { namespace = '', name } = w.metadata;
    return isWorkloadKind(w.kind) ? [{ workload: { kind: w.kind, namespace, name } }] : [];
  });
};

const claims = (slo: ServiceLevelObjective, labels: Labels): boolean =>
  (labels[OBJECTIVE_LABEL] === slo.metadata.name && labels.namespace === slo.metadata.namespace) ||
  isSubset(slo.spec.alerts?.matchLabels, labels);

/** `a=b,c=d` */
export const parseLabels = (text: string | undefined): Record<string, string> | undefined => {
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
  const template = (workload.spec as { template?: { metadata?: object } } | undefined)?.template?.metadata;
  const namespace = input.namespaceOf(workload.metadata.namespace ?? '')?.metadata;
  return (
    workload.metadata.annotations?.[annotations.rollback] !== undefined ||
    isOptedIn({ template, workload: workload.metadata, namespace })
  );
};
