import { type Dispatcher, request } from 'undici';
import { ReasonError } from '../api/reason-error.ts';
import { refuseForbiddenAddress } from '../http/addresses.ts';
import { atMost, reasonsOf } from '../http/outgoing.ts';
import { CHART_LIMITS } from './limits.ts';

export interface WebRequest {
  maxBytes: number;
  headers?: Record<string, string>;
  /** Goes to the host of the URL, and to none that it redirects to. */
  authorization?: string | undefined;
  /** Statuses beside 200 that are answers; none by default. */
  answers?: readonly number[];
}

export interface WebAnswer {
  /** After redirects. */
  url: string;
  status: number;
  headers: Dispatcher.ResponseData['headers'];
  /** Throws ReasonError, also where it has more bytes than were asked for. */
  body: AsyncIterable<Buffer>;
}

/** GET of what a tenant names, and of what that leads to. Rejects with ReasonError. */
export type Web = (url: string, wanted: WebRequest) => Promise<WebAnswer>;

export interface WebPorts {
  agent: Dispatcher;
  signal: AbortSignal;
  /** Raised when all requests together have taken too long. */
  deadline: AbortSignal;
  timeoutMs: number;
  /** Throws ReasonError for a host that the platform does not allow. */
  refuse(url: string): void;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export const createWeb = ({ agent, signal, deadline, timeoutMs, refuse }: WebPorts): Web => {
  const get = async (url: string, wanted: WebRequest): Promise<WebAnswer> => {
    const patience = AbortSignal.timeout(Math.min(timeoutMs, CHART_LIMITS.requestMs));
    const either = AbortSignal.any([signal, deadline, patience]);

    const reached = async <T>(work: () => Promise<T>): Promise<T> => {
      try {
        return await work();
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof ReasonError) throw error;
        const why = patience.aborted || deadline.aborted ? 'it took too long' : reasonsOf(error);
        throw new ReasonError('RepositoryUnreachable', `${shown(url)} can't be reached: ${why}`, error);
      }
    };

    const send = async (target: URL, redirects: number): Promise<WebAnswer> => {
      refuse(target.href);
      refuseForbiddenAddress(target.href);
      const isHome = target.origin === new URL(url).origin;
      const answer = await request(target, {
        dispatcher: agent,
        headers: {
          'user-agent': 'metricops',
          ...wanted.headers,
          ...(isHome && wanted.authorization !== undefined && { authorization: wanted.authorization }),
        },
        signal: either,
      });
      answer.body.on('error', () => {}); // also passed to the reader, if there is one
      const { statusCode: status, headers } = answer;
      const location = [headers.location].flat()[0];
      if (REDIRECTS.has(status) && location !== undefined) {
        answer.body.destroy();
        return send(redirected(target, location, redirects), redirects + 1);
      }
      if (status === 200 || wanted.answers?.includes(status)) {
        const message = `${shown(target.href)} has more bytes than ${wanted.maxBytes} are taken`;
        const tooLarge = () => new ReasonError('ChartRefused', message);
        return { url: target.href, status, headers, body: atMost(answer.body, wanted.maxBytes, { reached, tooLarge }) };
      }
      answer.body.destroy();
      throw refusal(shown(target.href), status);
    };

    return reached(() => send(new URL(url), 0));
  };
  return get;
};

/** All of an answer. */
export const bytesOf = async ({ body }: WebAnswer): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
};

/** An answer that should be a JSON object. */
export const jsonOf = async (answer: WebAnswer): Promise<Record<string, unknown>> => {
  const text = (await bytesOf(answer)).toString();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // said below
  }
  throw new ReasonError('RepositoryUnreachable', `${shown(answer.url)} answers with no JSON object`);
};

/** Where a download really is: a signature in the query lets whoever has it in. */
export const shown = (url: string): string => url.replace(/[?#].*$/s, '');

const redirected = (from: URL, location: string, redirects: number): URL => {
  const target = URL.parse(location, from.href);
  const isSafe = target && (target.protocol === 'https:' || (target.protocol === 'http:' && from.protocol === 'http:'));
  if (!isSafe)
    throw new ReasonError('RepositoryUnreachable', `${shown(from.href)} redirects to what is no https:// address`);
  if (redirects < CHART_LIMITS.redirects) return target;
  throw new ReasonError(
    'RepositoryUnreachable',
    `${shown(from.href)} redirects more than ${CHART_LIMITS.redirects} times`,
  );
};

const refusal = (url: string, status: number): ReasonError => {
  if (status === 401 || status === 403) {
    const hint = 'check the Secret of spec.render.helm.chart.secretRef';
    return new ReasonError('AuthenticationFailed', `${url} answered ${status}: ${hint}`);
  }
  if (status === 404) {
    const hint = 'check spec.render.helm.chart, and whether it needs credentials';
    return new ReasonError('ChartNotFound', `${url} answered 404: ${hint}`);
  }
  return new ReasonError('RepositoryUnreachable', `${url} answered ${status}`);
};
