const MiB = 1 << 20;

/** Of Alertmanager: 8 MiB are some 5,000 alerts; beyond it, max_alerts belongs into its configuration. */
export const ALERT_BODIES = {
  perBody: 8 * MiB,
  total: 24 * MiB,
  perAddress: 16 * MiB,
  deadlineMs: 10_000,
  busy: 503,
} as const;
/** Of hooks: a push with 2,048 commits, the most that GitHub lists, is below 1 MiB. */
export const HOOK_BODIES = { perBody: MiB, total: 8 * MiB, perAddress: 4 * MiB, deadlineMs: 5_000, busy: 429 } as const;
/** A push that comes again within this time is one with the others of that time. */
export const PUSH_EVERY_MS = 1_000;

/** Requests of one remote address: so many at once, and then so many a second. */
export interface Rate {
  capacity: number;
  perSecond: number;
  /** Answered beyond it. Alertmanager repeats on 5xx only. */
  beyond: 429 | 503;
}
/** An Alertmanager that groups by everything sends each alert by itself, and all that it has after an outage of ours. */
export const ALERTS_RATE: Rate = { capacity: 500, perSecond: 200, beyond: 503 };
/** One address may be a whole node's, behind its NAT: all of its pods may start at once. */
export const RECORDS_RATE: Rate = { capacity: 500, perSecond: 50, beyond: 429 };
