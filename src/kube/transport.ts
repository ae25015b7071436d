import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import { type Clock, systemClock } from '../clock.ts';
import { readJson, writeJson } from '../json.ts';
import type { Connection } from './config.ts';
import { errorFromAnswer, KubeError, unreachable } from './errors.ts';
import { notLeading } from './term.ts';

export interface KubeClientOptions {
  /** Connections to the API server; requests beyond it queue. Watches have their own. */
  connections?: number;
  /** Called once a request: for counters. code is '0' when there was no answer. */
  onRequest?: (verb: string, code: string) => void;
  userAgent?: string;
  clock?: Clock;
  /** A watch without a word for so long is ended: its other end is gone. The API server says something every minute. */
  watchQuietMs?: number;
}

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | undefined>;
  body?: unknown;
  contentType?: string;
  accept?: string;
  /** Idempotent: it may be retried when the answer was lost. */
  repeatable?: boolean;
}

export type Identity = Record<string, string | string[]>;

/** In whose name requests are sent, and whether writes still may be. */
export interface Sender {
  identity: Identity;
  /** Asked before each try of a write: false, and it is not sent. */
  mayWrite?: () => boolean;
}

export interface Transport {
  /** The parsed answer (text where it is not JSON); KubeError otherwise. */
  json<T>(sender: Sender, call: Call): Promise<T>;
  /**
   * The answer's body as it comes, on a connection of its own; ends with an error when nothing came for `watchQuietMs`.
   *
   * @param verb as it is counted
   */
  stream(sender: Sender, call: Call, signal: AbortSignal, verb: 'GET' | 'WATCH'): Promise<Dispatcher.ResponseData>;
  close(): Promise<void>;
}

export const JSON_TYPE = 'application/json';
const HEADERS_TIMEOUT_MS = 30_000;
const CALL_TIMEOUT_MS = 60_000;
/** A busy API server says when to come back; a request is not sent more often than this. */
const MAX_TRIES = 5;
/**
 * When the server asks for a longer wait than this, the call fails at once: the caller knows what else there is to do.
 */
const MAX_RETRY_AFTER_S = 30;
const RESET_TRIES = 3;
const NEVER_SENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];
const CUT = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'];

/** One keep-alive dispatcher for requests; watches, long and few, do not take its connections. */
export const createTransport = (connection: Connection, options: KubeClientOptions): Transport => {
  const { clock = systemClock } = options;
  // HTTP/1.1: undici joins a repeated header into one over HTTP/2, which would merge the groups of an impersonated
  // user.
  const common = { allowH2: false, connect: connectorOf(connection) };
  const requests = new Agent({ ...common, connections: options.connections ?? 32, keepAliveTimeout: 60_000 });
  const watches = new Agent({ ...common, connections: null });

  const send = async (
    { identity, mayWrite }: Sender,
    call: Call,
    how: { dispatcher: Dispatcher; signal: AbortSignal; bodyTimeout: number },
  ): Promise<Dispatcher.ResponseData> => {
    const token = await connection.token?.();
    if (call.method !== 'GET' && mayWrite?.() === false) throw notLeading();
    return request(urlOf(connection.server, call), {
      method: call.method,
      headersTimeout: HEADERS_TIMEOUT_MS,
      ...how,
      headers: {
        accept: call.accept ?? JSON_TYPE,
        'user-agent': options.userAgent ?? 'metricops',
        ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? JSON_TYPE }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...identity,
      },
      ...(call.body === undefined ? {} : { body: writeJson(call.body) }),
    });
  };

  /** One try: the parsed answer, or a KubeError given back for the caller to weigh. */
  const once = async (sender: Sender, call: Call): Promise<unknown> => {
    let code = '0';
    try {
      const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
      const answer = await send(sender, call, { dispatcher: requests, signal, bodyTimeout: CALL_TIMEOUT_MS });
      const text = await answer.body.text();
      code = String(answer.statusCode);
      if (answer.statusCode >= 300)
        return errorFromAnswer(answer.statusCode, text, first(answer.headers['retry-after']));
      return first(answer.headers['content-type'])?.includes('json') ? readJson(text) : text;
    } catch (cause) {
      return cause instanceof KubeError ? cause : unreachable(cause);
    } finally {
      options.onRequest?.(call.method, code);
    }
  };

  return {
    async json<T>(sender: Sender, call: Call) {
      for (let attempt = 1; ; attempt += 1) {
        const outcome = await once(sender, call);
        if (!(outcome instanceof KubeError)) return outcome as T;
        const wait = retryDelayMs(outcome, call, attempt);
        if (wait === undefined) throw outcome;
        await clock.sleep(wait);
      }
    },
    async stream(sender, call, signal, verb) {
      let code = '0';
      try {
        const answer = await send(sender, call, {
          dispatcher: watches,
          signal,
          bodyTimeout: options.watchQuietMs ?? 90_000,
        });
        code = String(answer.statusCode);
        return answer;
      } finally {
        options.onRequest?.(verb, code);
      }
    },
    close: async () => void (await Promise.all([requests.destroy(), watches.destroy()])),
  };
};

/** A CA bundle that was rotated counts from the next connection on: those that are there were verified. */
const connectorOf = (connection: Connection): buildConnector.connector => {
  let current: { ca: string | undefined; connect: buildConnector.connector } | undefined;
  return (options, callback) => {
    try {
      const ca = typeof connection.ca === 'function' ? connection.ca() : connection.ca;
      if (!current || current.ca !== ca) {
        current = { ca, connect: buildConnector({ ...tlsOf({ ...connection, ca }), allowH2: false }) };
      }
    } catch (error) {
      return callback(error as Error, null); // the file could not be read: the next try may
    }
    current.connect(options, callback);
  };
};

const tlsOf = ({ ca, cert, key, insecure, serverName }: Connection): object => ({
  ...(ca === undefined ? {} : { ca }),
  ...(cert === undefined ? {} : { cert }),
  ...(key === undefined ? {} : { key }),
  ...(serverName === undefined ? {} : { servername: serverName }),
  rejectUnauthorized: insecure !== true,
});

const urlOf = (server: string, { path, query = {} }: Call): string => {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, value);
  const text = parameters.toString();
  return `${server.replace(/\/$/, '')}${path}${text === '' ? '' : `?${text}`}`;
};

const first = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header;

/**
 * Milliseconds until the next try; undefined when there should be none. The server did not process a request that it
 * answered with 429 or Retry-After, so any verb is retried. After a dropped connection the request may have been
 * processed, so only idempotent calls are retried. A timeout is returned to the caller.
 */
const retryDelayMs = (error: KubeError, call: Call, attempt: number): number | undefined => {
  const { status, retryAfterSeconds } = error;
  if (status === 429 || (status >= 500 && retryAfterSeconds !== undefined)) {
    const seconds = retryAfterSeconds ?? 1;
    const spread = 1 + Math.random() / 4; // those who were turned away together do not come back together
    return attempt < MAX_TRIES && seconds <= MAX_RETRY_AFTER_S ? seconds * 1000 * spread : undefined;
  }
  if (status !== 0 || attempt >= RESET_TRIES) return undefined;
  const code = (error.cause as { code?: string } | undefined)?.code ?? '';
  const again = NEVER_SENT.includes(code) || (CUT.includes(code) && call.repeatable === true);
  return again ? 100 * attempt : undefined;
};
