import type { SilenceAnswer } from '../alertmanager/index.ts';
import type { Hold, RollbackHold } from '../api/hold.ts';
import type { Incident, Verdict } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import type { Release, ReleaseRecords, RestorableRelease } from '../api/release-history.ts';
import type { Guardrails, Objective } from '../api/rollback-policy.ts';
import type { Answer } from '../holds/index.ts';
import type { RestoredRatio } from '../judge/index.ts';
import type { Unpulled } from '../release/index.ts';
import type { Waiting } from './arbiter.ts';
import type { Limit } from './limits.ts';
import type { Companion } from './one-commit.ts';

/** Why the target of a Hold would be refused, in words; undefined: it would not. Rejects with KubeError. */
export type RefusalOfTarget = (hold: Hold) => Promise<string | undefined>;

export interface Refusal {
  /** Of the API server. */
  message: string;
  /** The same request is refused again until a person changes something. */
  isFinal: boolean;
}

/** Everything outside of the incident that a decision depends on. Times are milliseconds since the epoch. */
export interface Observation {
  history: ReleaseRecords;
  /** The release under suspicion, as it is recorded. */
  suspect: Release | undefined;
  policy: Guardrails;
  /** Of the policy that guards the workload; none where no policy does. */
  objectives: readonly Objective[];
  /** What Prometheus says of the suspect; undefined: it was not asked. */
  verdict: Verdict | undefined;
  /** Why a person has to agree to the verdict even where the mode is Auto. */
  caution: string | undefined;
  /** What a rollback would go to, or why there is nothing. */
  target: { release: RestorableRelease } | { release: undefined; reason: Reason; message: string };
  /** Whether somebody made sure that the pods of the target find what they need. */
  isTargetFit: boolean;
  /** The Hold that keeps the suspect out: of the incident's own name, or any other. */
  hold: RollbackHold | undefined;
  /** Why the API server did not take the proposed Hold the last time. */
  refusal: Refusal | undefined;
  /** Another incident of the same event that is decided first. */
  waiting: Waiting | undefined;
  /** Others that one commit changed, and that go back with it. */
  companions: readonly Companion[];
  /** What a dry run of all their targets refused, in words; undefined: none was made. */
  refused: readonly string[] | undefined;
  /** What a person answered, where no rollback comes of it. */
  answer: Answer | undefined;
  /** metricops.dev/pause on the workload. */
  paused: boolean;
  /** The workload was deleted. */
  missing: boolean;
  /** Flux, Argo CD or Helm, when it would undo a rollback. */
  otherTool: string | undefined;
  /** Times of earlier rollbacks of this workload, counted from stored objects. */
  rollbacks: readonly number[];
  /** Milliseconds from the end of a burn until Alertmanager sends the end of its alert. */
  alertDelay: number;
  /** Of the namespace and of the cluster; undefined: nobody counted. */
  sharedLimits: readonly Limit[] | undefined;
  /** The incident of a release that came after the suspect; undefined: there is one already, or nothing fires. */
  successor: Incident | undefined;
  /** Whether people silenced the alerts that fire; undefined: nobody was asked. */
  silence: SilenceAnswer | undefined;
  /** A Hold took the workload back to the release that is current. */
  isRollbackResult: boolean;
  /** Whether the workload's pods are those of the target and all ready. */
  restored: boolean;
  /** Whether the budget still burns, Unknown where Prometheus can't say; undefined: it was not asked. */
  burning: boolean | 'Unknown' | undefined;
  /** What the restored release fails by itself, Unknown where nobody could count; undefined: it was not asked. */
  restoredRatio: RestoredRatio | 'Unknown' | undefined;
  /** A container whose image no pod of the restored release gets; undefined: they get it, or nothing was rolled back. */
  unpulled: Unpulled | undefined;
  /** A GitSync applies the workload: it applies what Git says again when no Hold is in the way. */
  isOfGitSync: boolean;
  /** Some alert of this incident has not been resolved. */
  firing: boolean;
  /** When the incident was opened. */
  opened: number;
}
