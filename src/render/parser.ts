import type { KubeObject } from '../api/meta.ts';
import { isReason } from '../api/reasons.ts';
import { createWorkerClient, type WorkerOptions } from '../worker/client.ts';
import { RenderError } from './errors.ts';
import type { ManifestText } from './parse.ts';

/** Beside this file; when it is bundled, beside the bundle. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './render-worker.js', import.meta.url);

/** Characters of one sync's manifests above which they are not parsed before those of others: that takes seconds. */
const LARGE = 1_000_000;

export interface ManifestParser {
  /** The objects of several texts, in order. Rejects with RenderError. */
  parse(manifests: readonly ManifestText[]): Promise<KubeObject[]>;
  close(): Promise<void>;
}

/** Parses in threads of their own: neither a bomb nor a parser that never ends takes anything but its thread. */
export const createParser = ({ timeoutMs = 10_000, maxHeapMb = 512 } = {}): ManifestParser => {
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
    let last: Promise<unknown> = Promise.resolve();
    return {
      /** One after another: a call's time does not run while it waits, and one that ends the thread ends no other call. */
      parse(manifests: readonly ManifestText[]): Promise<KubeObject[]> {
        const turn = last.then(() => worker.call<KubeObject[]>('parseAll', [manifests], timeoutMs));
        last = turn.catch(() => {}); // its own caller hears of it
        return turn;
      },
      close: worker.close,
    };
  };
  const lanes = { quick: lane(), large: lane() };
  return {
    parse(manifests) {
      const size = manifests.reduce((sum, { text }) => sum + text.length, 0);
      return (size > LARGE ? lanes.large : lanes.quick).parse(manifests);
    },
    close: async () => void (await Promise.all([lanes.quick.close(), lanes.large.close()])),
  };
};
