import type { KubeObject } from '../../api/meta.ts';

/** A field beside metadata and spec, where nobody's patch is: in an annotation it would change what patches do. */
const FIELD = 'metricops.dev/marks';

/** As kustomize is given it: with its place, under a word that no patch can know. */
export type Marked = KubeObject & { [FIELD]: { at: string } };

export const withMark = (object: KubeObject, at: number, token: string): Marked => ({
  ...object,
  [FIELD]: { at: `${token}-${at}` },
});

/** The place of an object that kustomize wrote, and the object without the mark. */
export const marksOf = (object: KubeObject, token: string): { at: number | undefined; object: KubeObject } => {
  const { [FIELD]: marks, ...rest } = object;
  const { at } = (typeof marks === 'object' && marks !== null ? marks : {}) as { at?: unknown };
  const { apiVersion, kind, metadata } = object;
  const place = typeof at === 'string' && at.startsWith(`${token}-`) ? Number(at.slice(token.length + 1)) : Number.NaN;
  return { at: Number.isInteger(place) ? place : undefined, object: { ...rest, apiVersion, kind, metadata } };
};

/** A strategic merge patch that says of each object that its target selects: the patch with this number was here. */
export const markingPatch = (number: number): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Any', metadata: { name: 'any' }, [FIELD]: { [`p${number}`]: 'here' } });

/** The numbers of the marking patches that were anywhere, in what kustomize wrote. */
export const numbersIn = (text: string): Set<number> => {
  const numbers = new Set<number>();
  for (const [marks] of text.matchAll(/^metricops\.dev\/marks:\n(?: {2}.*\n?)+/gm))
    for (const [, number] of marks.matchAll(/^ {2}p(\d+): here$/gm)) numbers.add(Number(number));
  return numbers;
};
