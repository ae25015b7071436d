import type { GitSyncSet } from '../api/gitsyncset.ts';
import type { GeneratorInputs } from './types.ts';

/** One thing that there shall be a GitSync for. */
export interface Entry {
  /** How messages call it. */
  what: string;
  /** Where its GitSync is made. */
  namespace: string;
  /** What stands for the placeholders, by their names. */
  values: ReadonlyMap<string, string>;
  /** Fields of the spec that the template may leave out. */
  defaults: Record<string, unknown>;
}

export const entriesOf = ({ metadata, spec }: GitSyncSet, inputs: GeneratorInputs): Entry[] => {
  const { folders, list, namespaces } = spec.generator;
  const namespace = metadata.namespace ?? '';
  if (folders) {
    const { url, ref, secretRef } = folders;
    // Credentials go to no other repository than the one that they were given for.
    const repository =
      spec.template.spec.url === undefined ? { url, ref, ...(secretRef === undefined ? {} : { secretRef }) } : {};
    return (inputs.folders ?? []).map((path) => ({
      what: `folder ${path}`,
      namespace,
      values: new Map([...pathValues(path), ['namespace', namespace]]),
      defaults: { ...repository, path },
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
  return (namespaces ? (inputs.namespaces ?? []) : []).map((name) => ({
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
