import { createFairSemaphore } from '../fair-semaphore.ts';
import { kustomize } from './kustomized.ts';
import { parseAll } from './parse.ts';
import { plain } from './plain.ts';
import type { Rendered, Renderer, RendererPorts, RenderInput, RenderPorts, RenderTurns } from './types.ts';
import { parseDocuments } from './yaml.ts';

export type { Variable } from './expand.ts';
export { removeCopies } from './kustomize.ts';
export { createParser, type ManifestParser } from './parser.ts';
export { MAX_BYTES } from './plain.ts';
export { type ReadVariables, substitute, type Variables } from './substitute.ts';
export type { Input, Rendered, RenderInput, RenderPorts, RenderTurns } from './types.ts';
export { type PlacedObject, parseManifests, parsePlaced } from './yaml.ts';

/** One for each member of spec.render; the first that detects its own files comes first. Every folder is plain. */
const renderers: readonly Renderer[] = [kustomize, plain];

/** The objects that a folder asks for. Rejects with ReasonError. */
export const render = async (input: RenderInput, ports: RenderPorts): Promise<Rendered> => {
  const complete: RendererPorts = { ...ports, turns: ports.turns ?? unlimited, parser: ports.parser ?? inThisThread };
  return (await rendererOf(input)).render(input, complete);
};

const rendererOf = async ({ tree, path, choice }: RenderInput): Promise<Renderer> => {
  for (const renderer of renderers) {
    if (choice ? choice[renderer.name] : await renderer.detects(tree, path)) return renderer;
  }
  throw new TypeError('spec.render has no member');
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
