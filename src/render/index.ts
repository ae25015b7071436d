import type { KubeObject } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { GitTree } from '../git/index.ts';
import { createFairSemaphore, type FairSemaphore } from '../kube/index.ts';
import { KUSTOMIZATION_FILES } from './kustomization.ts';
import { type KustomizePorts, kustomizeBuild } from './kustomize.ts';
import { type ManifestText, parseAll } from './parse.ts';
import { areLarge, type ManifestParser } from './parser.ts';
import { parseDocuments } from './yaml.ts';

export { removeCopies } from './kustomize.ts';
export { createParser, type ManifestParser } from './parser.ts';
export { parseManifests } from './yaml.ts';

const MANIFEST = /\.(ya?ml|json)$/;
/** Of all manifests of one sync. */
export const MAX_BYTES = 16 * 1024 * 1024;

export interface RenderInput {
  tree: GitTree;
  /** Folder in the repository. */
  path: string;
  mode: 'Auto' | 'Plain' | 'Kustomize';
  /** Whose it is, the namespace of the GitSync: tenants take turns. */
  tenant?: string;
}

export interface RenderPorts {
  /** Path of the kustomize binary. */
  kustomize: string;
  timeoutMs: number;
  /** In this thread where none is given. */
  parser?: Pick<ManifestParser, 'parse' | 'documents'>;
  /** Not waited for where none are given. */
  turns?: RenderTurns;
  /** Of one kustomize process, where they are not the usual ones. */
  bounds?: KustomizePorts['bounds'];
}

export interface Rendered {
  objects: KubeObject[];
  /** Paths of the repository that they were made from. */
  inputs: string[];
  /** What those held: as long as it stays, a render gives the same again. */
  content: string;
  /** Of the manifests. */
  bytes: number;
}

/**
 * How many renders are under way at a time, shared by tenants. A render holds its manifests from the moment it reads
 * them, so this bounds their sum, too.
 */
export interface RenderTurns {
  plain: FairSemaphore;
  /** What takes much memory: a kustomize process, or the parse of large manifests. Who has such a place waits for no other. */
  large: FairSemaphore;
}

export const RENDERS = { plain: { slots: 4, perGroup: 2 }, large: { slots: 2, perGroup: 1 } };

export const createRenderTurns = (): RenderTurns => ({
  plain: createFairSemaphore(RENDERS.plain),
  large: createFairSemaphore(RENDERS.large),
});

const ROOT = '.';

/** The objects that a folder of a commit asks for. Throws ReasonError. */
export const render = async (input: RenderInput, ports: RenderPorts): Promise<Rendered> => {
  const { tree, mode, path, tenant = '' } = input;
  const { turns = unlimited, parser = inThisThread } = ports;
  const kustomized = async (): Promise<Rendered> => {
    const documentsOf = (manifest: ManifestText) => parser.documents(manifest, tenant);
    const { kustomize: binary, timeoutMs, bounds } = ports;
    const built = await kustomizeBuild(tree, path, { binary, timeoutMs, documentsOf, bounds });
    const objects = await parser.parse([{ file: 'kustomize build', text: built.text }], tenant);
    const inputs = built.links ? [ROOT] : built.folders;
    return { objects, inputs, content: (await tree.oids(inputs)).join(), bytes: built.text.length };
  };
  const plain = mode === 'Kustomize' ? undefined : await turns.plain(tenant, () => plainly(input, parser, turns));
  return plain ?? turns.large(tenant, kustomized);
};

/** From the manifests themselves; undefined where there is a kustomization that makes something of them. */
const plainly = async (
  { tree, path, mode, tenant = '' }: RenderInput,
  parser: Pick<ManifestParser, 'parse'>,
  turns: RenderTurns,
): Promise<Rendered | undefined> => {
  const wanted = { unless: mode === 'Plain' ? [] : KUSTOMIZATION_FILES, pattern: MANIFEST, maxBytes: MAX_BYTES };
  const { oid, found, links, texts, bytes } = await tree.texts(path, wanted);
  if (found) return undefined;
  if (bytes > MAX_BYTES) {
    const most = `one sync takes ${MAX_BYTES}: split it into several GitSyncs`;
    throw new ReasonError('ManifestTooLarge', `the manifests in ${path} have more than ${bytes} bytes; ${most}`);
  }
  const parse = (): Promise<KubeObject[]> => parser.parse(texts, tenant);
  const objects = areLarge(texts) ? await turns.large(tenant, parse) : await parse();
  return links
    ? { objects, inputs: [ROOT], content: (await tree.oids([ROOT])).join(), bytes }
    : { objects, inputs: [path], content: oid, bytes };
};

const unlimited: RenderTurns = { plain: (_, work) => work(), large: (_, work) => work() };

const inThisThread: Pick<ManifestParser, 'parse' | 'documents'> = {
  parse: async (manifests) => parseAll(manifests),
  documents: async ({ text, file }) => parseDocuments(text, file),
};
