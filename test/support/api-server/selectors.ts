import type { KubeObject } from '../../../src/api/meta.ts';
import type { ListOptions } from '../../../src/kube/index.ts';

type Labels = Record<string, string>;

/** Requirements are separated by commas that are in no brackets. */
const partsOf = (selector: string): string[] =>
  selector.split(/,(?![^(]*\))/).flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));

const byLabel = (requirement: string, labels: Labels): boolean => {
  const set = /^(\S+)\s+(in|notin)\s+\((.*)\)$/.exec(requirement);
  if (set) {
    const [, key = '', operator, values = ''] = set;
    const isIn = labels[key] !== undefined && values.split(',').some((value) => value.trim() === labels[key]);
    return (operator === 'in') === isIn;
  }
  const [, key = '', operator, value] = /^(!?[^=!\s]+)\s*(==|=|!=)?\s*(.*)$/.exec(requirement) ?? [];
  if (operator === '!=') return labels[key] !== value;
  if (operator) return labels[key] === value;
  return key.startsWith('!') ? labels[key.slice(1)] === undefined : labels[key] !== undefined;
};

const byField = (requirement: string, object: KubeObject): boolean => {
  const [, path = '', operator, value] = /^([^=!]+)(==|=|!=)(.*)$/.exec(requirement) ?? [];
  const found = path.split('.').reduce<unknown>((at, name) => (at as Labels | undefined)?.[name], object);
  return (operator === '!=') !== (String(found ?? '') === value);
};

export const matcherOf =
  ({ namespace, labelSelector = '', fieldSelector = '' }: ListOptions) =>
  (object: KubeObject): boolean =>
    (!namespace || object.metadata.namespace === namespace) &&
    partsOf(labelSelector).every((requirement) => byLabel(requirement, object.metadata.labels ?? {})) &&
    partsOf(fieldSelector).every((requirement) => byField(requirement, object));
