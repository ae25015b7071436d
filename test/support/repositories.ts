import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { ReasonError } from '../../src/api/reason-error.ts';
import type { FileTree } from '../../src/file-tree.ts';
import type { GitRoom } from '../../src/git/index.ts';

export interface Repositories {
  room: GitRoom;
  /** The repository at this URL has these files now; returns the commit. */
  commit(url: string, files: Record<string, string>): string;
  /** What asking it ends with instead; undefined: it answers again. */
  answer(url: string, instead: (() => Promise<never>) | undefined): void;
  /** `resolve URL` and `read URL`, in order. */
  asked: string[];
}

const hashOf = (value: unknown): string => createHash('sha1').update(JSON.stringify(value)).digest('hex');

/** Git repositories in memory, of plain files: for tests in which Git is not what is looked at. */
export const createRepositories = (): Repositories => {
  const heads = new Map<string, { commit: string; files: Record<string, string> }>();
  const commits = new Map<string, Record<string, string>>();
  const instead = new Map<string, () => Promise<never>>();
  const asked: string[] = [];
  const treeOf = (url: string, commit: string): FileTree => {
    const files = commits.get(`${url} ${commit}`) ?? {};
    const below = (path: string): [string, string][] =>
      Object.entries(files).filter(([file]) => path === '.' || file === path || file.startsWith(`${path}/`));
    const oid = async (path: string): Promise<string | undefined> =>
      below(path).length > 0 ? hashOf(below(path)) : undefined;
    const none = async (): Promise<never> => {
      throw new Error('not in memory: use a Git server');
    };
    return {
      oid,
      oids: (paths) => Promise.all(paths.map(oid)),
      async texts(path, { pattern }) {
        asked.push(`read ${url}`);
        const texts = below(posix.normalize(path))
          .filter(([file]) => pattern.test(file))
          .map(([file, text]) => ({ file, text }));
        return { oid: (await oid(path)) ?? '', links: false, texts, bytes: texts.length };
      },
      files: none,
      folders: none,
      find: none,
      read: none,
      writeTo: none,
    };
  };
  return {
    asked,
    room: {
      async resolve({ url }) {
        asked.push(`resolve ${url}`);
        await instead.get(url)?.();
        const head = heads.get(url);
        if (!head) throw new ReasonError('RepositoryNotFound', `no repository at ${url}`);
        return { revision: `main@${head.commit}`, commit: head.commit };
      },
      open: async ({ url }, commit) => treeOf(url, commit),
    },
    commit(url, files) {
      const commit = hashOf([url, files, heads.get(url)?.commit]);
      heads.set(url, { commit, files });
      commits.set(`${url} ${commit}`, files);
      return commit;
    },
    answer(url, how) {
      if (how) instead.set(url, how);
      else instead.delete(url);
    },
  };
};
