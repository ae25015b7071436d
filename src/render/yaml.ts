import { load, loadAll, YAMLException } from 'js-yaml';
import type { KubeObject } from '../api/meta.ts';
import { RenderError } from './errors.ts';
import { KUBECTL_SCHEMA } from './schema.ts';

/** Objects nest; ConfigMaps are long; neither comes near these. */
const LIMITS = { aliases: 1000, depth: 100, nodes: 500_000 };

const OPTIONS = { schema: KUBECTL_SCHEMA, json: true, maxAliases: LIMITS.aliases, maxDepth: LIMITS.depth };

/**
 * The Kubernetes objects of a YAML or JSON text, Lists taken apart, empty documents left out.
 * Agrees with kubectl where YAML 1.1 and 1.2 differ. Throws RenderError with file and document.
 */
export const parseManifests = (text: string, file: string): KubeObject[] => {
  const budget = { nodes: LIMITS.nodes };
  return readAs(file, () => loadAll(text, { ...OPTIONS, filename: file })).flatMap((document, i) => {
    const where = `${file}, document ${i + 1}`;
    if (document === null || document === undefined) return [];
    count(document, budget, where);
    return objectsOf(document, where);
  });
};

/** One document of any shape, with the same limits; undefined when the text is empty. */
export const parseDocument = (text: string, file: string): unknown => {
  if (text.replaceAll(/^\s*(#.*|---)?$/gm, '') === '') return undefined;
  const document = readAs(file, () => load(text, { ...OPTIONS, filename: file }));
  count(document, { nodes: LIMITS.nodes }, file);
  return document;
};

const readAs = <T>(file: string, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    // The first line says what and where; the others quote the file, which may hold a Secret.
    const message = error instanceof YAMLException ? error.message : String(error);
    throw new RenderError('InvalidYAML', `${file} is not YAML: ${message.split('\n')[0]}`);
  }
};

/** A few aliases of aliases make billions of nodes; they are shared in memory and explode when they are written. */
const count = (value: unknown, budget: { nodes: number }, where: string): void => {
  budget.nodes -= 1;
  if (budget.nodes < 0)
    throw new RenderError('ManifestTooLarge', `${where} expands to more than ${LIMITS.nodes} values (aliases?)`);
  if (typeof value !== 'object' || value === null) return;
  for (const member of Object.values(value)) count(member, budget, where);
};

/** A group is a DNS name, a version a part of one. */
const API_VERSION = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

const objectsOf = (document: unknown, where: string): KubeObject[] => {
  const object = document as Partial<KubeObject> & { items?: unknown };
  if (
    typeof document !== 'object' ||
    Array.isArray(document) ||
    typeof object.kind !== 'string' ||
    typeof object.apiVersion !== 'string'
  ) {
    throw new RenderError('InvalidManifest', `${where} is not a Kubernetes object: it needs apiVersion and kind`);
  }
  if (!API_VERSION.test(object.apiVersion)) {
    const text = JSON.stringify(object.apiVersion.slice(0, 100));
    throw new RenderError(
      'InvalidManifest',
      `${where} (${object.kind}): ${text} is no apiVersion: GROUP/VERSION, or v1`,
    );
  }
  if (object.kind.endsWith('List') && Array.isArray(object.items)) return itemsOf(object as ListObject, where);
  if (object.apiVersion.startsWith('kustomize.config.k8s.io/')) {
    throw new RenderError(
      'InvalidManifest',
      `${where} is a ${object.kind} below a folder that has none: point spec.path at it, or list it in one above`,
    );
  }
  const { name, namespace } = object.metadata ?? {};
  if (typeof name !== 'string' || name === '') {
    throw new RenderError(
      'InvalidManifest',
      `${where} (${object.kind}) has no metadata.name that is text; generateName can't be synced`,
    );
  }
  if (namespace !== undefined && namespace !== null && typeof namespace !== 'string') {
    throw new RenderError('InvalidManifest', `${where} (${object.kind} ${name}): metadata.namespace is not text`);
  }
  return [document as KubeObject];
};

interface ListObject {
  apiVersion: string;
  kind: string;
  items: unknown[];
}

/** The items of a list of one kind need not say which. */
const itemsOf = ({ apiVersion, kind, items }: ListObject, where: string): KubeObject[] => {
  const implied = kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) };
  return items.flatMap((item, i) => objectsOf({ ...implied, ...(item as object) }, `${where}, item ${i + 1}`));
};
