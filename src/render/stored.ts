import type { KubeObject } from '../api/meta.ts';

/**
 * A Secret with its stringData as data, as the API server stores it, so that who changes it by hand changes a field that
 * was applied. Any other object as it is.
 */
export const asStored = (object: KubeObject): KubeObject => {
  const { stringData, ...rest } = object;
  const isSecret = object.apiVersion === 'v1' && object.kind === 'Secret';
  if (!isSecret || typeof stringData !== 'object' || stringData === null) return object;
  const entries = Object.entries(stringData as Record<string, string>);
  const inBase64 = entries.map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  return { ...rest, data: { ...(object.data as object | undefined), ...Object.fromEntries(inBase64) } };
};
