import { open } from 'node:fs/promises';
import type { KubeObject } from '../../api/meta.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { integer } from '../../json.ts';
import { createLoopYielder } from '../../loop-yielder.ts';

/** Writes objects as kustomize reads them. Rejects with ReasonError where they are too large. */
export const writeObjects = async (
  path: string,
  objects: readonly KubeObject[],
  { token, maxBytes = Number.POSITIVE_INFINITY }: { token: string; maxBytes?: number },
): Promise<void> => {
  const breathe = createLoopYielder();
  let bytes = 0;
  const file = await open(path, 'w', 0o600);
  try {
    for (const object of objects) {
      await breathe();
      const { bytesWritten } = await file.write(`---\n${asYaml(jsonOf(object, token))}\n`);
      bytes += bytesWritten;
      if (bytes <= maxBytes) continue;
      const what = `spec.patches and spec.images are about Secrets of more than ${maxBytes} bytes`;
      throw new ReasonError('ManifestTooLarge', `${what}; name a kind in the target of each patch`);
    }
  } finally {
    await file.close();
  }
};

/**
 * Where kustomize applies a JSON patch it reads numbers into floats, and writes some characters so that it reads others.
 * What would change goes there as text that stays: `TOKEN:i9007199254740993`, `TOKEN:t` and base64.
 */
const jsonOf = (object: KubeObject, token: string): string => {
  const carried = (_key: string, value: unknown): unknown => {
    if (typeof value === 'bigint') return `${token}:i${value}`;
    const isFragile = typeof value === 'string' && value.search(FRAGILE) >= 0;
    return isFragile ? `${token}:t${Buffer.from(value).toString('base64')}` : value;
  };
  try {
    const json = JSON.stringify(object);
    if (json.search(FRAGILE) < 0) return json;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // there is a bigint
  }
  return JSON.stringify(object, carried);
};

/** Characters that YAML takes for the end of a line, or for none. */
const FRAGILE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** JSON is YAML but for these. */
export const asYaml = (json: string): string =>
  json.replaceAll(FRAGILE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Whether there are values that went to kustomize as other text. */
export const hasCarried = (text: string, token: string): boolean => text.includes(`${token}:`);

/** The object with the values that went to kustomize as other text. */
export const withCarried = (object: KubeObject, token: string): KubeObject => {
  const restored = (value: unknown): unknown => {
    if (typeof value === 'string') return value.startsWith(`${token}:`) ? read(value.slice(token.length + 1)) : value;
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(restored);
    return Object.fromEntries(Object.entries(value).map(([field, member]) => [field, restored(member)]));
  };
  return restored(object) as KubeObject;
};

const read = (carried: string): unknown =>
  carried.startsWith('i') ? integer(carried.slice(1)) : Buffer.from(carried.slice(1), 'base64').toString();
