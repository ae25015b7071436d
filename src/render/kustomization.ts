import { posix } from 'node:path';
import type { GitTree } from '../git/index.ts';
import { RenderError } from './errors.ts';
import { parseDocument } from './yaml.ts';

export const KUSTOMIZATION_FILES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/** Each entry is a file or a folder. */
const FOLDERS = ['resources', 'bases', 'components', 'generators', 'transformers', 'validators', 'configurations'];
/** Anywhere in a kustomization or a plug-in's configuration: names a file, which kustomize would also fetch. */
const NAMES = new Set([...FOLDERS, 'crds', 'path', 'file', 'files', 'env', 'envs', 'patchesStrategicMerge']);

const MAX_FOLDERS = 1000;
/** These are read in the main thread: small enough that nobody notices. */
const MAX_BYTES = 256 * 1024;

/**
 * The folders that a kustomization is built from, itself first: it and its bases and components, and theirs.
 * Throws RemoteBaseRefused where one of them names something on another host: nothing is fetched that nobody allowed.
 */
export const kustomizationFolders = async (tree: Pick<GitTree, 'find' | 'read'>, path: string): Promise<string[]> => {
  const found = new Set([posix.normalize(path).replace(/(.)\/$/, '$1')]);
  for (const folder of found) {
    if (found.size > MAX_FOLDERS) {
      throw new RenderError('ManifestTooLarge', `${path} is built from more than ${MAX_FOLDERS} folders`);
    }
    for (const entry of await sourcesOf(tree, folder)) {
      // A file is below the folder already, and of what is missing kustomize itself speaks.
      const target = await tree.find(posix.join(folder, entry));
      if (target?.mode === 'folder') found.add(target.path);
    }
  }
  return [...found];
};

const sourcesOf = async (tree: Pick<GitTree, 'find' | 'read'>, folder: string): Promise<string[]> => {
  const read = async (path: string): Promise<unknown> => {
    const file = await tree.find(path);
    if (!file || file.mode === 'folder') return undefined;
    const content = await tree.read(file);
    if (content.length > MAX_BYTES) {
      throw new RenderError('ManifestTooLarge', `${path} has ${content.length} bytes; ${MAX_BYTES} are taken`);
    }
    return parseDocument(Buffer.from(content).toString(), path);
  };
  const sources: string[] = [];
  for (const name of KUSTOMIZATION_FILES) {
    const path = posix.join(folder, name);
    const kustomization = ((await read(path)) ?? {}) as Record<string, unknown>;
    refuseRemotes(kustomization, path);
    sources.push(...FOLDERS.flatMap((field) => textsOf(kustomization[field])));
    // Configuration of built-in plug-ins, which can name files in turn.
    for (const entry of ['generators', 'transformers', 'validators'].flatMap((f) => textsOf(kustomization[f]))) {
      if (entry.includes('\n')) refuseRemotes(parseDocument(entry, path), path);
      else refuseRemotes(await read(posix.join(folder, entry)), posix.join(folder, entry));
    }
  }
  return sources.filter((entry) => !entry.includes('\n'));
};

const refuseRemotes = (value: unknown, file: string): void => {
  if (typeof value !== 'object' || value === null) return;
  for (const [field, member] of Object.entries(value)) {
    if (field === 'helmCharts' || field === 'helmChartInflationGenerator') {
      throw new RenderError('RemoteBaseRefused', `${file} inflates Helm charts; commit what they render instead`);
    }
    const remote = NAMES.has(field) ? textsOf(member).find(isRemote) : undefined;
    if (remote !== undefined) {
      throw new RenderError('RemoteBaseRefused', `${file} names ${remote}; copy it into the repository instead`);
    }
    refuseRemotes(member, file);
  }
};

const textsOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((entry) => typeof entry === 'string');

/** A URL, an scp-like address, or a host that kustomize knows; `key=` may stand before a file. */
const isRemote = (entry: string): boolean =>
  /^([\w.-]+=)?(git::)?[a-z][a-z0-9+.-]*:\/\//i.test(entry) ||
  /^[^/\s]+@[^/\s]+:/.test(entry) ||
  /^(gh:|(github|gitlab|bitbucket)\.[a-z]+[/:])/i.test(entry) ||
  /[?&](ref|version)=/.test(entry) ||
  /\.git(\/|$)/.test(entry);
