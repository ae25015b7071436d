import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import type { ServiceLevelObjective } from '../api/slo.ts';
import type { WorkloadKind } from '../api/workload.ts';
import type { WatchCache } from '../kube/index.ts';
import type { PlatformPolicyWatch } from '../policy/platform-policy.ts';

/** What decisions read: watched copies over the whole cluster, so that an alert costs no reads. */
export interface Caches {
  incidents: WatchCache<Incident>;
  holds: WatchCache<Hold>;
  histories: WatchCache<ReleaseHistory>;
  slos: WatchCache<ServiceLevelObjective>;
  /** What the operator of the platform allows. */
  platform: PlatformPolicyWatch;
  namespaces: WatchCache;
  workloads: Record<WorkloadKind, WatchCache>;
}
