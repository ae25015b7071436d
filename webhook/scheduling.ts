import type { ObjectMeta } from '../src/api/meta.ts';
import type { AdmittedPod, NodeSelectorTerm, Requirement, Toleration } from './pod.ts';

export interface Taint {
  key: string;
  value?: string;
  effect?: string;
}

export interface Node {
  metadata: Pick<ObjectMeta, 'name' | 'labels'>;
  spec?: { taints?: Taint[] };
  status?: { nodeInfo?: { kubeletVersion?: string; operatingSystem?: string } };
}

/**
 * Whether the scheduler may put the pod on this node, by name, labels and taints; resources, ports and volumes change
 * too fast to be asked.
 */
export const canRunOn = ({ spec }: AdmittedPod, node: Node): boolean => {
  const { name, labels = {} } = node.metadata;
  if (typeof spec?.nodeName === 'string' && spec.nodeName !== '') return spec.nodeName === name;
  const selected = Object.entries(spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  const terms = requiredTerms({ spec: spec ?? {} });
  const lies = (all: Record<string, string>, list: Requirement[] = []): boolean => list.every((r) => matches(r, all));
  const isTerm = ({ matchExpressions, matchFields }: NodeSelectorTerm): boolean =>
    lies(labels, matchExpressions) && lies({ 'metadata.name': name }, matchFields);
  return (
    selected &&
    (terms === undefined || terms.some(isTerm)) &&
    (node.spec?.taints ?? []).every(
      (taint) => taint.effect === 'PreferNoSchedule' || tolerates(spec?.tolerations, taint),
    )
  );
};

/** requiredDuringSchedulingIgnoredDuringExecution: one of the terms must hold. */
export const requiredTerms = ({ spec }: AdmittedPod): NodeSelectorTerm[] | undefined =>
  spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;

/** https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration */
export const tolerates = (tolerations: Toleration[] | undefined, taint: Taint): boolean =>
  (tolerations ?? []).some(
    ({ key = '', operator = 'Equal', value = '', effect = '' }) =>
      (effect === '' || taint.effect === undefined || effect === taint.effect) &&
      (key === ''
        ? operator === 'Exists'
        : key === taint.key && (operator === 'Exists' || value === (taint.value ?? ''))),
  );

const matches = ({ key, operator, values = [] }: Requirement, labels: Record<string, string>): boolean => {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return Number(value) > Number(values[0]);
    case 'Lt':
      return Number(value) < Number(values[0]);
    default:
      return true; // an operator of tomorrow: the pod may go there
  }
};
