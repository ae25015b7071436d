import { posix } from 'node:path';
import { ReasonError } from '../api/reason-error.ts';
import type { FileTree } from '../file-tree.ts';
import type { ManifestText } from './parse.ts';

export const KUSTOMIZATION_FILES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/** Configuration of built-in plug-ins, which can name files in turn: files, folders, or written in place. */
const PLUGINS = ['generators', 'transformers', 'validators'];
/** Each entry is a file or a folder. */
const FOLDERS = ['resources', 'bases', 'components', 'configurations', ...PLUGINS];
/** Anywhere in a kustomization or a plug-in's configuration: names a file, which kustomize would also fetch. */
const NAMES = new Set([...FOLDERS, 'crds', 'path', 'file', 'files', 'env', 'envs', 'patchesstrategicmerge']);
const CHARTS = new Set(['helmcharts', 'helmchartinflationgenerator']);

const MAX_FOLDERS = 1000;
const MAX_BYTES = 256 * 1024;
/** Of all kustomizations and configurations of plug-ins of one build. */
const MAX_TOTAL_BYTES = 4 * 1024 * 1024;

/** The documents of a text. */
export type ReadDocuments = (manifest: ManifestText) => Promise<unknown[]>;

export interface KustomizationParts {
  /** What it is built from, itself first: it and its bases and components, and theirs. */
  folders: string[];
  /** Of these, what is named as a resource, or as a file of variables for a Secret. */
  files: string[];
}

/**
 * What a kustomization is built from. Throws RemoteBaseRefused where it names something on another host: nothing is fetched
 * that nobody allowed.
 */
export const partsOfKustomization = async (
  tree: Pick<FileTree, 'find' | 'read'>,
  path: string,
  documentsOf: ReadDocuments,
): Promise<KustomizationParts> => {
  const read = reader(tree, documentsOf);
  const found = new Set([posix.normalize(path).replace(/(.)\/$/, '$1')]);
  const files = new Set<string>();
  /** Those among them whose resources are configuration of plug-ins. */
  const plugins = new Set<string>();
  const add = (folder: string, configures: boolean): void => {
    // Met as a folder of objects before: its files have not been read as configuration yet.
    if (configures && !plugins.has(folder)) found.delete(folder);
    if (configures) plugins.add(folder);
    found.add(folder);
  };
  for (const folder of found) {
    if (found.size > MAX_FOLDERS) {
      throw new ReasonError('ManifestTooLarge', `${path} is built from more than ${MAX_FOLDERS} folders`);
    }
    const { sources, variables } = await sourcesOf(read, folder, documentsOf);
    for (const file of variables) files.add(posix.join(folder, file));
    for (const { entry, plugin } of sources) {
      const at = posix.join(folder, entry);
      const configures = plugin || plugins.has(folder);
      // A file is below the folder already, and of what is missing kustomize itself speaks.
      const target = await tree.find(at);
      if (target?.mode === 'folder') add(target.path, configures);
      else files.add(at);
      if (target?.mode !== 'folder' && configures) await refuseRemotesIn(read, at);
    }
  }
  return { folders: [...found], files: [...files] };
};

const refuseRemotesIn = async (read: Read, file: string): Promise<void> => {
  for (const document of await read(file)) refuseRemotes(document, file);
};

/** The documents of a file of the repository, none where there is no such file. */
type Read = (path: string) => Promise<unknown[]>;

const reader = (tree: Pick<FileTree, 'find' | 'read'>, documentsOf: ReadDocuments): Read => {
  let total = 0;
  return async (path: string): Promise<unknown[]> => {
    const file = await tree.find(path);
    if (!file || file.mode === 'folder') return [];
    const content = await tree.read(file);
    if (content.length > MAX_BYTES) {
      throw new ReasonError('ManifestTooLarge', `${path} has ${content.length} bytes; ${MAX_BYTES} are taken`);
    }
    total += content.length;
    if (total > MAX_TOTAL_BYTES) {
      const what = 'the kustomizations and configurations of plugins';
      throw new ReasonError('ManifestTooLarge', `${what}, with ${path}, have more than ${MAX_TOTAL_BYTES} bytes`);
    }
    return documentsOf({ file: path, text: Buffer.from(content).toString() });
  };
};

interface Source {
  entry: string;
  /** It configures plug-ins. */
  plugin: boolean;
}

const sourcesOf = async (
  read: Read,
  folder: string,
  documentsOf: ReadDocuments,
): Promise<{ sources: Source[]; variables: string[] }> => {
  const sources: Source[] = [];
  const variables: string[] = [];
  for (const name of KUSTOMIZATION_FILES) {
    const path = posix.join(folder, name);
    for (const kustomization of await read(path)) {
      refuseRemotes(kustomization, path);
      sources.push(...entriesOf(kustomization));
      variables.push(...variablesOf(kustomization));
      for (const { entry } of entriesOf(kustomization).filter(({ plugin }) => plugin)) {
        // kustomize, too, takes for configuration in place what reads as an object, and all else for a path.
        for (const document of await documentsOf({ file: path, text: entry })) refuseRemotes(document, path);
      }
    }
  }
  return { sources: sources.filter(({ entry }) => !entry.includes('\n')), variables };
};

/** Files of variables that its Secrets are generated from. */
const variablesOf = (kustomization: unknown): string[] =>
  membersOf(kustomization)
    .filter(([field]) => field === 'secretgenerator')
    .flatMap(([, generators]) => (Array.isArray(generators) ? generators : []))
    .flatMap(membersOf)
    .filter(([field]) => field === 'envs' || field === 'env')
    .flatMap(([, member]) => textsOf(member));

const entriesOf = (kustomization: unknown): Source[] =>
  membersOf(kustomization)
    .filter(([field]) => FOLDERS.includes(field))
    .flatMap(([field, member]) => textsOf(member).map((entry) => ({ entry, plugin: PLUGINS.includes(field) })));

const refuseRemotes = (value: unknown, file: string): void => {
  for (const [field, member] of membersOf(value)) {
    if (CHARTS.has(field)) {
      throw new ReasonError(
        'RemoteBaseRefused',
        `${file} inflates Helm charts: render them with spec.render.helm, or commit what they render`,
      );
    }
    const remote = NAMES.has(field) ? textsOf(member).find(isRemote) : undefined;
    if (remote !== undefined) {
      throw new ReasonError('RemoteBaseRefused', `${file} names ${remote}; copy it into the repository instead`);
    }
    refuseRemotes(member, file);
  }
};

/**
 * Fields under the name that kustomize gives them: Go decodes JSON without regard to case, by Unicode's simple folding
 * (`reſources` with a long s, too).
 */
const membersOf = (value: unknown): [string, unknown][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).map(([field, member]) => [field.toUpperCase().toLowerCase(), member])
    : [];

const textsOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((entry) => typeof entry === 'string');

/** A URL, an scp-like address, or a host that kustomize knows; `key=` may stand before a file. */
const isRemote = (entry: string): boolean =>
  /^\s*([\w.-]+=)?(git::)?[a-z][a-z0-9+.-]*:\/\//i.test(entry) ||
  /^\s*[^/\s]+@[^/\s]+:/.test(entry) ||
  /^\s*(gh:|(github|gitlab|bitbucket)\.[a-z]+[/:])/i.test(entry) ||
  /[?&](ref|version)=/.test(entry) ||
  /\.git(\/|$)/.test(entry);
