import { isDeepStrictEqual } from 'node:util';
import type { KubeError } from '../../../src/kube/index.ts';
import { isJson } from './field-sets.ts';
import { refused } from './refusals.ts';

/** RFC 7386. */
export const mergePatched = (target: unknown, patch: unknown): unknown => {
  if (!isJson(patch)) return patch;
  const result: Record<string, unknown> = isJson(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatched(result[name], value);
  }
  return result;
};

type Json = Record<string, unknown>;

interface Operation {
  op: 'test' | 'add' | 'replace' | 'remove';
  path: string;
  value?: unknown;
}

const failed = (what: string): KubeError =>
  refused(422, 'Invalid', `the server rejected our request due to an error in our request: ${what}`);

/** RFC 6902: test, add, replace, remove. */
export const jsonPatched = (document: unknown, operations: readonly unknown[]): unknown => {
  const root = { document: structuredClone(document) };
  for (const operation of operations as Operation[]) {
    const segments = operation.path.split('/').map((s) => s.replaceAll('~1', '/').replaceAll('~0', '~'));
    segments[0] = 'document';
    const last = segments.pop() ?? '';
    const parent = segments.reduce<unknown>((at, segment) => (at as Json | undefined)?.[segment], root);
    if (typeof parent !== 'object' || parent === null) throw failed(`${operation.path} is missing`);
    if (Array.isArray(parent)) changeItem(parent, last, operation);
    else changeMember(parent as Json, last, operation);
  }
  return root.document;
};

const changeItem = (list: unknown[], at: string, { op, path, value }: Operation): void => {
  const index = at === '-' ? list.length : Number(at);
  if (op === 'add') list.splice(index, 0, value);
  else if (!(index in list)) throw failed(`${path} is missing`);
  else if (op === 'test') check(list[index], value, path);
  else if (op === 'replace') list[index] = value;
  else list.splice(index, 1);
};

const changeMember = (map: Json, name: string, { op, path, value }: Operation): void => {
  if (op === 'test') check(map[name], value, path);
  else if (op === 'add' || (op === 'replace' && name in map)) map[name] = value;
  else if (!(name in map)) throw failed(`${path} is missing`);
  else delete map[name];
};

const check = (found: unknown, wanted: unknown, path: string): void => {
  if (!isDeepStrictEqual(found, wanted)) throw failed(`testing value ${path} failed`);
};
