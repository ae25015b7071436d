import { KubeError } from '../kube/index.ts';
import type { Account } from './types.ts';

/** What the API server refused, in the words of the account that asked: to be thrown on. */
export const explained =
  (account: Account) =>
  (error: unknown): never => {
    if (!(error instanceof KubeError)) throw error;
    const { status, reason, details, retryAfterSeconds } = error;
    throw new KubeError(account.wordsOf(error), { status, reason, details, retryAfterSeconds, cause: error });
  };
