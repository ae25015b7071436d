import type { Dispatcher } from 'undici';
import { errorFromAnswer, KubeError, unreachable } from './errors.ts';
import { pathOf } from './paths.ts';
import { resources } from './resources.ts';
import type { Call } from './transport.ts';
import type { LogOptions, Name } from './types.ts';

/** The API server asks the kubelet of the pod: one that is there answers within moments. */
const TIMEOUT_MS = 10_000;
/** Read at most, from the oldest of the lines on: more than 50 of the longest lines that a container runtime writes. */
const MAX_READ = 1024 * 1024;

/** The end of the log of a container. Rejects with KubeError. */
export const readLog = async (
  open: (call: Call, signal: AbortSignal) => Promise<Dispatcher.ResponseData>,
  pod: Name,
  { container, previous = false, tailLines, maxBytes }: LogOptions,
): Promise<string> => {
  const query = {
    container,
    previous: previous ? 'true' : undefined,
    tailLines: String(tailLines),
    limitBytes: String(MAX_READ),
  };
  const call: Call = { method: 'GET', path: pathOf(resources.pods, pod, 'log'), query, accept: '*/*' };
  try {
    const answer = await open(call, AbortSignal.timeout(TIMEOUT_MS));
    if (answer.statusCode !== 200) throw errorFromAnswer(answer.statusCode, await answer.body.text(), undefined);
    return await endOf(answer.body, maxBytes);
  } catch (error) {
    throw error instanceof KubeError ? error : unreachable(error);
  }
};

/** Whole lines from the end, as far as they fit; the end of the last one where that alone is too long. */
const endOf = async (body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> => {
  let kept = Buffer.alloc(0);
  let read = 0;
  for await (const chunk of body) {
    read += chunk.length;
    kept = Buffer.concat([kept, chunk]).subarray(-maxBytes);
  }
  // Bytes that are no UTF-8 take more room as text.
  const text = Buffer.from(kept.toString('utf8'));
  if (read <= maxBytes && text.length <= maxBytes) return text.toString('utf8');
  const end = text
    .subarray(-maxBytes)
    .toString('utf8')
    .replace(/^\uFFFD+/, '');
  const line = end.indexOf('\n') + 1;
  return line < end.length ? end.slice(line) : end;
};
