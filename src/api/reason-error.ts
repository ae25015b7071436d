import type { Reason } from './reasons.ts';

/**
 * What stops a sync, for people to read: `code` is a reason of the catalogue, as the Ready condition shows it, and the
 * message holds no credentials. Whatever is thrown beside it is a mistake of ours, or the API server's answer.
 */
export class ReasonError extends Error {
  override name = 'ReasonError';
  readonly code: Reason;

  constructor(code: Reason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
