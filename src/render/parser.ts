import type { KubeObject } from '../api/meta.ts';
import { isReason } from '../api/reasons.ts';
import { createTurns } from '../kube/fair.ts';
import { createWorkerClient, type WorkerOptions } from '../worker/client.ts';
import { RenderError } from './errors.ts';
import type { ManifestText } from './parse.ts';

/** Beside this file; when it is bundled, beside the bundle. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './render-worker.js', import.meta.url);

/** Characters of one sync's manifests above which they are not parsed before those of others: that takes seconds. */
const LARGE = 1_000_000;

export interface ManifestParser {
  /** The objects of several texts, in order. Rejects with RenderError. */
  parse(manifests: readonly ManifestText[], tenant?: string): Promise<KubeObject[]>;
  /** The documents of a text, of whatever shape; empty ones are left out. Rejects with RenderError. */
  documents(manifest: ManifestText, tenant?: string): Promise<unknown[]>;
  close(): Promise<void>;
}

/**
 * Parses in threads of their own: neither a bomb nor a parser that never ends takes anything but its thread. Tenants take
 * turns.
 */
export const createParser = ({ timeoutMs = 10_000, maxHeapMb = 256 } = {}): ManifestParser => {
  const options: WorkerOptions = {
    maxHeapMb,
    idleMs: 60_000,
    revive: ({ code, message }) => new RenderError(isReason(code) ? code : 'SyncFailed', message),
    ended: (how, cause) =>
      new RenderError(
        'ManifestTooLarge',
        how === 'timeout'
          ? `the manifests took longer than ${timeoutMs / 1000} s to parse`
          : `the manifests could not be parsed within ${maxHeapMb} MB of memory`,
        cause,
      ),
  };
  const lane = () => {
    const worker = createWorkerClient(WORKER, options);
    // One at a time: a call's time does not run while it waits, and one that ends the thread ends no other call.
    const turn = createTurns({ places: 1, perGroup: 1 });
    const all = async (manifests: readonly ManifestText[]): Promise<KubeObject[]> => {
      const objects: KubeObject[] = [];
      let part = await worker.call<KubeObject[]>('parseAll', [manifests], timeoutMs);
      while (part.length > 0) {
        objects.push(...part);
        await new Promise(setImmediate); // others have the main thread between two parts
        part = await worker.call<KubeObject[]>('take', [], timeoutMs);
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
  const lanes = { quick: lane(), large: lane() };
  return {
    parse(manifests, tenant = '') {
      const size = manifests.reduce((sum, { text }) => sum + text.length, 0);
      return (size > LARGE ? lanes.large : lanes.quick).parse(manifests, tenant);
    },
    documents: (manifest, tenant = '') => lanes.quick.documents(manifest, tenant),
    close: async () => void (await Promise.all([lanes.quick.close(), lanes.large.close()])),
  };
};
