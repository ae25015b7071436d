import type { KubeObject } from '../api/meta.ts';
import { isReason } from '../api/reasons.ts';
import { createWorkerClient } from '../worker/client.ts';
import { RenderError } from './errors.ts';
import type { ManifestText } from './parse.ts';

/** Beside this file; when it is bundled, beside the bundle. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './render-worker.js', import.meta.url);

export interface ManifestParser {
  /** The objects of several texts, in order. Rejects with RenderError. */
  parse(manifests: readonly ManifestText[]): Promise<KubeObject[]>;
  close(): Promise<void>;
}

/** Parses in a thread of its own: neither a bomb nor a parser that never ends takes anything but that thread. */
export const createParser = ({ timeoutMs = 10_000, maxHeapMb = 512 } = {}): ManifestParser => {
  const worker = createWorkerClient(WORKER, {
    maxHeapMb,
    revive: ({ code, message }) => new RenderError(isReason(code) ? code : 'SyncFailed', message),
    ended: (how, cause) =>
      new RenderError(
        'ManifestTooLarge',
        how === 'timeout'
          ? `the manifests took longer than ${timeoutMs / 1000} s to parse`
          : `the manifests could not be parsed within ${maxHeapMb} MB of memory`,
        cause,
      ),
  });
  return { parse: (manifests) => worker.call('parseAll', [manifests], timeoutMs), close: worker.close };
};
