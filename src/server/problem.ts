import { type Reason, reasons } from '../api/reasons.ts';

/** A request that is refused, in the words of the catalogue. */
export class Problem extends Error {
  override name = 'Problem';
  readonly status: number;
  readonly code: Reason;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    code: Reason,
    options: { message?: string; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(options.message ?? reasons[code].means, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The one shape of every error answer. */
export const bodyOf = (code: Reason, message: string = reasons[code].means): object => ({
  code,
  message,
  next: reasons[code].next,
});
