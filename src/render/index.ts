import { posix } from 'node:path';
import { createFairSemaphore } from '../fair-semaphore.ts';
import type { FileTree } from '../file-tree.ts';
import { helm } from './helm/helm.ts';
import { kustomize } from './kustomized.ts';
import { parseAll } from './parse.ts';
import { plain } from './plain.ts';
import type { Rendered, Renderer, RendererPorts, RenderInput, RenderPorts, RenderTurns } from './types.ts';
import { parseDocuments } from './yaml.ts';

export { removeCopies } from './copy.ts';
export type { Variable } from './expand.ts';
export { hasNameOfHook } from './object.ts';
export { createParser, type ManifestParser } from './parser.ts';
export { MAX_BYTES } from './plain.ts';
export { asStored } from './stored.ts';
export { type ReadVariables, substitute, type Variables } from './substitute.ts';
export type {
  Capabilities,
  ChartArchive,
  Input,
  ReadRelease,
  Release,
  Rendered,
  RenderInput,
  RenderPorts,
  RenderTurns,
  ValuesText,
} from './types.ts';
export { type PlacedObject, parseDocuments, parseManifests, parsePlaced } from './yaml.ts';

/** One for each member of spec.render; the first that finds its own file comes first. Every folder is plain. */
const renderers: readonly Renderer[] = [kustomize, helm, plain];

/** The objects that a folder asks for. Rejects with ReasonError. */
export const render = async (input: RenderInput, ports: RenderPorts): Promise<Rendered> => {
  const complete: RendererPorts = { ...ports, turns: ports.turns ?? unlimited, parser: ports.parser ?? inThisThread };
  return (await rendererOf(input)).render(input, complete);
};

const rendererOf = async ({ tree, path, choice }: RenderInput): Promise<Renderer> => {
  if (!choice) return (await markedFor(tree, path)) ?? plain;
  const chosen = renderers.find(({ name }) => choice[name]);
  if (!chosen) throw new TypeError('spec.render has no member');
  return chosen;
};

/** The ids of all files that mark a folder are one question, and most folders have none of them. */
const markedFor = async (tree: FileTree, path: string): Promise<Renderer | undefined> => {
  const marks = renderers.flatMap((renderer) =>
    renderer.marks.map((mark) => ({ renderer, file: posix.join(path, mark) })),
  );
  const ids = await tree.oids(marks.map(({ file }) => file));
  for (const [i, { renderer, file }] of marks.entries())
    if (ids[i] !== undefined && (await tree.find(file))?.mode !== 'folder') return renderer;
  return undefined;
};

export const RENDERS = { plain: { slots: 4, perGroup: 2 }, large: { slots: 2, perGroup: 1 } };

export const createRenderTurns = (): RenderTurns => ({
  plain: createFairSemaphore(RENDERS.plain),
  large: createFairSemaphore(RENDERS.large),
});

const unlimited: RenderTurns = { plain: (_, work) => work(), large: (_, work) => work() };

const inThisThread: RendererPorts['parser'] = {
  parse: async (manifests) => parseAll(manifests),
  documents: async ({ text, file }) => parseDocuments(text, file),
};
