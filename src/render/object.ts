import { hash } from 'node:crypto';
import { hookSaidBy } from '../api/hooks.ts';
import type { KubeObject } from '../api/meta.ts';
import { groupOf } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import { isEncrypted } from '../sops/encrypted.ts';

/** A group is a DNS name, a version a part of one. */
const API_VERSION = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** The objects of one document: Lists taken apart. Throws ReasonError with the place, and with the object once it has a name. */
export const objectsOf = (document: unknown, where: string): KubeObject[] => {
  if (isMap(document) && isEncrypted(document) && !API_VERSION.test(String(document.apiVersion)))
    throw notDecrypted(where);
  if (!isMap(document) || typeof document.kind !== 'string' || typeof document.apiVersion !== 'string') {
    throw refused(where, 'is not a Kubernetes object: it needs apiVersion and kind, which are text');
  }
  const { apiVersion, kind, items } = document;
  if (!API_VERSION.test(apiVersion)) {
    const text = JSON.stringify(apiVersion.slice(0, 100));
    throw refused(`${where} (${shown(kind)})`, `${text} is no apiVersion: GROUP/VERSION, or v1`);
  }
  if (kind.endsWith('List') && Array.isArray(items)) return itemsOf({ apiVersion, kind, items }, where);
  if (apiVersion.startsWith('kustomize.config.k8s.io/')) {
    throw refused(
      where,
      `is a ${shown(kind)} below a folder that has none: point spec.path at it, or list it in one above`,
    );
  }
  return [withTexts(document, { apiVersion, kind }, where)];
};

export const notDecrypted = (where: string): ReasonError =>
  new ReasonError(
    'NotDecrypted',
    `${where} is encrypted by sops: set spec.decryption, with the Secret that has its key`,
  );

/** The items of a list of one kind need not say which. */
const itemsOf = (
  { apiVersion, kind, items }: { apiVersion: string; kind: string; items: unknown[] },
  where: string,
): KubeObject[] => {
  const implied = kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) };
  return items.flatMap((item, i) => {
    const place = `${where}, item ${i + 1}`;
    return objectsOf(isMap(item) ? { ...implied, ...item } : item, place);
  });
};

type Json = Record<string, unknown>;

/**
 * What all of the controller relies on: names, labels and annotations are text, and so is the content of ConfigMaps and
 * Secrets. The API server answers anything else with a 500 that quotes the value; no message here does.
 */
const withTexts = (
  document: Json,
  { apiVersion, kind }: { apiVersion: string; kind: string },
  where: string,
): KubeObject => {
  const { metadata } = document;
  if (!isMap(metadata)) throw refused(`${where} (${shown(kind)})`, 'has no metadata with a name');
  const { namespace } = metadata;
  const name = metadata.name ?? nameOfHook(metadata, kind, where);
  if (typeof name !== 'string' || name === '') {
    const what = typeof name === 'string' || name === undefined ? '' : `; ${kindOfValue(name)} needs quotes`;
    throw refused(
      `${where} (${shown(kind)})`,
      `has no metadata.name that is text${what}; generateName can't be synced`,
    );
  }
  const inside = typeof namespace === 'string' && namespace !== '' ? `${shown(namespace)}/` : '';
  const at = `${where} (${shown(kind)} ${inside}${shown(name)})`;
  if (namespace !== undefined && namespace !== null && typeof namespace !== 'string') {
    throw refused(at, `metadata.namespace is ${kindOfValue(namespace)}, not text: write it in quotes`);
  }
  const checked = ofTexts(metadata, ['labels', 'annotations'], 'metadata', at);
  const content = apiVersion === 'v1' ? (CONTENT[kind] ?? []) : [];
  for (const path of TEMPLATES[`${groupOf(apiVersion)}/${kind}`] ?? []) {
    const template = path
      .split('.')
      .reduce<unknown>((value, field) => (isMap(value) ? value[field] : undefined), document);
    if (isMap(template)) ofTexts(template, ['labels', 'annotations'], path, at);
  }
  const object = ofTexts(document, content, '', at);
  return { ...object, apiVersion, kind, metadata: { ...checked, name } as KubeObject['metadata'] };
};

/** What a hook is called that leaves that to the API server: by its place, so that each render calls it the same. */
const nameOfHook = (metadata: Json, kind: string, where: string): string | undefined => {
  const { generateName, annotations } = metadata;
  if (typeof generateName !== 'string' || !isMap(annotations) || !hookSaidBy({ annotations })) return undefined;
  return `${generateName.slice(0, 54)}${hash('sha256', JSON.stringify([kind, generateName, where])).slice(0, 8)}`;
};

/** Whether it has no name but that of a hook. */
export const hasNameOfHook = ({ metadata }: KubeObject): boolean => {
  const { name, generateName } = metadata as { name: string; generateName?: unknown };
  if (typeof generateName !== 'string') return false;
  const start = generateName.slice(0, 54);
  return name.startsWith(start) && /^[0-9a-f]{8}$/.test(name.slice(start.length));
};

const CONTENT: Record<string, readonly string[]> = {
  ConfigMap: ['data', 'binaryData'],
  Secret: ['data', 'stringData'],
};

const POD = 'spec.template.metadata';
/** Where built-in kinds have the metadata of pods. */
const TEMPLATES: Record<string, readonly string[]> = {
  'apps/Deployment': [POD],
  'apps/StatefulSet': [POD],
  'apps/DaemonSet': [POD],
  'apps/ReplicaSet': [POD],
  'batch/Job': [POD],
  'batch/CronJob': [`spec.jobTemplate.${POD}`, 'spec.jobTemplate.metadata'],
  '/ReplicationController': [POD],
};

/** The map with these members being maps of text; null is what the API server makes of it, an empty text. */
const ofTexts = (map: Json, fields: readonly string[], path: string, at: string): Json => {
  const result = { ...map };
  for (const field of fields) {
    const value = map[field];
    const place = path === '' ? field : `${path}.${field}`;
    if (value === undefined || value === null) continue;
    if (!isMap(value)) throw refused(at, `${place} is ${kindOfValue(value)}, not a map of text`);
    for (const [key, member] of Object.entries(value)) {
      if (typeof member === 'string' || member === null) continue;
      const what = typeof member === 'object' ? 'text is needed' : 'write it in quotes';
      throw refused(at, `${place}: ${JSON.stringify(shown(key))} is ${kindOfValue(member)}, not text: ${what}`);
    }
    if (Object.values(value).includes(null) && !KEPT.has(field)) {
      result[field] = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, member ?? '']));
    }
  }
  return result;
};

/** The digests of releases leave null out of these, and existing ones must not change. */
const KEPT = new Set(['data', 'binaryData']);

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const kindOfValue = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'a map'
        : typeof value === 'bigint' || typeof value === 'number'
          ? 'a number'
          : typeof value === 'boolean'
            ? 'true or false'
            : 'text';

/** Of a text that somebody wrote, what a message can show. */
const shown = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text);

const refused = (where: string, what: string): ReasonError => new ReasonError('InvalidManifest', `${where} ${what}`);
