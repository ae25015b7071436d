import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git';
import { Agent, request } from 'undici';
import { GitError } from './types.ts';

export interface GitHttpOptions {
  timeoutMs: number;
  /** Of one answer; a repository that sends more is refused. */
  maxBytes: number;
  ca?: string | undefined;
}

const MAX_REDIRECTS = 3;

/** isomorphic-git's HTTP port, with what it lacks: a time-out, a cap, a private CA, and redirects that stay on their host. */
export const createGitHttp = (options: GitHttpOptions): HttpClient => {
  const dispatcher = new Agent({
    connections: 4,
    keepAliveTimeout: 10_000,
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
    connect: { timeout: Math.min(options.timeoutMs, 10_000), ...(options.ca === undefined ? {} : { ca: options.ca }) },
  });
  const send = async (call: GitHttpRequest, redirects: number): Promise<GitHttpResponse> => {
    const body = call.body === undefined ? undefined : Buffer.concat(await collect(call.body));
    const answer = await request(call.url, {
      dispatcher,
      method: (call.method ?? 'GET') as 'GET',
      headers: { 'user-agent': 'git/metricops', ...call.headers },
      signal: AbortSignal.timeout(options.timeoutMs),
      ...(body === undefined ? {} : { body }),
    });
    const location = [answer.headers.location].flat()[0];
    if (answer.statusCode >= 300 && answer.statusCode < 400 && location !== undefined) {
      await answer.body.dump();
      const target = new URL(location, call.url);
      // Credentials go to the host that they were given for, and nowhere else.
      if (
        redirects >= MAX_REDIRECTS ||
        target.host !== new URL(call.url).host ||
        target.protocol !== new URL(call.url).protocol
      ) {
        throw new GitError(
          'RepositoryUnreachable',
          `the server redirects to ${target.origin}; set that URL in spec.url`,
        );
      }
      return send({ ...call, url: target.href, ...(body === undefined ? {} : { body: once(body) }) }, redirects + 1);
    }
    return {
      url: call.url,
      method: call.method ?? 'GET',
      statusCode: answer.statusCode,
      statusMessage: String(answer.statusCode),
      headers: Object.fromEntries(Object.entries(answer.headers).map(([k, v]) => [k, String(v)])),
      body: capped(answer.body, options.maxBytes),
    };
  };
  return { request: (call) => send(call, 0) };
};

const collect = async (body: AsyncIterable<Uint8Array> | AsyncIterableIterator<Uint8Array>): Promise<Uint8Array[]> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks;
};

async function* once(body: Uint8Array): AsyncIterableIterator<Uint8Array> {
  yield body;
}

async function* capped(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncIterableIterator<Uint8Array> {
  let total = 0;
  for await (const chunk of body) {
    total += chunk.length;
    if (total > maxBytes) {
      throw new GitError(
        'RepositoryTooLarge',
        `the server sends more than ${Math.round(maxBytes / 1e6)} MB for one fetch`,
      );
    }
    yield chunk;
  }
}
