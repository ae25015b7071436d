import type { Reason } from '../api/reasons.ts';

/** `code` is a reason of the catalogue. Messages hold no credentials. */
export class GitError extends Error {
  override name = 'GitError';
  readonly code: Reason;

  constructor(code: Reason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** A pack, or the copy of one on disk, is not as Git says: fetching it afresh may help. */
export const damaged = (what: string, cause?: unknown): GitError =>
  new GitError('RepositoryDamaged', `the repository's data is damaged: ${what}`, cause);

export const isDamaged = (error: unknown): boolean => error instanceof GitError && error.code === 'RepositoryDamaged';

export const tooLarge = (message: string): GitError => new GitError('RepositoryTooLarge', message);
