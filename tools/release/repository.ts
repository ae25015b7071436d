import type { Commit } from './changelog.ts';
import { ReleaseError, run } from './process.ts';

/** The checkout that a release is made from. */
export interface Repository {
  /** Of the commit, in seconds: what is packed has no later time, so that the same commit gives the same files. */
  epoch: number;
  commits: Commit[];
}

/**
 * @param version a tag of it is not the end of the version before
 * @param since a revision instead of the newest tag
 */
export const readRepository = async (
  root: string,
  { version, since, dirty }: { version: string; since: string | undefined; dirty: boolean },
): Promise<Repository> => {
  const git = (...args: string[]): Promise<string> =>
    run('git', args, {
      cwd: root,
      next: 'A release is made in a clone of the repository, with its tags: git fetch --tags',
    });
  const changed = (await git('status', '--porcelain')).trim();
  if (changed !== '' && !dirty)
    throw new ReleaseError(
      `The tree has changes that no commit has, so nobody could build this release again:\n${changed.split('\n').slice(0, 10).join('\n')}`,
      'Commit them, or build a release to try out with --dirty.',
    );
  const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? (await git('log', '-1', '--format=%ct')));
  const tags = (await git('tag', '--list', 'v*', '--merged', 'HEAD', '--sort=-v:refname')).split('\n');
  const start = since ?? tags.find((tag) => tag !== '' && tag !== `v${version}`);
  const range = start === undefined ? ['HEAD'] : [`${start}..HEAD`];
  const log = await git('log', '--no-merges', '-z', '--format=%H%x1f%s%x1f%b', ...range);
  const commits = log.split('\0').flatMap((text) => {
    const [hash = '', subject = '', body = ''] = text.split('\x1f');
    return hash === '' ? [] : [{ hash: hash.trim(), subject, body }];
  });
  return { epoch, commits };
};
