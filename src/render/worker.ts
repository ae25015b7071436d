import type { KubeObject } from '../api/meta.ts';
import { serveWorker } from '../worker/serve.ts';
import { type ManifestText, parseAll } from './parse.ts';
import { nodesOf, parseDocuments } from './yaml.ts';

// The thread in which manifests are parsed: parser.ts starts it and is its only caller, one call after another.

/** Values in one message: the other thread does nothing else while it receives it, some 10 ms. */
const PART_NODES = 20_000;

export interface Part {
  objects: KubeObject[];
  more: boolean;
}

let parsed: KubeObject[] = [];

/** The next of what was parsed: objects of so many values, at least one, and whether there are more. */
const take = (): Part => {
  let nodes = 0;
  const end = parsed.findIndex((object) => {
    nodes += nodesOf(object);
    return nodes > PART_NODES;
  });
  const objects = parsed.splice(0, end < 0 ? parsed.length : Math.max(end, 1));
  return { objects, more: parsed.length > 0 };
};

serveWorker({
  parseAll(manifests: ManifestText[]) {
    parsed = parseAll(manifests);
    return take();
  },
  take,
  parseDocuments: ({ text, file }: ManifestText) => parseDocuments(text, file),
});
