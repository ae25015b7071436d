import type { Generator, GitSyncSet } from '../api/gitsyncset.ts';
import type { SourceSpec } from '../api/source.ts';
import type { Found } from './types.ts';

/** One thing that there shall be a GitSync for. */
export interface Entry {
  /** How messages call it. */
  what: string;
  /** Where its GitSync is made. */
  namespace: string;
  /** What stands for the placeholders, by their names. */
  values: ReadonlyMap<string, string>;
  /** What the template may leave out. */
  defaults: { source?: SourceSpec; path?: string };
}

/** What one generator finds, in its order. */
export const entriesOf = ({ metadata }: GitSyncSet, { folders, list }: Generator, found: Found): Entry[] => {
  const namespace = metadata.namespace ?? '';
  if (folders) {
    return (found.folders ?? []).map((path) => ({
      what: `folder ${path}`,
      namespace,
      values: new Map([...pathValues(path), ['namespace', namespace]]),
      defaults: { source: folders.source, path },
    }));
  }
  if (list) {
    return list.map(({ name, values }) => ({
      what: `entry ${name}`,
      namespace,
      values: new Map([
        ['name', name],
        ['namespace', namespace],
        ...Object.entries(values).map(([key, value]): [string, string] => [`values.${key}`, value]),
      ]),
      defaults: {},
    }));
  }
  return (found.namespaces ?? []).map((name) => ({
    what: `namespace ${name}`,
    namespace: name,
    values: new Map([
      ['name', name],
      ['namespace', name],
    ]),
    defaults: {},
  }));
};

const pathValues = (path: string): [string, string][] => {
  const segments = path.split('/');
  const basename = segments.at(-1) ?? path;
  return [
    ['path', path],
    ['basename', basename],
    ['name', basename],
    ...segments.map((segment, i): [string, string] => [`segment${i}`, segment]),
  ];
};
