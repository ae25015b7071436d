import { annotations } from '../api/annotations.ts';
import { parseDuration } from '../api/common.ts';
import { type Hold, isRollback } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Release } from '../api/release-history.ts';
import type { RollbackPolicy } from '../api/rollback-policy.ts';
import type { WorkloadKey, WorkloadKind } from '../api/workload.ts';
import { effective, holdsOf } from '../holds/index.ts';
import type { WatchCache } from '../kube/index.ts';
import { guardingPolicyAmong, guardrailsBy } from '../policy/guard.ts';
import type { Judgements } from './history.ts';
import type { Guilt } from './rejection.ts';

export interface JudgementCaches {
  holds: WatchCache<Hold>;
  incidents: WatchCache<Incident>;
  rollbackPolicies: WatchCache<RollbackPolicy>;
  workloads: Record<WorkloadKind, WatchCache>;
}

/**
 * What Holds, Incidents, the policy and people say about the releases of one workload.
 *
 * @param releases that are recorded: what was found before a release was lifted counts no more
 */
export const assessmentsOf = (key: WorkloadKey, releases: readonly Release[], caches: JudgementCaches): Judgements => {
  const holds = holdsOf(caches.holds.list(key.namespace), key);
  const rollbacks = holds.filter(isRollback);
  const rejected = new Map<string, { time: string; incident?: string | undefined }>();
  for (const { metadata, spec } of effective(rollbacks, holds)) {
    const time = metadata.creationTimestamp ?? new Date(0).toISOString();
    for (const digest of spec.rejectedDigests) rejected.set(digest, { time, incident: spec.incidentRef?.name });
  }
  const accepted = new Set(holds.flatMap(({ spec }) => spec.acceptedDigests ?? []));
  const lifted = new Map(releases.map((r) => [r.sourceDigest, Date.parse(r.liftedTime ?? '')]));
  const suspected = new Map<string, number>();
  const guilty = new Map<string, Guilt>();
  for (const { spec, status } of about(caches.incidents, key)) {
    const digest = spec.suspect?.sourceDigest;
    if (digest === undefined || accepted.has(digest)) continue;
    const isBeforeLift = Date.parse(status?.closedTime ?? '') <= (lifted.get(digest) ?? Number.NaN);
    const until = status ? suspicionEnd(status) : Number.POSITIVE_INFINITY;
    if (until === undefined || isBeforeLift) continue;
    suspected.set(digest, Math.max(until, suspected.get(digest) ?? 0));
    if (status?.verdict?.result === 'Guilty') guilty.set(digest, lastOf(guilty.get(digest), status));
  }
  return {
    soakMs: soakOf(key, caches),
    rejected,
    accepted,
    suspected,
    guilty,
    targets: new Set(rollbacks.map((hold) => hold.spec.target.sourceDigest)),
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
const suspicionEnd = ({ reason, verdict, closedTime }: NonNullable<Incident['status']>): number | undefined => {
  if (closedTime === undefined) return verdict?.result === 'NotGuilty' ? undefined : Number.POSITIVE_INFINITY;
  if (reason === 'ReleaseAccepted' || reason === 'HoldLifted') return undefined; // a person spoke
  if (reason === 'Misjudged') return undefined; // the verdict was wrong
  if (verdict?.result === 'Guilty') return Number.POSITIVE_INFINITY;
  // Nobody asked in mode Off: that is no innocence.
  return verdict?.result === 'Inconclusive' || reason === 'ModeOff' ? Date.parse(closedTime) : undefined;
};

/** One that is still open counts before any that is closed. */
const lastOf = (known: Guilt | undefined, { closedTime }: NonNullable<Incident['status']>): Guilt => {
  if (known === undefined || known.closedTime === undefined) return known ?? { closedTime };
  return { closedTime: closedTime !== undefined && closedTime < known.closedTime ? known.closedTime : closedTime };
};

const soakOf = (key: WorkloadKey, { rollbackPolicies, workloads }: JudgementCaches): number => {
  const policy = guardingPolicyAmong(rollbackPolicies.list(key.namespace))(key, workloads[key.kind].get(key));
  return parseDuration(guardrailsBy(policy).soak);
};
