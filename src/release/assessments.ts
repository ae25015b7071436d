import { annotations } from '../api/annotations.ts';
import { parseDuration } from '../api/common.ts';
import { type Hold, isRollback } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import type { ServiceLevelObjective } from '../api/slo.ts';
import type { WorkloadKey, WorkloadRef } from '../api/workload.ts';
import { effective, holdsOf } from '../holds/index.ts';
import type { WatchCache } from '../kube/index.ts';
import type { Judgements } from './history.ts';

export interface JudgementCaches {
  holds: WatchCache<Hold>;
  incidents: WatchCache<Incident>;
  slos: WatchCache<ServiceLevelObjective>;
}

export const DEFAULT_SOAK_MS = 600_000;

/**
 * What Holds, Incidents, objectives and people say about the releases of one workload.
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
  for (const { spec, status } of about(caches.incidents, key)) {
    const until = status ? suspicionEnd(status) : Number.POSITIVE_INFINITY;
    if (spec.suspect === undefined || until === undefined || accepted.has(spec.suspect.sourceDigest)) continue;
    if (Date.parse(status?.closedTime ?? '') <= (lifted.get(spec.suspect.sourceDigest) ?? Number.NaN)) continue;
    suspected.set(spec.suspect.sourceDigest, Math.max(until, suspected.get(spec.suspect.sourceDigest) ?? 0));
  }
  return {
    soakMs: soakOf(about(caches.slos, key)),
    rejected,
    accepted,
    suspected,
    targets: new Set(rollbacks.map((hold) => hold.spec.target.sourceDigest)),
  };
};

/** Names of the objectives that guard the workload, and the alerts that its annotation names. */
export const alertRulesOf = (
  key: WorkloadKey,
  workloadAnnotations: Record<string, string> | undefined,
  slos: WatchCache<ServiceLevelObjective>,
): string[] => {
  const named = workloadAnnotations?.[annotations.alerts]?.slice(0, 1024);
  return [
    ...about(slos, key)
      .map((slo) => slo.metadata.name)
      .sort(),
    ...(named ? [named] : []),
  ];
};

const about = <T extends Hold | Incident | ServiceLevelObjective>(cache: WatchCache<T>, key: WorkloadKey): T[] =>
  cache.list(key.namespace).filter((object) => isSame(workloadNamedBy(object), key));

/** An objective that guards it, a Hold or Incident of it. */
const workloadNamedBy = ({ spec }: Hold | Incident | ServiceLevelObjective): WorkloadRef =>
  'targetRef' in spec ? spec.targetRef : spec.workloadRef;

const isSame = (a: WorkloadRef, b: WorkloadRef): boolean => a.kind === b.kind && a.name === b.name;

/** From when the soak time of the suspect counts again; undefined when nothing is left against it. */
const suspicionEnd = ({ reason, verdict, closedTime }: NonNullable<Incident['status']>): number | undefined => {
  if (closedTime === undefined) return verdict?.result === 'NotGuilty' ? undefined : Number.POSITIVE_INFINITY;
  if (reason === 'ReleaseAccepted' || reason === 'HoldLifted') return undefined; // a person spoke
  if (verdict?.result === 'Guilty') return Number.POSITIVE_INFINITY;
  return verdict?.result === 'Inconclusive' ? Date.parse(closedTime) : undefined;
};

/** The longest soak time that an objective of the workload asks for. */
const soakOf = (slos: readonly ServiceLevelObjective[]): number =>
  slos.length === 0 ? DEFAULT_SOAK_MS : Math.max(...slos.map((slo) => parseDuration(slo.spec.policy?.soak ?? '10m')));
