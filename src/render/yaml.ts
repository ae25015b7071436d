import { type LoadOptions, loadAll, YAMLException } from 'js-yaml';
import type { KubeObject } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import { objectsOf } from './object.ts';
import { KUBECTL_SCHEMA } from './schema.ts';

/** Objects nest; ConfigMaps are long; neither comes near these. */
const LIMITS = { aliases: 1000, depth: 100, nodes: 500_000, objects: 10_000 };

const OPTIONS: LoadOptions = { schema: KUBECTL_SCHEMA, json: true, maxAliases: LIMITS.aliases, maxDepth: LIMITS.depth };

/** What the texts of one sync may expand to, together. */
export interface Allowance {
  nodes: number;
  objects: number;
}

export const fullAllowance = (): Allowance => ({ nodes: LIMITS.nodes, objects: LIMITS.objects });

/** An object, and where it stands: `shop.yaml, document 2`. */
export interface PlacedObject {
  object: KubeObject;
  place: string;
}

/**
 * The Kubernetes objects of a YAML or JSON text, Lists taken apart, empty documents left out.
 * Agrees with kubectl where YAML 1.1 and 1.2 differ. Throws ReasonError with file, document and object.
 */
export const parseManifests = (text: string, file: string, allowance = fullAllowance()): KubeObject[] =>
  parsePlaced(text, file, allowance).map(({ object }) => object);

/** The same with the place of each object. */
export const parsePlaced = (text: string, file: string, allowance = fullAllowance()): PlacedObject[] => {
  const objects: PlacedObject[] = [];
  let number = 0;
  for (const document of documentsOf(text, file)) {
    number += 1;
    const where = `${file}, document ${number}`;
    if (document === null || document === undefined) continue;
    count(document, allowance, where);
    const found = objectsOf(document, where);
    for (const object of found) refuseTooLong(object, where);
    allowance.objects -= found.length;
    if (allowance.objects < 0) {
      throw new ReasonError('ManifestTooLarge', `${where}: one sync takes ${LIMITS.objects} objects`);
    }
    objects.push(...found.map((object) => ({ object, place: where })));
  }
  return objects;
};

/** What the API server takes in one request; etcd takes half of it. What can't ever be applied is not carried any further. */
const OBJECT_BYTES = 3 * 1024 * 1024;

const refuseTooLong = (object: KubeObject, where: string): void => {
  const { kind, metadata } = object;
  const length = textIn(object);
  if (length <= OBJECT_BYTES) return;
  throw new ReasonError(
    'ManifestTooLarge',
    `${where} (${kind} ${metadata.name}) has ${(length / 1e6).toFixed(1)} MB; the API server takes ${OBJECT_BYTES} bytes`,
  );
};

/** Characters of all keys and texts of a value. */
const textIn = (value: unknown): number => {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  let length = 0;
  for (const [key, member] of Object.entries(value)) length += key.length + textIn(member);
  return length;
};

/** Documents are read one after another: what the reader needs for one is garbage when it reads the next. */
function* documentsOf(text: string, file: string): Iterable<unknown> {
  // A directive belongs to the document after it.
  if (/^%/m.test(text)) return yield* readAs(file, 0, () => loadAll(text, OPTIONS));
  let line = 0;
  for (const part of text.split(/^(?=---(?:\s|$))/m)) {
    yield* readAs(file, line, () => loadAll(part, OPTIONS));
    line += part.split('\n').length - 1;
  }
}

/** The documents of a text, of any shape, with the same limits; empty ones are left out. */
export const parseDocuments = (text: string, file: string): unknown[] => {
  const documents = readAs(file, 0, () => loadAll(text, OPTIONS));
  count(documents, { nodes: LIMITS.nodes }, file);
  return documents.filter((document) => document !== null && document !== undefined);
};

const PLAINER: Readonly<Record<string, string>> = {
  'object-based map does not support complex keys': 'a key is a map or a list, as where a template has {{ }}',
};

/** @param before lines of the file before the text that is read */
const readAs = <T>(file: string, before: number, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    const { reason, mark } = error instanceof YAMLException ? error : { reason: String(error), mark: undefined };
    const place = mark ? ` (${mark.line + 1 + before}:${mark.column + 1})` : '';
    // What the reason quotes of the file may be a password: `password: *hunter2` is an alias that nothing defines.
    const words = reason.split('\n')[0]?.replaceAll(/["<].*[">]|(?<=such characters: ).*/g, '…') ?? '';
    throw new ReasonError('InvalidYAML', `${file} is not YAML: ${PLAINER[words] ?? words}${place}`);
  }
};

/** A few aliases of aliases make billions of nodes; they are shared in memory and explode when they are written. */
const count = (value: unknown, allowance: { nodes: number }, where: string): void => {
  allowance.nodes -= nodesOf(value, allowance.nodes);
  if (allowance.nodes < 0) {
    throw new ReasonError(
      'ManifestTooLarge',
      `${where}: one sync takes ${LIMITS.nodes} values (aliases count as what they name)`,
    );
  }
};

/** Values in a value, itself among them; counting ends above `most`. */
export const nodesOf = (value: unknown, most = Number.POSITIVE_INFINITY): number => {
  let nodes = 1;
  if (typeof value !== 'object' || value === null) return nodes;
  for (const member of Object.values(value)) {
    nodes += nodesOf(member, most - nodes);
    if (nodes > most) break;
  }
  return nodes;
};
