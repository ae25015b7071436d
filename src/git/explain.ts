import { GitError, type GitSource } from './types.ts';

/** Runs what talks to the server; what goes wrong is told in words of the catalogue. */
export const explain = async <T>(url: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw error instanceof GitError ? error : explained(url, error);
  }
};

const explained = (url: string, error: unknown): GitError => {
  const { code, data } = error as { code?: string; data?: { statusCode?: number } };
  const status = code === 'HttpError' ? data?.statusCode : undefined;
  if (status === 401 || status === 403) {
    return new GitError('AuthenticationFailed', `${url} answered ${status}: check the Secret of spec.secretRef`, error);
  }
  if (status === 404) {
    const hint = 'check spec.url, and whether it needs credentials';
    return new GitError('RepositoryNotFound', `${url} answered 404: ${hint}`, error);
  }
  if (status !== undefined) return new GitError('RepositoryUnreachable', `${url} answered ${status}`, error);
  if (code === 'NotFoundError') return new GitError('RefNotFound', `${url} does not have what was asked for`, error);
  if (code === 'SmartHttpError' || code === 'ParseError') {
    return new GitError('RepositoryNotFound', `${url} answers, but not as a Git server does: check spec.url`, error);
  }
  const reasons = [error, (error as Error).cause].filter((e) => e instanceof Error).map((e) => e.message || nameOf(e));
  return new GitError('RepositoryUnreachable', `${url} can't be reached: ${reasons.join(': ')}`, error);
};

/** Node's own network errors can come without a message. */
const nameOf = (error: Error & { code?: string }): string => error.code ?? error.name;

export const authorization = (credentials: GitSource['credentials']): Record<string, string> => {
  if (credentials?.token !== undefined) return { Authorization: `Bearer ${credentials.token}` };
  if (credentials?.username === undefined && credentials?.password === undefined) return {};
  const pair = `${credentials.username ?? ''}:${credentials.password ?? ''}`;
  return { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
};
