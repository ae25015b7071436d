import { ReasonError } from '../api/reason-error.ts';

/** A pack, or the copy of one on disk, is not as Git says: fetching it afresh may help. */
export const damaged = (what: string, cause?: unknown): ReasonError =>
  new ReasonError('RepositoryDamaged', `the repository's data is damaged: ${what}`, cause);

export const isDamaged = (error: unknown): boolean =>
  error instanceof ReasonError && error.code === 'RepositoryDamaged';

export const tooLarge = (message: string): ReasonError => new ReasonError('RepositoryTooLarge', message);

/** A path, as messages name it. */
export const shortened = (path: string): string => (path.length > 100 ? `${path.slice(0, 100)}…` : path);
