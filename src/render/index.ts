import { posix } from 'node:path';
import type { KubeObject } from '../api/meta.ts';
import type { GitTree } from '../git/index.ts';
import { RenderError } from './errors.ts';
import { KUSTOMIZATION_FILES } from './kustomization.ts';
import { kustomizeBuild } from './kustomize.ts';
import { type ManifestText, parseAll } from './parse.ts';

export { RenderError } from './errors.ts';
export { createParser, type ManifestParser } from './parser.ts';
export { parseManifests } from './yaml.ts';

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

/** The objects that a folder of a commit asks for. Throws RenderError or GitError. */
export const render = async ({ tree, path, mode }: RenderInput, ports: RenderPorts): Promise<KubeObject[]> => {
  const parse = async (texts: ManifestText[]) => (ports.parser ? ports.parser.parse(texts) : parseAll(texts));
  const files = await tree.files(path);
  const folder = posix.normalize(path).replace(/\/$/, '');
  const top = files.filter((f) => posix.dirname(f.path) === folder).map((f) => posix.basename(f.path));
  const hasKustomization = top.some((name) => KUSTOMIZATION_FILES.includes(name));
  if (mode === 'Kustomize' || (mode === 'Auto' && hasKustomization)) {
    const text = await kustomizeBuild(tree, path, { binary: ports.kustomize, timeoutMs: ports.timeoutMs });
    return parse([{ file: 'kustomize build', text }]);
  }
  const texts: ManifestText[] = [];
  let bytes = 0;
  for (const file of files.filter((f) => /\.(ya?ml|json)$/.test(f.path))) {
    const content = await tree.read(file);
    bytes += content.length;
    if (bytes > MAX_BYTES) {
      throw new RenderError('ManifestTooLarge', `the manifests in ${path} have more than ${MAX_BYTES} bytes`);
    }
    texts.push({ file: file.path, text: Buffer.from(content).toString() });
  }
  return parse(texts);
};
