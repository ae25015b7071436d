import type { WorkloadKey } from '../../api/workload.ts';
import type { SealedSnapshot } from '../../snapshot/index.ts';

/** What is written down for a release, sealed before its apply. */
export interface SealedRecording {
  workload: WorkloadKey;
  sealed: SealedSnapshot;
  /** What has to be applied, too, before it may be recorded: keyString, and hash of the plan. */
  config: { key: string; hash: string | undefined }[];
}

/** A release that is applied and that no rollback could go to. */
export interface Unrecorded {
  /** Why, in words. */
  why: string;
  /** Hash of the planned object that it is about. */
  hash: string | undefined;
  /** What is still to be written; undefined where the API server, or its size, says that it can't be. */
  recording?: SealedRecording;
  /** Nothing but time is needed. */
  again: boolean;
  told: boolean;
}
