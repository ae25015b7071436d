import type { Release, Service } from './world.ts';

/** Times are milliseconds since the epoch. */
export interface Rollback {
  service: string;
  /** Releases that are kept out, and the one that runs instead: their digests. */
  rejected: readonly string[];
  target: string;
  at: number;
}

/** The release that a rollback brought back. */
export interface Restored {
  service: Service;
  release: Release;
  /** Of its pods now: one that differs from the rejected release by configuration alone gets new pods by a restart. */
  revision: string;
  rejected: readonly string[];
  appliedAt: number;
  readyAt: number;
}

/** What the incident of a rollback found, and how long that took. */
export interface Recovery {
  /** Open: neither was found. */
  found: 'Recovered' | 'Misjudged' | 'Open';
  ms: number;
  /** Rollbacks of others meanwhile. */
  others: number;
}
