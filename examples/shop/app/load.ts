import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

export interface LoadOptions {
  urls: string[];
  /** Requests a second, over all URLs. */
  rate: number;
  /** It stops by itself after this. */
  durationMs: number;
  /** Requests that may wait for an answer at once; above it, ticks are left out. */
  maxInFlight?: number;
  signal?: AbortSignal;
}

export interface LoadResult {
  sent: number;
  ok: number;
  /** Answered with a status of 500 or more. */
  failed: number;
  /** No answer: refused, reset or over 5 s. */
  unanswered: number;
}

/** Steady requests over a bounded time, each on a connection of its own so that every pod gets its share. */
export const runLoad = async (options: LoadOptions): Promise<LoadResult> => {
  const { urls, rate, durationMs, maxInFlight = 100, signal } = options;
  const agent = new Agent({ keepAlive: false });
  const result: LoadResult = { sent: 0, ok: 0, failed: 0, unanswered: 0 };
  const waiting = new Set<Promise<void>>();
  const start = performance.now();
  for (let tick = 0; ; tick++) {
    const dueMs = (tick * 1000) / rate;
    if (dueMs >= durationMs || signal?.aborted) break;
    await sleep(Math.max(0, start + dueMs - performance.now()));
    if (waiting.size >= maxInFlight) continue;
    result.sent += 1;
    const one = request(urls[tick % urls.length] ?? '', agent).then((code) => {
      if (code === undefined) result.unanswered += 1;
      else if (code >= 500) result.failed += 1;
      else result.ok += 1;
      waiting.delete(one);
    });
    waiting.add(one);
  }
  await Promise.all(waiting);
  return result;
};

const request = (url: string, agent: Agent): Promise<number | undefined> =>
  new Promise((resolve) => {
    const sent = get(url, { agent, timeout: 5000 }, (response) => {
      response.resume();
      response.once('close', () => resolve(response.statusCode));
    });
    sent.once('timeout', () => sent.destroy());
    sent.once('error', () => resolve(undefined));
  });

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', multiple: true, default: ['http://127.0.0.1:8080/'] },
      rate: { type: 'string', default: '20' },
      seconds: { type: 'string', default: '60' },
    },
  });
  const seconds = Math.min(Number(values.seconds), 3600);
  runLoad({ urls: values.url, rate: Number(values.rate), durationMs: seconds * 1000 }).then((result) =>
    console.log(JSON.stringify(result)),
  );
}
