import type { KubeObject } from '../api/meta.ts';
import { ReasonError } from '../api/reason-error.ts';
import { isReason } from '../api/reasons.ts';
import { createFairSemaphore } from '../fair-semaphore.ts';
import { createWorkerClient, type WorkerOptions } from '../worker/client.ts';
import type { ManifestText } from './parse.ts';
import type { Part } from './worker.ts';

/** Beside this file; when it is bundled, beside the bundle. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './render-worker.js', import.meta.url);

/** Characters of one sync's manifests above which they are not parsed before those of others: that takes seconds. */
const LARGE = 1_000_000;

/** V8's part of each thread: shares of the container's memory, which docs/sizing.md adds up. */
export const PARSER_HEAP_MB = { quick: 80, large: 160 };
/** The thread for large ones and its memory go at once: a kustomize process may come next. */
const IDLE_MS = { quick: 60_000, large: 1_000 };

/** Whether they belong to those that take much memory and time. */
export const areLarge = (manifests: readonly ManifestText[]): boolean =>
  manifests.reduce((sum, { text }) => sum + text.length, 0) > LARGE;

export interface ManifestParser {
  /** The objects of several texts, in order. Rejects with ReasonError. */
  parse(manifests: readonly ManifestText[], tenant?: string): Promise<KubeObject[]>;
  /** The documents of a text, of whatever shape; empty ones are left out. Rejects with ReasonError. */
  documents(manifest: ManifestText, tenant?: string): Promise<unknown[]>;
  close(): Promise<void>;
}

/**
 * Parses in threads of their own: neither a bomb nor a parser that never ends takes anything but its thread. Tenants take
 * turns.
 */
export const createParser = ({ timeoutMs = 10_000, maxHeapMb = PARSER_HEAP_MB } = {}): ManifestParser => {
  const optionsOf = (of: keyof typeof PARSER_HEAP_MB): WorkerOptions => ({
    maxHeapMb: maxHeapMb[of],
    idleMs: IDLE_MS[of],
    revive: ({ code, message }) => new ReasonError(isReason(code) ? code : 'ReconciliationFailed', message),
    ended: (how, cause) =>
      new ReasonError(
        'ManifestTooLarge',
        how === 'timeout'
          ? `the manifests took longer than ${timeoutMs / 1000} s to parse`
          : `the manifests could not be parsed within ${maxHeapMb[of]} MB of memory`,
        cause,
      ),
  });
  const thread = (of: keyof typeof PARSER_HEAP_MB) => {
    const worker = createWorkerClient(WORKER, optionsOf(of));
    // One at a time: a call's time does not run while it waits, and one that ends the thread ends no other call.
    const turn = createFairSemaphore({ slots: 1, perGroup: 1 });
    const all = async (manifests: readonly ManifestText[]): Promise<KubeObject[]> => {
      const objects: KubeObject[] = [];
      let part = await worker.call<Part>('parseAll', [manifests], timeoutMs);
      objects.push(...part.objects);
      while (part.more) {
        await new Promise(setImmediate); // others have the main thread between two parts
        part = await worker.call<Part>('take', [], timeoutMs);
        objects.push(...part.objects);
      }
      return objects;
    };
    return {
      parse: (manifests: readonly ManifestText[], tenant: string) => turn(tenant, () => all(manifests)),
      documents: (manifest: ManifestText, tenant: string) =>
        turn(tenant, () => worker.call<unknown[]>('parseDocuments', [manifest], timeoutMs)),
      close: worker.close,
    };
  };
  const threads = { quick: thread('quick'), large: thread('large') };
  return {
    parse: (manifests, tenant = '') => (areLarge(manifests) ? threads.large : threads.quick).parse(manifests, tenant),
    documents: (manifest, tenant = '') => threads.quick.documents(manifest, tenant),
    close: async () => void (await Promise.all([threads.quick.close(), threads.large.close()])),
  };
};
