import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git';
import { Agent, request } from 'undici';
import { GitError } from './types.ts';

export interface GitHttp {
  /** The port that isomorphic-git takes; each of its requests has this long, body included. */
  within(timeoutMs: number): HttpClient;
  close(): Promise<void>;
}

const MAX_REDIRECTS = 3;

/**
 * isomorphic-git's HTTP port, with what it lacks: a time-out, a cap, a private CA, and redirects that stay on their host.
 * @param maxBytes of one answer; a repository that sends more is refused
 */
export const createGitHttp = ({ maxBytes, ca }: { maxBytes: number; ca?: string | undefined }): GitHttp => {
  const dispatcher = new Agent({
    connections: 4,
    keepAliveTimeout: 10_000,
    connect: { timeout: 10_000, ...(ca === undefined ? {} : { ca }) },
  });

  const send = async (call: GitHttpRequest, timeoutMs: number, redirects: number): Promise<GitHttpResponse> => {
    const method = call.method ?? 'GET';
    const body = call.body === undefined ? undefined : Buffer.concat(await collect(call.body));
    const answer = await request(call.url, {
      dispatcher,
      method: method as 'GET',
      headers: { 'user-agent': 'git/metricops', ...call.headers },
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body }),
    });
    const location = [answer.headers.location].flat()[0];
    if (answer.statusCode >= 300 && answer.statusCode < 400 && location !== undefined) {
      await answer.body.dump();
      const url = redirected(call.url, location, redirects);
      return send({ ...call, url, ...(body === undefined ? {} : { body: once(body) }) }, timeoutMs, redirects + 1);
    }
    return {
      url: call.url,
      method,
      statusCode: answer.statusCode,
      statusMessage: String(answer.statusCode),
      headers: Object.fromEntries(Object.entries(answer.headers).map(([k, v]) => [k, String(v)])),
      body: capped(answer.body, maxBytes),
    };
  };

  return {
    within: (timeoutMs) => ({ request: (call) => send(call, timeoutMs, 0) }),
    close: () => dispatcher.close(),
  };
};

/** Credentials go to the host that they were given for, and nowhere else. */
const redirected = (from: string, location: string, redirects: number): string => {
  const target = new URL(location, from);
  if (target.origin !== new URL(from).origin) {
    throw new GitError('RepositoryUnreachable', `the server redirects to ${target.origin}; set that URL in spec.url`);
  }
  if (redirects >= MAX_REDIRECTS) {
    throw new GitError('RepositoryUnreachable', `the server redirects more than ${MAX_REDIRECTS} times`);
  }
  return target.href;
};

const collect = async (body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array[]> => {
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
      const limit = `${Math.round(maxBytes / 1e6)} MB`;
      throw new GitError('RepositoryTooLarge', `the server sends more than ${limit} for one fetch`);
    }
    yield chunk;
  }
}
