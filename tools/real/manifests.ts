import { loadAll } from 'js-yaml';
import { groupOf, type KubeObject } from '../../src/api/meta.ts';
import { differencesBetween } from './differences.ts';

/** The objects of a text of manifests, lists taken apart; none of what can't be read, of which kubectl itself speaks. */
export const objectsIn = (text: string): KubeObject[] => text.split(/^---(?:[ \t].*)?$/m).flatMap(objectsOfDocument);

const objectsOfDocument = (text: string): KubeObject[] => {
  try {
    return loadAll(text).flatMap(flattened);
  } catch {
    return [];
  }
};

const flattened = (value: unknown): KubeObject[] => {
  if (typeof value !== 'object' || value === null) return [];
  if ('items' in value && Array.isArray(value.items)) return value.items.flatMap(flattened);
  return isObject(value) ? [value] : [];
};

const isObject = (value: object): value is KubeObject =>
  'apiVersion' in value &&
  'kind' in value &&
  'metadata' in value &&
  typeof value.metadata === 'object' &&
  value.metadata !== null &&
  'name' in value.metadata &&
  typeof value.metadata.name === 'string';

/** Without the version: the same in whatever version it is written. */
export const idOf = ({ apiVersion, kind, metadata }: KubeObject): string =>
  `${groupOf(apiVersion)}/${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

/** By object, the places that a second render of the same chart writes otherwise: passwords, certificates, times. */
export const randomIn = (first: string, second: string): ReadonlyMap<string, ReadonlySet<string>> => {
  if (first === second) return new Map();
  const others = new Map(objectsIn(second).map((object) => [idOf(object), object]));
  const places = objectsIn(first).map((object): [string, Set<string>] => {
    const other = others.get(idOf(object));
    const paths = other ? differencesBetween(object, other).map(({ path }) => path) : [''];
    // The API server stores both in the same place.
    return [idOf(object), new Set(paths.map((path) => path.replace(/^\/stringData\//, '/data/')))];
  });
  return new Map(places.filter(([, paths]) => paths.size > 0));
};
