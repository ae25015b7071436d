import { type IncomingMessage, request } from 'node:http';
import type { Writable } from 'node:stream';
import { createLineFilter, TEXT } from './exposition.ts';
import type { AppTarget } from './settings.ts';

const MAX_BYTES = 64 << 20;
const MAX_LINE = 1 << 20;

/** The application's answer, or undefined when it has none to give: away, slow, an error page, compressed. */
export const askApp = (target: AppTarget, signal: AbortSignal): Promise<IncomingMessage | undefined> =>
  new Promise((resolve) => {
    const asked = request(
      {
        ...target,
        agent: false,
        signal,
        headers: { accept: 'text/plain;version=0.0.4', 'accept-encoding': 'identity' },
      },
      (response) => {
        if (isExposition(response)) return resolve(response);
        response.destroy();
        resolve(undefined);
      },
    );
    asked.once('error', () => resolve(undefined));
    asked.end();
  });

const isExposition = ({ statusCode, headers }: IncomingMessage): boolean => {
  const type = headers['content-type'] ?? TEXT;
  const encoding = headers['content-encoding'] ?? 'identity';
  return statusCode === 200 && encoding === 'identity' && /^(text\/plain|application\/openmetrics-text)/.test(type);
};

/** Streams the answer in whole lines; false when it broke off or grew beyond the bound. */
export const copyApp = async (response: IncomingMessage, out: Writable): Promise<boolean> => {
  const filter = createLineFilter(MAX_LINE);
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      const lines = filter.push(chunk);
      if (size > MAX_BYTES || filter.overlong() || out.destroyed) return false;
      if (!out.write(lines)) await drained(out);
    }
    out.write(filter.end());
    return true;
  } catch {
    return false; // what came before is whole lines: the rest of the scrape stands
  } finally {
    response.destroy();
  }
};

/** Resolves also when the scraper is gone: the next write to it does nothing. */
const drained = (out: Writable): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      out.off('drain', done).off('close', done);
      resolve();
    };
    if (out.destroyed) resolve();
    else out.on('drain', done).on('close', done);
  });
