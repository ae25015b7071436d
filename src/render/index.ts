import { posix } from 'node:path';
import { describeKey, type KubeObject, keyOf, keyString } from '../api/meta.ts';
import { GitError, type GitTree } from '../git/index.ts';
import { RenderError } from './errors.ts';
import { KUSTOMIZATION_FILES, kustomizeBuild } from './kustomize.ts';
import { parseManifests } from './yaml.ts';

export { RenderError } from './errors.ts';
export { parseManifests } from './yaml.ts';

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
}

/** The objects that a folder of a commit asks for. Throws RenderError or GitError. */
export const render = async ({ tree, path, mode }: RenderInput, ports: RenderPorts): Promise<KubeObject[]> => {
  const files = await tree.files(path);
  const folder = posix.normalize(path).replace(/\/$/, '');
  const top = files.filter((f) => posix.dirname(f.path) === folder).map((f) => posix.basename(f.path));
  const hasKustomization = top.some((name) => KUSTOMIZATION_FILES.includes(name));
  const kustomized = mode === 'Kustomize' || (mode === 'Auto' && hasKustomization);
  if (kustomized) {
    const text = await kustomizeBuild(tree, path, { binary: ports.kustomize, timeoutMs: ports.timeoutMs });
    return withoutDuplicates([{ file: 'kustomize build', objects: parseManifests(text, 'kustomize build') }]);
  }
  const manifests = files.filter((f) => /\.(ya?ml|json)$/.test(f.path));
  const parsed = [];
  for (const file of manifests) {
    if (file.mode === 'symlink') {
      throw new GitError('PathOutsideRepository', `${file.path} is a symlink; plain manifests must be files`);
    }
    parsed.push({ file: file.path, objects: parseManifests(Buffer.from(await tree.read(file)).toString(), file.path) });
  }
  return withoutDuplicates(parsed);
};

const withoutDuplicates = (parsed: { file: string; objects: KubeObject[] }[]): KubeObject[] => {
  const seen = new Map<string, string>();
  for (const { file, objects } of parsed) {
    for (const object of objects) {
      const key = keyString(keyOf(object));
      const other = seen.get(key);
      if (other !== undefined) {
        throw new RenderError('DuplicateObject', `${describeKey(keyOf(object))} is in ${other} and again in ${file}`);
      }
      seen.set(key, file);
    }
  }
  return parsed.flatMap((p) => p.objects);
};
