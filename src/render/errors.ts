import type { Reason } from '../api/reasons.ts';

/** What a repository holds can't be made into objects. `code` is a reason of the catalogue. */
export class RenderError extends Error {
  override name = 'RenderError';
  readonly code: Reason;

  constructor(code: Reason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
