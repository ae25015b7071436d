import type { KubeObject } from '../api/meta.ts';
import type { GitTree } from '../git/index.ts';
import { RenderError } from './errors.ts';
import { KUSTOMIZATION_FILES } from './kustomization.ts';
import { kustomizeBuild } from './kustomize.ts';
import { type ManifestText, parseAll } from './parse.ts';

export { RenderError } from './errors.ts';
export { createParser, type ManifestParser } from './parser.ts';
export { parseManifests } from './yaml.ts';

const MANIFEST = /\.(ya?ml|json)$/;
/** Of all manifests of one sync; etcd takes 1.5 MB for one object. */
const MAX_BYTES = 64 * 1024 * 1024;

export interface RenderInput {
  tree: GitTree;
  /** Folder in the repository. */
  path: string;
  mode: 'Auto' | 'Plain' | 'Kustomize';
}

export interface RenderPorts {
  /** Path of the kustomize binary. */
  kustomize: string;
  timeoutMs: number;
  /** In this thread where none is given. */
  parser?: { parse(manifests: readonly ManifestText[]): Promise<KubeObject[]> };
}

export interface Rendered {
  objects: KubeObject[];
  /** Paths of the repository that they were made from. */
  inputs: string[];
  /** What those held: as long as it stays, a render gives the same again. */
  content: string;
}

const ROOT = '.';

/** The objects that a folder of a commit asks for. Throws RenderError or GitError. */
export const render = async ({ tree, path, mode }: RenderInput, ports: RenderPorts): Promise<Rendered> => {
  const parse = async (texts: ManifestText[]) => (ports.parser ? ports.parser.parse(texts) : parseAll(texts));
  const wanted = { unless: mode === 'Plain' ? [] : KUSTOMIZATION_FILES, pattern: MANIFEST, maxBytes: MAX_BYTES };
  const { oid, found, links, texts, bytes } = await tree.texts(path, wanted);
  const contentOf = async (paths: string[]): Promise<string> => (await tree.oids(paths)).join();
  if (mode === 'Kustomize' || found) {
    const built = await kustomizeBuild(tree, path, { binary: ports.kustomize, timeoutMs: ports.timeoutMs });
    const objects = await parse([{ file: 'kustomize build', text: built.text }]);
    const inputs = built.links ? [ROOT] : built.folders;
    return { objects, inputs, content: await contentOf(inputs) };
  }
  if (bytes > MAX_BYTES) {
    throw new RenderError('ManifestTooLarge', `the manifests in ${path} have more than ${MAX_BYTES} bytes`);
  }
  const objects = await parse(texts);
  return links
    ? { objects, inputs: [ROOT], content: await contentOf([ROOT]) }
    : { objects, inputs: [path], content: oid };
};
