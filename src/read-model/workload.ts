import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import type { RollbackPolicy } from '../api/rollback-policy.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { holdsOf, workloadOf } from '../holds/index.ts';
import { guardingPolicyAmong } from '../policy/guard.ts';
import { type HoldView, holdView } from './hold.ts';
import { byUrgency, type IncidentSummary, incidentSummary, isOpen } from './incident.ts';
import { type PolicyView, policyView } from './policy.ts';
import { type ReleaseView, releaseViews } from './release.ts';

export interface WorkloadView {
  workload: WorkloadKey;
  currentRelease: number | undefined;
  /** Number of the release that a rollback would go to. */
  lastGoodRelease: number | undefined;
  /** Newest first. */
  releases: ReleaseView[];
  /** The RollbackPolicy that counts; undefined: none names or selects the workload. */
  policy: PolicyView | undefined;
  /** All that counts for it, whatever the action. */
  holds: HoldView[];
  /** Open ones, the most urgent first. */
  incidents: IncidentSummary[];
}

/** @param objects of the workload's namespace or of several; those of other workloads are left out */
export const workloadView = (
  workload: WorkloadKey,
  objects: {
    /** undefined: it was deleted. */
    object: KubeObject | undefined;
    history: ReleaseHistory | undefined;
    holds: readonly Hold[];
    incidents: readonly Incident[];
    policies: readonly RollbackPolicy[];
  },
): WorkloadView => {
  const { object, history, holds, incidents, policies } = objects;
  const policy = guardingPolicyAmong(policies)(workload, object);
  return {
    workload,
    currentRelease: history?.spec.currentRelease,
    lastGoodRelease: history?.spec.lastGoodRelease,
    releases: releaseViews(history),
    policy: policy && policyView(policy),
    holds: holdsOf(holds, workload).map(holdView),
    incidents: incidents
      .filter((incident) => isOpen(incident) && isOf(incident, workload))
      .toSorted(byUrgency)
      .map(incidentSummary),
  };
};

const isOf = (incident: Incident, { kind, namespace, name }: WorkloadKey): boolean => {
  const of = workloadOf(incident);
  return of.kind === kind && of.namespace === namespace && of.name === name;
};
