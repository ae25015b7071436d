import { groupOf, type KubeObject } from '../api/meta.ts';
import { isRecord, recordOf } from '../ssa/field-set.ts';
import { subjectsFor, subjectsOf } from './bindings.ts';
import { templateOf } from './references.ts';

type Json = Record<string, unknown>;

/** A kind whose objects find a workload's pods by label or by account, or the workload by its name. */
interface SelectorKind {
  group: string;
  kind: string;
  /** What decides whom it finds. */
  part: (object: KubeObject) => unknown;
  finds: (part: unknown, workload: KubeObject) => boolean;
  /** Of which each workload that it finds has at least one; none where that can't be said. */
  traits: (part: unknown) => readonly Trait[];
  /** It has no namespace, and finds workloads of each. */
  cluster?: boolean;
}

/** A label of the pods, or for whom they act. */
type Trait = readonly [name: string, value: unknown];
/** No label has such a name. */
const SUBJECT = ':subject';

const podLabels = (workload: KubeObject): Json => recordOf(recordOf(recordOf(templateOf(workload)).metadata).labels);

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** One of matchExpressions; an operator that nobody knows matches nothing. */
const holds = (expression: unknown, labels: Json): boolean => {
  const { key, operator, values } = recordOf(expression);
  const has = typeof key === 'string' && Object.hasOwn(labels, key);
  const isListed = has && listOf(values).includes(labels[key]);
  if (operator === 'In') return isListed;
  if (operator === 'NotIn') return !isListed;
  if (operator === 'Exists') return has;
  return operator === 'DoesNotExist' && !has;
};

const matchesAll = (wanted: unknown, labels: Json): boolean =>
  Object.entries(recordOf(wanted)).every(([name, value]) => labels[name] === value);

/** A LabelSelector; an empty one selects every pod, none selects nothing. */
const labelSelector = (part: unknown, workload: KubeObject): boolean => {
  if (!isRecord(part)) return false;
  const labels = podLabels(workload);
  return matchesAll(part.matchLabels, labels) && listOf(part.matchExpressions).every((each) => holds(each, labels));
};

/** The selector of a Service: without one, somebody else keeps its endpoints. */
const serviceSelector = (part: unknown, workload: KubeObject): boolean => {
  const { selector } = recordOf(part);
  return Object.keys(recordOf(selector)).length > 0 && matchesAll(selector, podLabels(workload));
};

/** Names, not numbers: a number needs no declaration in the pod. */
const portNames = (spec: Json): string[] =>
  listOf(spec.ports)
    .map((port) => recordOf(port).targetPort)
    .filter((port) => typeof port === 'string')
    .toSorted();

const specOf = (object: KubeObject): Json => recordOf(object.spec);

/** The first is enough: a pod that is found has all of them. */
const firstOf = (labels: unknown): Trait[] => Object.entries(recordOf(labels)).slice(0, 1);

const BY_LABEL = { finds: labelSelector, traits: (part: unknown) => firstOf(recordOf(part).matchLabels) };

const BY_ACCOUNT: Omit<SelectorKind, 'kind'> = {
  group: 'rbac.authorization.k8s.io',
  part: ({ roleRef, subjects }) => ({ roleRef, subjects: subjectsOf(subjects) }),
  finds: (part, workload) => {
    const bound = listOf(recordOf(part).subjects);
    return subjectsFor(workload).some((subject) => bound.includes(subject));
  },
  traits: (part) => listOf(recordOf(part).subjects).map((subject) => [SUBJECT, subject]),
};

const KINDS: readonly SelectorKind[] = [
  {
    group: '',
    kind: 'Service',
    part: (object) => ({ selector: specOf(object).selector, ports: portNames(specOf(object)) }),
    finds: serviceSelector,
    traits: (part) => firstOf(recordOf(part).selector),
  },
  { group: 'policy', kind: 'PodDisruptionBudget', part: (object) => specOf(object).selector, ...BY_LABEL },
  { group: 'networking.k8s.io', kind: 'NetworkPolicy', part: (object) => specOf(object).podSelector, ...BY_LABEL },
  {
    group: 'autoscaling',
    kind: 'HorizontalPodAutoscaler',
    part: (object) => specOf(object).scaleTargetRef,
    finds: (part, { apiVersion, kind, metadata }) => {
      const target = recordOf(part);
      return (
        target.kind === kind && target.name === metadata.name && groupOf(target.apiVersion) === groupOf(apiVersion)
      );
    },
    traits: () => [],
  },
  { ...BY_ACCOUNT, kind: 'RoleBinding' },
  { ...BY_ACCOUNT, kind: 'ClusterRoleBinding', cluster: true },
];

const kindOf = ({ apiVersion, kind }: KubeObject): SelectorKind | undefined =>
  KINDS.find((known) => known.kind === kind && known.group === groupOf(apiVersion));

/**
 * Whether it is of a kind that finds pods: Service, PodDisruptionBudget, NetworkPolicy, HorizontalPodAutoscaler, or a
 * binding of their account.
 */
export const isSelector = (object: KubeObject): boolean => kindOf(object) !== undefined;

/** What of a selector decides whom it finds. All else of it may change, and it stays the same for the workload. */
export const decidingPartOf = (selector: KubeObject): unknown => {
  const { kind, metadata } = selector;
  return [kind, metadata.namespace, metadata.name, kindOf(selector)?.part(selector)];
};

/** Whether the object selects the pods of the workload, gives them rights, or scales it. False for what is not shaped as its kind says. */
export const isFoundBy = (workload: KubeObject, object: KubeObject): boolean => {
  const known = kindOf(object);
  if (!known || (!known.cluster && object.metadata.namespace !== workload.metadata.namespace)) return false;
  return known.finds(known.part(object), workload);
};

/** Named target ports of a Service that no container of the workload declares: they lead to no pod. */
export const deadPortsOf = (service: KubeObject, workload: KubeObject): string[] => {
  if (kindOf(service)?.kind !== 'Service') return [];
  const { containers, initContainers } = recordOf(recordOf(templateOf(workload)).spec);
  const declared = [...listOf(containers), ...listOf(initContainers)].flatMap((container) =>
    listOf(recordOf(container).ports).map((port) => recordOf(port).name),
  );
  return portNames(recordOf(service.spec)).filter((name) => !declared.includes(name));
};

/** The selectors among these objects, by the workload that they find: asking does not go through all of a namespace. */
export const indexSelectors = (objects: readonly KubeObject[]): ((workload: KubeObject) => KubeObject[]) => {
  const shelves = new Map<string, KubeObject[]>();
  for (const object of objects) {
    for (const shelf of shelvesOf(object)) {
      const there = shelves.get(shelf);
      if (there) there.push(object);
      else shelves.set(shelf, [object]);
    }
  }
  return (workload) => {
    const { namespace } = workload.metadata;
    const bound = subjectsFor(workload).map((subject): Trait => [SUBJECT, subject]);
    const traits: Trait[] = [...Object.entries(podLabels(workload)), ...bound];
    const mayFind = [
      ...[undefined, ...traits].map((trait) => shelfOf(namespace, trait)),
      ...bound.map((trait) => shelfOf(undefined, trait)),
    ].flatMap((shelf) => shelves.get(shelf) ?? []);
    return [...new Set(mayFind)].filter((object) => isFoundBy(workload, object));
  };
};

const shelvesOf = (object: KubeObject): string[] => {
  const known = kindOf(object);
  if (!known) return [];
  const traits = known.traits(known.part(object));
  const namespace = known.cluster ? undefined : object.metadata.namespace;
  return traits.length === 0 ? [shelfOf(namespace, undefined)] : traits.map((trait) => shelfOf(namespace, trait));
};

const shelfOf = (namespace: string | undefined, trait: Trait | undefined): string =>
  JSON.stringify([namespace, ...(trait ?? [])]);
