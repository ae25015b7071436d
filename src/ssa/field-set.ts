import { isDeepStrictEqual } from 'node:util';
import { readJson } from '../json.ts';

/**
 * Fields of an object, in the form of the API server (fieldsV1). The steps: `f:` and the name of a field, `k:` and the
 * merge keys of a list's item, `v:` and the value of a set's item, `i:` and an index. `.` is the parent itself, which
 * is written `{}` where nothing below it is meant.
 */
export interface FieldSet {
  [step: string]: FieldSet;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

export const recordOf = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});

/** The steps to what is below, without the parent itself. */
export const stepsOf = (fields: FieldSet): string[] =>
  isRecord(fields) ? Object.keys(fields).filter((step) => step !== '.') : [];

export const unionOfTwo = (a: FieldSet, b: FieldSet): FieldSet => {
  const steps = new Set([a, b].filter(isRecord).flatMap((set) => Object.keys(set)));
  return Object.fromEntries([...steps].map((step) => [step, unionBelow(a?.[step], b?.[step])]));
};

/** `{}` is the field itself, and stays a part of the union as `.` when the other set has fields below it. */
export const unionBelow = (a: FieldSet | undefined, b: FieldSet | undefined): FieldSet => {
  if (!a || !b) return a ?? b ?? {};
  const both = unionOfTwo(a, b);
  return isEmpty(a) === isEmpty(b) ? both : { '.': {}, ...both };
};

export const union = (sets: readonly FieldSet[]): FieldSet => sets.reduce(unionOfTwo, {});

/** The JSON of a `k:` or `v:` step; undefined where it is none, which leads to nothing. */
export const valueOfStep = (step: string): unknown => {
  try {
    return readJson(step.slice(2));
  } catch {
    return undefined;
  }
};

/** The merge keys of a `k:` step: `{ name: 'c' }`. None for other steps. */
export const mergeKeysOf = (step: string): Record<string, unknown> =>
  step.startsWith('k:') ? recordOf(valueOfStep(step)) : {};

/** The one merge key of Kubernetes' own lists that manifests may leave out. */
export const KEY_DEFAULTS: Readonly<Record<string, unknown>> = { protocol: 'TCP' };

export const isItem = (step: string, item: unknown, index: number): boolean => {
  switch (step.slice(0, 2)) {
    case 'k:':
      return (
        isRecord(item) &&
        !isEmpty(mergeKeysOf(step)) &&
        Object.entries(mergeKeysOf(step)).every(([key, value]) =>
          isDeepStrictEqual(item[key] ?? KEY_DEFAULTS[key], value),
        )
      );
    case 'v:':
      return isDeepStrictEqual(item, valueOfStep(step));
    case 'i:':
      return index === Number(step.slice(2));
    default:
      return false;
  }
};

/** What a step leads to; undefined when it is not there. */
export const childOf = (value: unknown, step: string): unknown => {
  if (Array.isArray(value)) return value.find((item, index) => isItem(step, item, index));
  const name = step.slice(2);
  return step.startsWith('f:') && isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
};

/** A copy of the value with something else where a step leads; without it when that is undefined. */
export const withChild = (value: unknown, step: string, child: unknown): unknown => {
  if (Array.isArray(value)) {
    const items = value.map((item, index) => (isItem(step, item, index) ? child : item));
    return items.filter((item) => item !== undefined);
  }
  if (!isRecord(value)) return value;
  const name = step.slice(2);
  if (child !== undefined) return { ...value, [name]: child };
  const { [name]: _, ...rest } = value;
  return rest;
};

export const segmentsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));

/** Whether a segment of a pointer names this index; `*` names all of them. */
export const namesIndex = (segment: string, index: number): boolean => segment === '*' || segment === String(index);

/** The steps that a segment of a pointer stands for. Which step an item of a list has, only a known set of fields can tell. */
export const stepsNamed = (segment: string, value: unknown, known: FieldSet): string[] => {
  if (!Array.isArray(value)) return childOf(value, `f:${segment}`) === undefined ? [] : [`f:${segment}`];
  return stepsOf(known).filter((step) =>
    value.some((item, index) => namesIndex(segment, index) && isItem(step, item, index)),
  );
};

export const pick = (steps: readonly string[], below: (step: string) => FieldSet | undefined): FieldSet => {
  const fields: FieldSet = {};
  for (const step of steps) {
    const set = below(step);
    if (set) fields[step] = set;
  }
  return fields;
};

export const nonEmpty = <T extends object>(value: T): T | undefined => (isEmpty(value) ? undefined : value);

/** The part of the fields that is in the other set, with everything below what is whole there. */
export const intersection = (fields: FieldSet, other: FieldSet): FieldSet =>
  pick(stepsOf(fields), (step) => {
    const [below = {}, otherBelow] = [fields[step], other[step]];
    if (!otherBelow) return undefined;
    if (isWhole(otherBelow)) return below;
    return nonEmpty(intersection(below, otherBelow));
  });

/** The part of the fields of which nothing is in the other set. */
export const notIn = (fields: FieldSet, others: FieldSet): FieldSet =>
  pick(stepsOf(fields), (step) => {
    const [below = {}, othersBelow] = [fields[step], others[step]];
    if (!othersBelow) return below;
    return nonEmpty(notIn(below, othersBelow));
  });

/** A parent of which nothing is left goes too: an apply that leaves out a map it owns removes all of it, whoever filled it. */
export const difference = (fields: FieldSet, other: FieldSet): FieldSet =>
  pick(Object.keys(fields), (step) => {
    const [below = {}, otherBelow] = [fields[step], other[step]];
    if (!otherBelow || step === '.') return below;
    if (isWhole(otherBelow)) return undefined;
    const left = difference(below, otherBelow);
    return isEmpty(below) || stepsOf(left).length > 0 ? left : undefined;
  });
/** The field itself is meant, with everything below it. */
export const isWhole = (fields: FieldSet): boolean => isEmpty(fields) || '.' in fields;
