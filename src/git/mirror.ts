import fs, { existsSync, readdirSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import git, { type PromiseFsClient } from 'isomorphic-git';
import type { GitRef } from '../api/gitsync.ts';
import { authorization, explain } from './explain.ts';
import { createGitHttp } from './http.ts';
import { checkPack } from './pack.ts';
import { packedFs } from './packed-fs.ts';
import { GitError, type GitSource } from './types.ts';

export interface MirrorOptions {
  /** Folder of its own; in it, a folder for each generation of the copy. */
  dir: string;
  /** Of one answer of the server. */
  maxBytes: number;
  /** What isomorphic-git keeps of a folder in memory. */
  cacheOf: (gitdir: string) => object;
}

/** One bare copy of one repository, shared by all GitSyncs that name it with the same credentials. */
export interface Mirror {
  resolve(ref: GitRef, timeoutMs: number): Promise<{ revision: string; commit: string }>;
  /** The folder in which the commit can be read; undefined when it has to be fetched. */
  locate(commit: string): Promise<string | undefined>;
  /** The same, after it was fetched where that was needed. Only one thread may do so. */
  open(ref: GitRef, commit: string, timeoutMs: number): Promise<string>;
  /** Ends its connections. */
  close(): Promise<void>;
}

/** isomorphic-git collects no garbage: after so many packs the mirror is made anew, beside the old one. */
const MAX_PACKS = 100;

/** "All of the history", for a server that was first asked for a depth. */
const ALL = 2 ** 31 - 1;

const PACK_LIMITS = { object: 64_000_000, total: 2_000_000_000 };

/** What isomorphic-git is about to index goes through a check first: this is the one place where it has the whole pack. */
const checked: PromiseFsClient = {
  promises: {
    ...packedFs.promises,
    writeFile: async (path: string, data: Buffer, options?: object) => {
      if (path.endsWith('.pack')) checkPack(data, PACK_LIMITS);
      return fs.promises.writeFile(path, data, options);
    },
  },
};

export const createMirror = (
  { url, credentials }: Pick<GitSource, 'url' | 'credentials'>,
  { dir, maxBytes, cacheOf }: MirrorOptions,
): Mirror => {
  const http = createGitHttp({ maxBytes, ca: credentials?.ca });
  /** Fetches of one repository go one after another: they share the folder. */
  let busy: Promise<unknown> = Promise.resolve();

  const gitdir = (): string => join(dir, String(newest(dir)));
  const repository = () => ({ fs: packedFs, gitdir: gitdir(), cache: cacheOf(gitdir()) });
  // A copy for each call: isomorphic-git writes its protocol version into what it is given.
  const remote = (timeoutMs: number) => ({ http: http.within(timeoutMs), url, headers: authorization(credentials) });

  /** The newest commit that was seen to be here; most questions are about it. */
  let newestHere: string | undefined;
  const has = async (commit: string): Promise<boolean> => {
    const place = `${gitdir()} ${commit}`;
    if (newestHere === place) return true;
    const found = await git.readCommit({ ...repository(), oid: commit }).then(
      () => true,
      () => false,
    );
    if (found) newestHere = place;
    return found;
  };
  const hasRef = (ref: string): Promise<boolean> =>
    git.resolveRef({ ...repository(), ref }).then(
      () => true,
      () => false,
    );

  const prepare = async (): Promise<void> => {
    const packs = await readdir(join(gitdir(), 'objects/pack')).catch(() => []);
    if (packs.filter((name) => name.endsWith('.pack')).length >= MAX_PACKS) {
      // Who reads the old generation goes on; the one before it has no readers any more.
      const generation = newest(dir);
      await rm(join(dir, String(generation - 1)), { recursive: true, force: true });
      await mkdir(join(dir, String(generation + 1)), { recursive: true });
    }
    if (existsSync(join(gitdir(), 'config'))) return;
    await mkdir(gitdir(), { recursive: true });
    await git.init({ ...repository(), bare: true, defaultBranch: 'main' });
    await git.addRemote({ ...repository(), remote: 'origin', url, force: true });
  };

  const fetchRef = async (ref: string, commit: string, timeoutMs: number): Promise<void> => {
    // Shallow only the first time: with a depth, every later fetch would bring everything again.
    const depth = (await hasRef(ref)) ? {} : { depth: 1 };
    const what = { ref, remoteRef: ref, singleBranch: true, tags: false, ...depth };
    await git.fetch({ ...repository(), fs: checked, remote: 'origin', ...remote(timeoutMs), ...what });
    // What the next fetch says that it has are the local refs: they must follow.
    if (await has(commit)) await git.writeRef({ ...repository(), ref, value: commit, force: true });
  };

  /** Every branch and tag with all that came before: the only way to a commit that no ref names. */
  const fetchAll = async (timeoutMs: number): Promise<void> => {
    const [some] = await git.listServerRefs({ ...remote(timeoutMs), prefix: 'refs/heads/', protocolVersion: 2 });
    if (!some) return;
    const depth = existsSync(join(gitdir(), 'shallow')) ? { depth: ALL } : {};
    const what = { remoteRef: some.ref, singleBranch: false, tags: true, ...depth };
    await git.fetch({ ...repository(), fs: checked, remote: 'origin', ...remote(timeoutMs), ...what });
  };

  const fetch = async (ref: GitRef, commit: string, timeoutMs: number): Promise<void> => {
    await prepare();
    const name = fullName(ref);
    if (name !== undefined) await fetchRef(name, commit, timeoutMs);
    // A branch can move on between the question and the fetch: the commit is then in its history.
    if (!(await has(commit))) await fetchAll(timeoutMs);
    if (!(await has(commit))) {
      throw new GitError('RefNotFound', `commit ${commit} is not reachable from a branch or tag of ${url}`);
    }
  };

  return {
    async resolve(ref, timeoutMs) {
      const name = fullName(ref);
      if (name === undefined) return { revision: ref.commit ?? '', commit: ref.commit ?? '' };
      const asked = { prefix: name, peelTags: true, protocolVersion: 2 } as const;
      const refs = await explain(url, () => git.listServerRefs({ ...remote(timeoutMs), ...asked }));
      const found = refs.find((r) => r.ref === name);
      if (!found) {
        const what = ref.tag === undefined ? `branch ${ref.branch}` : `tag ${ref.tag}`;
        throw new GitError('RefNotFound', `${url} has no ${what}; check spec.ref`);
      }
      const commit = found.peeled ?? found.oid;
      return { revision: `${ref.tag ?? ref.branch}@${commit}`, commit };
    },
    locate: async (commit) => ((await has(commit)) ? gitdir() : undefined),
    async open(ref, commit, timeoutMs) {
      const turn = busy.then(async () => {
        if (!(await has(commit))) await explain(url, () => fetch(ref, commit, timeoutMs));
        return gitdir();
      });
      busy = turn.catch(() => {}); // the next one in the queue has its own luck
      return turn;
    },
    async close() {
      await busy;
      await http.close();
    },
  };
};

/** In full: a branch and a tag may have the same name. */
const fullName = (ref: GitRef): string | undefined => {
  if (ref.commit !== undefined) return undefined;
  return ref.tag === undefined ? `refs/heads/${ref.branch}` : `refs/tags/${ref.tag}`;
};

const newest = (dir: string): number => {
  const names = existsSync(dir) ? readdirSync(dir).map(Number) : [];
  return Math.max(0, ...names.filter(Number.isInteger));
};
