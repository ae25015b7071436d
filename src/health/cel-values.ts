import type { KubeObject } from '../api/meta.ts';

/** What an expression may ask about. */
export const VARIABLES = ['apiVersion', 'kind', 'metadata', 'spec', 'status', 'data'] as const;

export const variablesOf = ({
  metadata: { managedFields: _, ...metadata },
  ...rest
}: KubeObject): Record<string, unknown> => {
  const object: Record<string, unknown> = { ...rest, metadata };
  return Object.fromEntries(VARIABLES.map((name) => [name, celOf(object[name] ?? {}, MAX_DEPTH)]));
};

const MAX_DEPTH = 64;
/** Searching one text in another is one step, and takes as long as the product of their lengths. */
const MAX_TEXT = 4096;

/** JSON as CEL has it: whole numbers are ints. Maps, as a key of an object could be called `constructor`. */
const celOf = (value: unknown, depth: number): unknown => {
  if (depth === 0) throw new RangeError('the object is nested too deeply');
  if (typeof value === 'string') return value.slice(0, MAX_TEXT);
  if (Number.isSafeInteger(value)) return BigInt(value as number);
  if (Array.isArray(value)) return value.map((item) => celOf(item, depth - 1));
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key.slice(0, MAX_TEXT), celOf(item, depth - 1)]));
};

/** In words, for a message. */
export const typeName = (value: unknown): string => {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return 'an int';
  if (typeof value === 'number') return 'a double';
  if (typeof value === 'string') return 'a string';
  if (Array.isArray(value)) return 'a list';
  return value instanceof Map ? 'a map' : 'an object';
};
