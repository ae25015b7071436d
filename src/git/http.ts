import { type Dispatcher, request } from 'undici';
import { ReasonError } from '../api/reason-error.ts';
import { atMost, authorizationOf, reasonsOf } from '../http/outgoing.ts';
import { tooLarge } from './errors.ts';
import { megabytes } from './limits.ts';
import type { GitRequest, Transport } from './transport.ts';
import type { GitSource } from './types.ts';

const MAX_REDIRECTS = 3;

/** @param signal ends with the caller's patience; errors do not name its reason, but how long it was */
export const createGitHttp = (
  { url, credentials }: Pick<GitSource, 'url' | 'credentials'>,
  { agent, signal, timeoutMs }: { agent: Dispatcher; signal: AbortSignal; timeoutMs: number },
): Transport => {
  const base = url.replace(/\/+$/, '');
  const authorization = authorizationOf(credentials);
  const patience = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, patience]);

  const reached = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ReasonError) throw error;
      const why = patience.aborted ? `it took longer than ${timeoutMs / 1000} s` : reasonsOf(error);
      throw new ReasonError('RepositoryUnreachable', `${url} can't be reached: ${why}`, error);
    }
  };

  const send = async (target: string, call: GitRequest, redirects: number): Promise<Dispatcher.ResponseData> => {
    const answer = await request(target, {
      dispatcher: agent,
      method: call.body === undefined ? 'GET' : 'POST',
      headers: { 'user-agent': 'git/metricops', ...(authorization && { authorization }), ...call.headers },
      signal: either,
      ...(call.body === undefined ? {} : { body: call.body }),
    });
    answer.body.on('error', () => {}); // also passed to the reader, if there is one
    const location = [answer.headers.location].flat()[0];
    if (answer.statusCode >= 300 && answer.statusCode < 400 && location !== undefined) {
      answer.body.destroy();
      return send(redirected(target, location, redirects), call, redirects + 1);
    }
    if (answer.statusCode === 200) return answer;
    answer.body.destroy();
    throw refusal(url, answer.statusCode, credentials?.account);
  };

  return {
    async ask(call) {
      const answer = await reached(() => send(`${base}${call.path}`, call, 0));
      const tooMuch = () => tooLarge(`${url} sends more than ${megabytes(call.maxBytes)} at once`);
      const body = atMost(answer.body, call.maxBytes, { reached, tooLarge: tooMuch });
      return { contentType: String(answer.headers['content-type'] ?? ''), body };
    },
    close() {}, // connections are kept for the next one
  };
};

const refusal = (url: string, status: number, account: string | undefined): ReasonError => {
  if (status === 401 || status === 403) {
    const what = account === undefined ? 'the Secret of spec.source.git.secretRef' : `what ${account} may read there`;
    return new ReasonError('AuthenticationFailed', `${url} answered ${status}: check ${what}`);
  }
  if (status === 404) {
    const hint = 'check spec.source.git.url, and whether it needs credentials';
    return new ReasonError('RepositoryNotFound', `${url} answered 404: ${hint}`);
  }
  return new ReasonError('RepositoryUnreachable', `${url} answered ${status}`);
};

/** Credentials go to the host that they were given for, and nowhere else. */
const redirected = (from: string, location: string, redirects: number): string => {
  const target = new URL(location, from);
  if (target.origin !== new URL(from).origin) {
    throw new ReasonError(
      'RepositoryUnreachable',
      `the server redirects to ${target.origin}; set that URL in spec.source.git.url`,
    );
  }
  if (redirects >= MAX_REDIRECTS) {
    throw new ReasonError('RepositoryUnreachable', `the server redirects more than ${MAX_REDIRECTS} times`);
  }
  return target.href;
};
