import type { Incident, Measurement } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import type { Guardrails, MeasuredObjective, Objective } from '../api/rollback-policy.ts';
import type { RolloutEvidence } from '../release/index.ts';
import type { Queries, Selectors } from '../slo/index.ts';

/** What is asked of Prometheus, and about what. */
export interface Question {
  incident: Incident;
  suspect: Release | undefined;
  /** The release that was current just before the suspect. */
  before: Release | undefined;
  /** What ran before that, newest first, where releases came shortly after one another. */
  earlier?: readonly Release[] | undefined;
  /** Releases that came after the suspect, and are measured with it, as one. */
  together?: readonly Release[] | undefined;
  /** After a rollback: the release that it went to, as it is recorded now. */
  restored?: Release | undefined;
  /** Of the policy that guards the workload; none where no policy does. */
  objectives: readonly Objective[];
  guardrails: Guardrails;
  /** Workloads of the namespace whose alerts began at about the same time: without a new release, or called by this one. */
  neighbours: readonly Neighbour[];
  /** A check after the commit that brought the suspect, which failed. */
  check?: Measurement['check'] | undefined;
  /** Other workloads of the namespace that have objectives of their own, eight at most. */
  around: readonly {
    name: string;
    objectives: readonly MeasuredObjective[];
    /** The workload under suspicion depends on it. */
    isDependency?: boolean;
    /** The suspect's commit released it, too: that both burn says nothing, where they burn does. */
    isAsSuspect?: boolean;
  }[];
  /** A pod of the namespace by its name. undefined: it is gone, or nobody watches it. */
  podOf: (name: string) => Pod | undefined;
  /** Whether rules of this file may speak against the workload without a person's consent. */
  isTrustedRule: (file: string) => boolean;
  /** What the pods of the current release say; undefined: the incident has no evidence of them. */
  rollout?: { evidence: RolloutEvidence | undefined } | undefined;
  now: number;
}

export interface Pod {
  node: string | undefined;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** pod-template-hash or controller-revision-hash. */
  revision?: string | undefined;
}

export interface Neighbour {
  name: string;
  /** When its first alert began, in milliseconds since the epoch. */
  since: number;
  /** The workload under suspicion depends on it. */
  isDependency?: boolean;
}

/** The Prometheus that is asked, and the reader of what is asked. */
export interface Witness {
  prometheus: Queries;
  selectors: Selectors;
}
