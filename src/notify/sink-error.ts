import type { Reason } from '../api/reasons.ts';

/** An event was not taken. The message is for people, and has no part of an address but its host. */
export class SinkError extends Error {
  override name = 'SinkError';
  readonly reason: Extract<Reason, 'DeliveryFailed' | 'HostRefused' | 'NotDelivered' | 'SecretNotFound'>;
  /** Milliseconds until the sink wants to be asked again, where it says so. */
  readonly retryInMs: number | undefined;

  /** @param reason NotDelivered: it is not worth another try */
  constructor(
    reason: SinkError['reason'],
    message: string,
    options: { cause?: unknown; retryInMs?: number | undefined } = {},
  ) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.retryInMs = options.retryInMs;
  }
}
