import { Agent, type Dispatcher, request } from 'undici';
import type { Access } from '../policy/outbound.ts';
import { ofPolicy } from './access.ts';
import { SinkError } from './sink-error.ts';

export interface SinkRequest {
  url: URL;
  headers: Record<string, string>;
  body: string;
  /** Of an answer other than 2xx: the sink has the event already. */
  isKnown?: (status: number, text: string) => boolean;
}

/** Sends one request. Rejects with SinkError only. */
export type Post = (request: SinkRequest) => Promise<void>;

const TIMEOUT_MS = 10_000;
const MAX_ANSWER = 16 * 1024;
const MAX_WORDS = 200;
const MAX_RETRY_AFTER_MS = 3_600_000;

export interface OpenPost {
  post: Post;
  close(): Promise<void>;
}

/**
 * Requests to one sink over connections of its own, which follow no redirect: the credentials are for one host.
 *
 * @param ca PEM of a private CA
 */
export const openPost = (
  access: Access,
  { ca, now, timeoutMs = TIMEOUT_MS }: { ca?: string | undefined; now: () => number; timeoutMs?: number },
): OpenPost => {
  const agent = new Agent({
    connections: 1,
    connect: { timeout: timeoutMs, ...access, ...(ca === undefined ? {} : { ca }) },
  });
  return {
    async post({ url, headers, body, isKnown = () => false }) {
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await request(url, { dispatcher: agent, method: 'POST', headers, body, signal }).catch((cause) => {
        throw unreachable(url, cause, signal.aborted ? timeoutMs : undefined);
      });
      const { statusCode } = answer;
      // What it says of an event that it took is of no interest.
      const text = statusCode >= 200 && statusCode < 300 ? dropped(answer) : await textOf(answer);
      if (text === undefined || isKnown(statusCode, text)) return;
      throw refusal(url, answer, text, now());
    },
    close: () => agent.destroy(),
  };
};

const unreachable = (url: URL, cause: unknown, waitedMs: number | undefined): SinkError => {
  const own = ofPolicy(cause) ?? ofPolicy((cause as { cause?: unknown }).cause);
  if (own) return own;
  const why = waitedMs === undefined ? wordsOf(cause) : `no answer within ${waitedMs / 1000} s`;
  return new SinkError('DeliveryFailed', `${url.host} can't be reached: ${why}`, { cause });
};

/** Of a host with several addresses the error has a code, but no message; that of a URL would quote it. */
const wordsOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return 'an unexpected error';
  const { code = cause.name } = cause as NodeJS.ErrnoException;
  return code;
};

const refusal = (url: URL, { statusCode, headers }: Dispatcher.ResponseData, text: string, now: number): SinkError => {
  const said = `${url.host} answered ${statusCode}`;
  const location = [headers.location].flat()[0];
  if (statusCode >= 300 && statusCode < 400 && location !== undefined) {
    const to = URL.parse(location, url.href)?.host ?? 'another address';
    return new SinkError('DeliveryFailed', `${said}: it redirects to ${to}; name the address that it redirects to`);
  }
  const words = messageIn(text);
  const message = words === undefined ? said : `${said}: ${words}`;
  // What is wrong with this very event stays wrong. A token or a limit may change.
  if ([400, 413, 422].includes(statusCode)) return new SinkError('NotDelivered', message);
  return new SinkError('DeliveryFailed', message, { retryInMs: retryAfter(headers['retry-after'], now) });
};

/** Seconds, or a date of HTTP: at most an hour. */
const retryAfter = (header: string | string[] | undefined, now: number): number | undefined => {
  const text = [header].flat()[0];
  if (text === undefined) return undefined;
  const ms = /^[0-9]+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined;
};

/** The message of an API, and nothing else of what an address answers that it should not have been. */
const messageIn = (text: string): string | undefined => {
  try {
    const { message, error } = JSON.parse(text) as { message?: unknown; error?: unknown };
    const words = [message, error].find((value) => typeof value === 'string');
    return typeof words === 'string' ? words.slice(0, MAX_WORDS) : undefined;
  } catch {
    return undefined; // a page of a proxy
  }
};

const dropped = ({ body }: Dispatcher.ResponseData): undefined => {
  body.on('error', () => {}); // that it was cut off is our own doing
  body.destroy();
};

/** So much of it and no more. */
const textOf = async ({ body }: Dispatcher.ResponseData): Promise<string> => {
  body.on('error', () => {}); // what came until then is enough
  const chunks: Buffer[] = [];
  let left = MAX_ANSWER;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      left -= chunk.length;
      if (left <= 0) break;
    }
  } catch {
    // The status counts; its words are for people.
  }
  body.destroy();
  return Buffer.concat(chunks).toString().slice(0, MAX_ANSWER);
};
