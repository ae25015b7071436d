import type { GitSync } from '../api/gitsync.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import type { RollbackPolicy } from '../api/rollback-policy.ts';
import type { WorkloadKey } from '../api/workload.ts';
import type { WatchCache } from '../kube/index.ts';
import { type Guard, guardOf } from '../policy/guard.ts';
import type { PlatformPolicyWatch } from '../policy/platform-policy.ts';
import type { OwnerCaches } from '../release/index.ts';
import type { Calls } from './calls.ts';

/** What decisions read: watched copies over the whole cluster, so that an alert costs no reads. */
export interface Caches extends OwnerCaches {
  incidents: WatchCache<Incident>;
  holds: WatchCache<Hold>;
  histories: WatchCache<ReleaseHistory>;
  rollbackPolicies: WatchCache<RollbackPolicy>;
  /** What the operator of the platform allows. */
  platform: PlatformPolicyWatch;
  namespaces: WatchCache;
  /** With how their hooks ended. */
  syncs: WatchCache<GitSync>;
  /** undefined: no metrics say who calls whom. */
  calls?: Pick<Calls, 'of'> | undefined;
}

/** Which policy guards a workload now, and what may be done to it. */
export const guardFrom = (caches: Caches, key: WorkloadKey): Guard =>
  guardOf(
    key,
    caches.workloads[key.kind].get(key),
    caches.rollbackPolicies.list(key.namespace),
    caches.platform.current(),
  );
