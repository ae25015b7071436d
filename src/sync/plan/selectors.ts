import type { KubeObject } from '../../api/meta.ts';
import { templateOf } from '../../snapshot/index.ts';
import { isRecord } from '../../ssa/field-set.ts';
import type { PlannedObject } from './types.ts';

type Labels = Record<string, string>;

const podLabels = (workload: KubeObject): Labels =>
  (templateOf(workload) as { metadata?: { labels?: Labels } } | undefined)?.metadata?.labels ?? {};

/** Objects that select pods by label and would no longer find the held ones. */
export const selectorsThatNoLongerMatch = (
  rejected: KubeObject,
  target: KubeObject,
  desired: ReadonlyMap<string, PlannedObject>,
): PlannedObject[] =>
  [...desired.values()].filter(({ object }) => {
    if (object.metadata.namespace !== rejected.metadata.namespace) return false;
    const selector = selectorOf(object);
    return selector !== undefined && selects(selector, podLabels(rejected)) && !selects(selector, podLabels(target));
  });

/** By labels; undefined where it has none, or they are no text: null and numbers are what a commit may have there. */
const selectorOf = (object: KubeObject): Labels | undefined => {
  const { selector, podSelector } = isRecord(object.spec) ? object.spec : {};
  if (object.kind === 'Service') return isRecord(selector) ? (selector as Labels) : undefined;
  const by = { PodDisruptionBudget: selector, NetworkPolicy: podSelector }[object.kind];
  const { matchLabels } = isRecord(by) ? by : {};
  return isRecord(matchLabels) ? (matchLabels as Labels) : undefined;
};

const selects = (selector: Labels, labels: Labels): boolean =>
  Object.keys(selector).length > 0 && Object.entries(selector).every(([name, value]) => labels[name] === value);
