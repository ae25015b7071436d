import fs, { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import git, { type HttpClient } from 'isomorphic-git';
import type { GitRef } from '../api/gitsync.ts';
import { createGitHttp } from './http.ts';
import { createTree } from './tree.ts';
import { GitError, type GitSource, type GitTree } from './types.ts';

/** One bare copy of one repository, shared by all GitSyncs that name it with the same credentials. */
export interface Mirror {
  resolve(ref: GitRef, timeoutMs: number): Promise<{ revision: string; commit: string }>;
  open(ref: GitRef, commit: string, timeoutMs: number): Promise<GitTree>;
}

/** isomorphic-git does not collect garbage: after so many packs the mirror is made anew. */
const MAX_FETCHES = 200;

export const createMirror = (
  gitdir: string,
  source: Pick<GitSource, 'url' | 'credentials'>,
  maxBytes: number,
): Mirror => {
  const { url, credentials } = source;
  // A copy for each call: isomorphic-git writes its protocol version into what it is given.
  const headers = (): Record<string, string> => authorization(credentials);
  const httpOf = (timeoutMs: number): HttpClient => createGitHttp({ timeoutMs, maxBytes, ca: credentials?.ca });
  let cache = {};
  let fetches = 0;
  /** Fetches of one repository go one after another: they share the folder. */
  let busy: Promise<unknown> = Promise.resolve();

  const has = async (commit: string): Promise<boolean> =>
    git.readCommit({ fs, gitdir, oid: commit, cache }).then(
      () => true,
      () => false,
    );

  const fetch = async (ref: GitRef, commit: string, timeoutMs: number): Promise<void> => {
    if (fetches >= MAX_FETCHES) {
      await rm(gitdir, { recursive: true, force: true });
      fetches = 0;
    }
    const fresh = !existsSync(gitdir);
    if (fresh) {
      cache = {};
      await mkdir(gitdir, { recursive: true });
      await git.init({ fs, gitdir, bare: true, defaultBranch: 'main' });
      await git.addRemote({ fs, gitdir, remote: 'origin', url, force: true });
    }
    fetches += 1;
    const name = nameOf(ref);
    const common = {
      fs,
      http: httpOf(timeoutMs),
      gitdir,
      url,
      remote: 'origin',
      cache,
      headers: headers(),
      tags: false,
    };
    // Shallow only the first time: with a depth, every later fetch would bring everything again.
    const depth = fresh && name !== undefined ? { depth: 1 } : {};
    await git.fetch({
      ...common,
      ...(name === undefined ? { singleBranch: false } : { ref: name, singleBranch: true }),
      ...depth,
    });
    // What the next fetch says that it has are the local refs: they must follow.
    if (name !== undefined) await git.writeRef({ fs, gitdir, ref: `refs/heads/${name}`, value: commit, force: true });
    if (!(await has(commit))) {
      throw new GitError('RefNotFound', `commit ${commit} is not reachable from a branch of ${url}`);
    }
  };

  return {
    async resolve(ref, timeoutMs) {
      if (ref.commit !== undefined) return { revision: ref.commit, commit: ref.commit };
      const full = ref.tag === undefined ? `refs/heads/${ref.branch}` : `refs/tags/${ref.tag}`;
      const refs = await explain(url, () =>
        git.listServerRefs({
          http: httpOf(timeoutMs),
          url,
          headers: headers(),
          prefix: full,
          peelTags: true,
          protocolVersion: 2,
        }),
      );
      const found = refs.find((r) => r.ref === full);
      if (!found)
        throw new GitError(
          'RefNotFound',
          `${url} has no ${ref.tag === undefined ? `branch ${ref.branch}` : `tag ${ref.tag}`}`,
        );
      const commit = found.peeled ?? found.oid;
      return { revision: `${ref.tag ?? ref.branch}@${commit}`, commit };
    },
    async open(ref, commit, timeoutMs) {
      const turn = busy.then(async () => {
        if (!(await has(commit))) await explain(url, () => fetch(ref, commit, timeoutMs));
      });
      busy = turn.catch(() => {}); // the next one in the queue has its own luck
      await turn;
      return createTree({ gitdir, commit, cache });
    },
  };
};

const nameOf = (ref: GitRef): string | undefined => ref.branch ?? ref.tag;

const authorization = (credentials: GitSource['credentials']): Record<string, string> => {
  if (credentials?.token !== undefined) return { Authorization: `Bearer ${credentials.token}` };
  if (credentials?.username === undefined && credentials?.password === undefined) return {};
  const pair = `${credentials.username ?? ''}:${credentials.password ?? ''}`;
  return { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
};

/** What went wrong in words of the catalogue. */
const explain = async <T>(url: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GitError) throw error;
    const { code, data } = error as { code?: string; data?: { statusCode?: number } };
    const status = code === 'HttpError' ? data?.statusCode : undefined;
    if (status === 401 || status === 403) {
      throw new GitError(
        'AuthenticationFailed',
        `${url} answered ${status}: check the Secret of spec.secretRef`,
        error,
      );
    }
    if (status === 404) {
      throw new GitError(
        'RepositoryNotFound',
        `${url} answered 404: check spec.url, and whether it needs credentials`,
        error,
      );
    }
    if (status !== undefined) throw new GitError('RepositoryUnreachable', `${url} answered ${status}`, error);
    if (code === 'NotFoundError') throw new GitError('RefNotFound', `${url} does not have what was asked for`, error);
    const reason = [error, (error as Error).cause].filter((e) => e instanceof Error).map((e) => e.message || e.name);
    throw new GitError('RepositoryUnreachable', `${url} can't be reached: ${reason.join(': ')}`, error);
  }
};
