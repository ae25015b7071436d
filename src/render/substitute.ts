import { switchOf } from '../api/annotation-values.ts';
import { annotations } from '../api/annotations.ts';
import { describeKey, type KubeObject, keyOf } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import { createLoopYielder } from '../loop-yielder.ts';
import { expand, type Variable } from './expand.ts';
import { marked } from './marked.ts';
import { reread } from './reread.ts';

export type Variables = ReadonlyMap<string, Variable>;

/** As they were read. */
export interface ReadVariables {
  values: Variables;
  /** Of names and values, by HMAC: two with the same one substitute the same. */
  digest: string;
}

/** What expressions in the objects of one sync read and make of values: a variable may be named many times. */
const MAX_CHARACTERS = 16 * 1024 * 1024;

/** A list takes more memory than its text. */
const LIST_COSTS = 8;

const FLUX_SWITCH = 'kustomize.toolkit.fluxcd.io/substitute';

/**
 * The objects with the variables in their texts and in the names of their fields. Rejects with ReasonError
 * SubstitutionFailed, which names the object and the variable, and never a value.
 */
export const substitute = async (objects: readonly KubeObject[], variables: Variables): Promise<KubeObject[]> => {
  const breathe = createLoopYielder();
  let left = MAX_CHARACTERS;
  const spend = (characters: number): void => {
    left -= characters;
    if (left >= 0) return;
    const most = `the expressions of one sync may read and make ${MAX_CHARACTERS} characters`;
    throw new ReasonError('ManifestTooLarge', `${most}; name the large ones less often`);
  };
  const result: KubeObject[] = [];
  for (const object of objects) {
    await breathe();
    result.push(isSwitchedOff(object) ? object : substituteIn(object, variables, spend));
  }
  return result;
};

const isSwitchedOff = ({ metadata }: KubeObject): boolean =>
  switchOf(metadata, annotations.substitute) === false ||
  switchOf(metadata, FLUX_SWITCH) === false ||
  switchOf({ annotations: metadata.labels ?? {} }, FLUX_SWITCH) === false;

const substituteIn = (object: KubeObject, variables: Variables, spend: (characters: number) => void): KubeObject => {
  let isSecret = false;
  const fail = (what: string, name?: string): never => {
    // The text may be a password with a `${` in it.
    const which = name === undefined || object.kind === 'Secret' ? '' : `, \${${name}}`;
    const rather = 'write $${ for a text that stays as it is, or annotate the object with';
    throw new ReasonError(
      'SubstitutionFailed',
      `${describeKey(keyOf(object))}${which}: ${what}; ${rather} ${annotations.substitute}: disabled`,
    );
  };
  const expanded = (text: string) => {
    const found = expand(text, { variables, spend, fail });
    if (found.isSecret) isSecret = true;
    return found;
  };

  /** What is in names is in paths, messages and labels. */
  const shown = (text: string): string => {
    const found = expanded(text);
    if (found.isSecret) fail('the value of a Secret can be no part of a name');
    return found.text;
  };

  const ofText = (text: string, place: Place): unknown => {
    if (!text.includes('${')) return text;
    const { text: made, isWhole } = expanded(text);
    const value = isWhole ? reread(made, place === 'text') : made;
    if (typeof value === 'object') spend(made.length * LIST_COSTS);
    return value;
  };

  /** The same value where nothing in it changes. */
  const of = (value: unknown, place: Place): unknown => {
    if (typeof value === 'string') return ofText(value, place);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      const items = value.map((item) => of(item, place) ?? null);
      return items.some((item, i) => item !== value[i]) ? items : value;
    }
    return ofMap(value as Record<string, unknown>, place);
  };

  const ofMap = (map: Record<string, unknown>, place: Place): Record<string, unknown> => {
    let changed = false;
    const made = new Map<string, unknown>();
    for (const [field, member] of Object.entries(map)) {
      const name = field.includes('${') ? shown(field) : field;
      const value = of(member, placeOf(field, place, map));
      if (made.has(name)) fail('two fields have the same name once the variables are in');
      if (value !== undefined) made.set(name, value);
      if (name !== field || value !== member) changed = true;
    }
    return changed ? Object.fromEntries(made) : map;
  };

  const { apiVersion, kind, metadata } = object;
  for (const text of [apiVersion, kind, metadata.name, metadata.namespace ?? '']) shown(text);
  const made = ofMap(object, isConfig(object) ? 'config' : 'object') as KubeObject;
  return isSecret ? marked(made, 'SubstitutionFailed') : made;
};

/** Where a text stands: what is text to Kubernetes whatever it looks like, and what may become a number. */
type Place = 'config' | 'object' | 'text';

const isConfig = ({ apiVersion, kind }: KubeObject): boolean =>
  apiVersion === 'v1' && (kind === 'ConfigMap' || kind === 'Secret');

const placeOf = (field: string, place: Place, parent: Record<string, unknown>): Place => {
  if (place !== 'object' || TEXTS.has(field)) return 'text';
  return field === 'value' && typeof parent.name === 'string' ? 'text' : 'object';
};

/** Names, and maps and lists of text. A `value` beside a `name` is an environment variable. */
const TEXTS: ReadonlySet<string> = new Set([
  'name',
  'namespace',
  'labels',
  'annotations',
  'matchLabels',
  'nodeSelector',
  'args',
  'command',
]);
