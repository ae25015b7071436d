import { groupOf, type KubeObject } from '../api/meta.ts';
import { isRecord, recordOf } from '../ssa/field-set.ts';
import { templateOf } from './references.ts';

type Json = Record<string, unknown>;

/** A kind whose objects find a workload's pods by label, or the workload by its name. */
interface SelectorKind {
  group: string;
  kind: string;
  /** What decides whom it finds. */
  part: (spec: Json) => unknown;
  finds: (part: unknown, workload: KubeObject) => boolean;
  /** Labels that a pod has in any case if it is found. */
  labels: (part: unknown) => unknown;
}

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

const BY_LABEL = { finds: labelSelector, labels: (part: unknown) => recordOf(part).matchLabels };

const KINDS: readonly SelectorKind[] = [
  {
    group: '',
    kind: 'Service',
    part: (spec) => ({ selector: spec.selector, ports: portNames(spec) }),
    finds: serviceSelector,
    labels: (part) => recordOf(part).selector,
  },
  { group: 'policy', kind: 'PodDisruptionBudget', part: ({ selector }) => selector, ...BY_LABEL },
  { group: 'networking.k8s.io', kind: 'NetworkPolicy', part: ({ podSelector }) => podSelector, ...BY_LABEL },
  {
    group: 'autoscaling',
    kind: 'HorizontalPodAutoscaler',
    part: ({ scaleTargetRef }) => scaleTargetRef,
    finds: (part, { apiVersion, kind, metadata }) => {
      const target = recordOf(part);
      return (
        target.kind === kind && target.name === metadata.name && groupOf(target.apiVersion) === groupOf(apiVersion)
      );
    },
    labels: () => undefined,
  },
];

const kindOf = ({ apiVersion, kind }: KubeObject): SelectorKind | undefined =>
  KINDS.find((known) => known.kind === kind && known.group === groupOf(apiVersion));

/** Whether it is of a kind that finds pods: Service, PodDisruptionBudget, NetworkPolicy or HorizontalPodAutoscaler. */
export const isSelector = (object: KubeObject): boolean => kindOf(object) !== undefined;

/** What of a selector decides whom it finds. All else of it may change, and it stays the same for the workload. */
export const decidingPartOf = (selector: KubeObject): unknown => {
  const { kind, metadata } = selector;
  return [kind, metadata.namespace, metadata.name, kindOf(selector)?.part(recordOf(selector.spec))];
};

/** Whether the object selects the pods of the workload, or scales it. False for what is not shaped as its kind says. */
export const isFoundBy = (workload: KubeObject, object: KubeObject): boolean => {
  const known = kindOf(object);
  if (!known || object.metadata.namespace !== workload.metadata.namespace) return false;
  return known.finds(known.part(recordOf(object.spec)), workload);
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
  const shelves = Map.groupBy(objects.filter(isSelector), (object) => shelfOf(object, firstLabelOf(object)));
  return (workload) =>
    [undefined, ...Object.entries(podLabels(workload))]
      .flatMap((label) => shelves.get(shelfOf(workload, label)) ?? [])
      .filter((object) => isFoundBy(workload, object));
};

const firstLabelOf = (selector: KubeObject): Label | undefined => {
  const known = kindOf(selector);
  return Object.entries(recordOf(known?.labels(known.part(recordOf(selector.spec)))))[0];
};

type Label = [name: string, value: unknown];

const shelfOf = ({ metadata }: KubeObject, label: Label | undefined): string =>
  JSON.stringify([metadata.namespace, ...(label ?? [])]);
