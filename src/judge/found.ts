import type { VerdictEvidence } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';

/** What one piece of evidence says. */
export interface Found extends VerdictEvidence {
  /** Of the verdict, where this decides it and the release is not Guilty. */
  reason: Reason;
}
