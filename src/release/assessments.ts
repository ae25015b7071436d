import { annotations } from '../api/annotations.ts';
import { parseDuration } from '../api/common.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import type { RollbackPolicy } from '../api/rollback-policy.ts';
import type { WorkloadKey, WorkloadKind } from '../api/workload.ts';
import type { WatchCache } from '../kube/types.ts';
import { guardingPolicyAmong, guardrailsBy } from '../policy/guard.ts';
import type { Judgements } from './history.ts';

export interface JudgementCaches {
  holds: WatchCache<Hold>;
  incidents: WatchCache<Incident>;
  rollbackPolicies: WatchCache<RollbackPolicy>;
  workloads: Record<WorkloadKind, WatchCache>;
}

/** What Holds, Incidents, the policy and people say about the releases of one workload. */
export const assessmentsOf = (
  key: WorkloadKey,
  history: ReleaseHistory | undefined,
  caches: JudgementCaches,
): Judgements => {
  const holds = about(caches.holds, key);
  const rejected = new Map<string, { time: string; incident?: string | undefined }>();
  for (const { metadata, spec } of holds) {
    const time = metadata.creationTimestamp ?? new Date(0).toISOString();
    for (const digest of spec.rejectedDigests) rejected.set(digest, { time, incident: spec.incident });
  }
  const suspected = new Map<string, number>();
  for (const { spec, status } of about(caches.incidents, key)) {
    const until = status ? suspicionEnd(status) : Number.POSITIVE_INFINITY;
    if (spec.suspect === undefined || until === undefined) continue;
    suspected.set(spec.suspect.sourceDigest, Math.max(until, suspected.get(spec.suspect.sourceDigest) ?? 0));
  }
  return {
    soakMs: soakOf(key, caches),
    rejected,
    accepted: new Set(history?.metadata.annotations?.[annotations.acceptedDigests]?.split(',').filter(Boolean)),
    suspected,
    targets: new Set(holds.map((hold) => hold.spec.target.sourceDigest)),
  };
};

/** The policy that guards the workload, and the alerts that its annotation names. */
export const alertRulesOf = (
  key: WorkloadKey,
  workload: KubeObject | undefined,
  policies: WatchCache<RollbackPolicy>,
): string[] => {
  const policy = guardingPolicyAmong(policies.list(key.namespace))(key, workload);
  const named = workload?.metadata.annotations?.[annotations.alerts]?.slice(0, 1024);
  return [...(policy ? [policy.metadata.name] : []), ...(named ? [named] : [])];
};

const about = <T extends Hold | Incident>(cache: WatchCache<T>, key: WorkloadKey): T[] =>
  cache
    .list(key.namespace)
    .filter(({ spec }) => spec.workloadRef.kind === key.kind && spec.workloadRef.name === key.name);

/** From when the soak time of the suspect counts again; undefined when nothing is left against it. */
const suspicionEnd = ({ phase, verdict, closedTime }: NonNullable<Incident['status']>): number | undefined => {
  if (phase === 'Dismissed' || verdict?.result === 'NotGuilty') return undefined;
  if (verdict?.result === 'Guilty' || closedTime === undefined) return Number.POSITIVE_INFINITY;
  return Date.parse(closedTime);
};

const soakOf = (key: WorkloadKey, { rollbackPolicies, workloads }: JudgementCaches): number => {
  const policy = guardingPolicyAmong(rollbackPolicies.list(key.namespace))(key, workloads[key.kind].get(key));
  return parseDuration(guardrailsBy(policy).soak);
};
