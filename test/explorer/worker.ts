import { registerHooks } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { Edit, Job, Told } from './pool.ts';

/** One search in a thread of its own; of the code as it ships, or with a mutant of it, which is made while it loads. */

const { search, edits } = workerData as Job;

const applied = new Set<Edit>();

const mutated = (url: string, source: string): string =>
  edits
    .filter(({ file }) => url.endsWith(`/${file}`))
    .reduce((text, edit) => {
      if (text.split(edit.search).length !== 2)
        throw new Error(`${edit.file} has not exactly one place that says: ${edit.search}`);
      applied.add(edit);
      return text.replace(edit.search, () => edit.replace);
    }, source);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!edits.some(({ file }) => url.endsWith(`/${file}`))) return loaded;
    return { ...loaded, source: mutated(url, String(loaded.source)) };
  },
});

const tell = (told: Told): void => parentPort?.postMessage(told);
const { explore } = await import('./explore.ts');
const found = await explore({ ...search, onProgress: (progress) => tell({ what: 'progress', found: progress }) });
if (applied.size !== edits.length) throw new Error('a mutant was not loaded');
tell({ what: 'end', found });
