import { posix } from 'node:path';
import type { FileTree } from '../file-tree.ts';
import { inputsAt } from './inputs.ts';
import { KUSTOMIZATION_FILES } from './kustomization.ts';
import { kustomizeBuild } from './kustomize.ts';
import type { Rendered, Renderer, RendererPorts, RenderInput } from './types.ts';

/** What `kustomize build` makes of the folder. */
export const kustomize: Renderer = {
  name: 'kustomize',
  detects: (tree, path) => hasKustomization(tree, path),
  render: (input, ports) => ports.turns.large(input.tenant ?? '', () => renderKustomized(input, ports)),
};

/** The ids of all three are one question, and most folders have none of them. */
const hasKustomization = async (tree: FileTree, path: string): Promise<boolean> => {
  const files = KUSTOMIZATION_FILES.map((name) => posix.join(path, name));
  const ids = await tree.oids(files);
  for (const [i, file] of files.entries())
    if (ids[i] !== undefined && (await tree.find(file))?.mode !== 'folder') return true;
  return false;
};

const renderKustomized = async (input: RenderInput, ports: RendererPorts): Promise<Rendered> => {
  const { tree, path, choice, tenant = '' } = input;
  const { kustomize: binary, timeoutMs, bounds, parser } = ports;
  const documentsOf = (manifest: { file: string; text: string }) => parser.documents(manifest, tenant);
  const { text, folders, links } = await kustomizeBuild(tree, path, {
    binary,
    timeoutMs,
    documentsOf,
    bounds,
    on: choice?.kustomize,
  });
  const objects = await parser.parse([{ file: 'kustomize build', text }], tenant);
  return { objects, inputs: await inputsAt(input, folders, links), bytes: text.length };
};
