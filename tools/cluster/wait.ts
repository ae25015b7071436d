import { readFileSync } from 'node:fs';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

/** Polls until `check` gives a value; at the deadline, or when `failed` says why it never will, rejects with `explain()`. */
export const waitFor = async <T>(
  what: string,
  check: () => Promise<T | undefined>,
  options: { timeoutMs: number; everyMs?: number; failed?: () => string | undefined; explain?: () => string },
): Promise<T> => {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    const value = await check().catch(() => undefined);
    if (value !== undefined) return value;
    const failed =
      options.failed?.() ?? (Date.now() > deadline ? `not within ${options.timeoutMs / 1000} s` : undefined);
    if (failed !== undefined) throw new Error(`${what}: ${failed}\n${options.explain?.() ?? ''}`.trimEnd());
    await sleep(options.everyMs ?? 100);
  }
};

export interface HttpTarget {
  /** PEM files. */
  ca: string;
  cert: string;
  key: string;
}

/** Resolves when the URL answers 200. */
export const waitForHttp = (
  url: string,
  options: HttpTarget & { timeoutMs: number; failed?: () => string | undefined; explain?: () => string },
): Promise<true> => {
  const tls = { ca: readFileSync(options.ca), cert: readFileSync(options.cert), key: readFileSync(options.key) };
  const ask = (): Promise<true | undefined> =>
    new Promise((resolve, reject) => {
      const request = https.get(url, { ...tls, agent: false, timeout: 2000 }, (response) => {
        response.resume();
        resolve(response.statusCode === 200 ? true : undefined);
      });
      request.once('timeout', () => request.destroy(new Error('timeout')));
      request.once('error', reject);
    });
  return waitFor(url, ask, options);
};
