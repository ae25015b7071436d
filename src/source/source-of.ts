import type { GitSync } from '../api/gitsync.ts';
import type { Reason } from '../api/reasons.ts';
import type { GitSource } from '../git/index.ts';
import { fetchTimeoutOf } from './backoff.ts';
import type { Credentials } from './credentials.ts';

/** A sync can't go on; `code` is the reason of its Ready condition. */
export class SyncError extends Error {
  override name = 'SyncError';
  readonly code: Reason;

  constructor(code: Reason, message: string) {
    super(message);
    this.code = code;
  }
}

export const sourceOf = async (sync: GitSync, credentials: Credentials): Promise<GitSource> => {
  const { url, ref, secretRef } = sync.spec;
  const namespace = sync.metadata.namespace ?? '';
  const secret = secretRef && (await credentials.read({ namespace, name: secretRef.name }));
  return { url, ref, timeoutMs: fetchTimeoutOf(sync), ...(secret ? { credentials: secret } : {}) };
};
