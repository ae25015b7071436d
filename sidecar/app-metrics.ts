import { type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { pipeline, type Readable, type Writable } from 'node:stream';
import { createLineFilter, isOpenMetrics, TEXT } from './exposition.ts';
import type { AppTarget } from './settings.ts';

const MAX_BYTES = 64 << 20;
const MAX_LINE = 1 << 20;
const MAX_REDIRECTS = 3;
/** A scraper that reads nothing for so long is gone. */
const STALLED_MS = 10_000;
const PROTOBUF = 'application/vnd.google.protobuf';

export interface AppAnswer {
  /** Content-Type of the application. */
  type: string;
  body: Readable;
}

/**
 * Asks the application as the scraper would: with its query, its Authorization and what it accepts, but for protobuf,
 * into which lines can't be merged. A redirect is followed to the same host and port only. Throws where Prometheus
 * would call the scrape failed: no answer, or none with status 200.
 */
export const askApp = async (app: AppTarget, scrape: IncomingMessage, signal: AbortSignal): Promise<AppAnswer> => {
  const headers = headersFor(scrape.headers);
  const host = app.host.includes(':') ? `[${app.host}]` : app.host;
  let url = new URL(`http://${host}:${app.port}${pathOf(app.path, scrape.url)}`);
  for (let redirects = 0; ; redirects += 1) {
    const response = await get(url, headers, signal);
    const { statusCode = 0 } = response;
    if (statusCode === 200) return answerOf(response);
    response.destroy();
    const next = isRedirect(statusCode) ? URL.parse(response.headers.location ?? '', url.href) : undefined;
    if (next?.origin !== url.origin || redirects === MAX_REDIRECTS) {
      throw new Error(`the application answered ${statusCode} at ${url.pathname}`);
    }
    url = next;
  }
};

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status);

const get = (url: URL, headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request(url, { agent: false, signal, headers }, resolve).once('error', reject).end();
  });

/** The path of the annotation as it stands, and the query of the scrape (`params` of its configuration). */
const pathOf = (path: string, scraped = ''): string => {
  const [, query] = /\?(.*)$/.exec(scraped) ?? [];
  const rooted = `${path.startsWith('/') ? '' : '/'}${path}`.replaceAll('#', '%23');
  return query ? `${rooted}${rooted.includes('?') ? '&' : '?'}${query}` : rooted;
};

const headersFor = (scrape: IncomingHttpHeaders): OutgoingHttpHeaders => {
  const passed = ['authorization', 'user-agent', 'x-prometheus-scrape-timeout-seconds'].flatMap((name) =>
    scrape[name] === undefined ? [] : [[name, scrape[name]]],
  );
  const accepted = (scrape.accept ?? '').split(',').filter((type) => type.trim() !== '' && !type.includes(PROTOBUF));
  const accept = accepted.length === 0 ? TEXT : accepted.join(',');
  return { ...Object.fromEntries(passed), accept, 'accept-encoding': 'identity' };
};

const answerOf = async (response: IncomingMessage): Promise<AppAnswer> => {
  const { 'content-type': type = TEXT, 'content-encoding': encoding = 'identity' } = response.headers;
  if (type.startsWith(PROTOBUF)) {
    response.destroy();
    throw new Error('the application answered in protobuf, which it was not asked for');
  }
  if (encoding === 'identity') return { type, body: response };
  if (encoding !== 'gzip') {
    response.destroy();
    throw new Error(`the application's answer is encoded as ${encoding}`);
  }
  const { createGunzip } = await import('node:zlib'); // not loaded at rest
  return { type, body: pipeline(response, createGunzip(), () => {}) };
};

/** Streams the answer in whole lines. Throws when it broke off, grew beyond the bound, or was not read. */
export const copyApp = async ({ type, body }: AppAnswer, out: Writable): Promise<void> => {
  const filter = createLineFilter(MAX_LINE);
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BYTES) throw new Error(`the application's answer is over ${MAX_BYTES} bytes`);
      const lines = filter.push(chunk);
      if (lines.length > 0 && !out.write(lines)) await drained(out);
    }
    out.write(filter.end());
    if (isOpenMetrics(type) && !filter.marked()) throw new Error("the application's answer has no end mark");
  } finally {
    body.destroy();
  }
};

/** Rejects when the scraper is gone, or reads no more. */
const drained = (out: Writable): Promise<void> =>
  new Promise((resolve, reject) => {
    const end = (settle: () => void) => (): void => {
      clearTimeout(late);
      out.off('drain', onDrain).off('close', onClose);
      settle();
    };
    const onDrain = end(resolve);
    const onClose = end(() => reject(new Error('the scraper is gone')));
    const late = setTimeout(onClose, STALLED_MS);
    if (out.destroyed) onClose();
    else out.on('drain', onDrain).on('close', onClose);
  });
