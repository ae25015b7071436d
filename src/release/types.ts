import type { Reason } from '../api/reasons.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import type { Clock } from '../clock.ts';
import type { KubeClient, WatchCache } from '../kube/index.ts';
import type { SnapshotStore } from '../snapshot/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import type { Vitals } from '../vitals.ts';
import type { JudgementCaches } from './assessments.ts';
import type { OwnerCaches } from './identity.ts';
import type { TokenVerifier } from './verifier.ts';

/**
 * All are watched over the whole cluster. `workloads` with workloadCacheOptions, `replicaSets` with
 * replicaSetCacheOptions (or untrimmed); pods whole, or trimmed to metadata, spec.initContainers and status.
 */
export interface RecorderCaches extends OwnerCaches, JudgementCaches {
  namespaces: WatchCache;
  histories: WatchCache<ReleaseHistory>;
}

export interface RecorderPorts {
  client: KubeClient;
  caches: RecorderCaches;
  snapshots: SnapshotStore;
  clock: Clock;
  random: () => number;
  log: Log;
  metrics: Pick<Metrics, 'records' | 'missedInjections'>;
  /** Where the controller itself is installed. */
  systemNamespace: string;
  vitals?: Vitals;
  /** By default, one by the cluster's published keys and issuer. */
  verifier?: TokenVerifier;
}

export type RecordAnswer =
  /** 201: this report made the release known. 200: it was. */
  | { status: 200 | 201; release: number; workload: string }
  | {
      /** 202: will be known later. 401, 403: the token. 404: the pod. 422: never recorded. 503: not stored. */
      status: 202 | 401 | 403 | 404 | 422 | 503;
      code: Reason;
      message: string;
      retryAfterSeconds?: number;
    };

export interface Recorder {
  /** Records the release of the pod that the token was made for. Any replica does it. Never rejects. */
  record(token: string): Promise<RecordAnswer>;
  /** What no pod reports: config-only releases, readiness, soak, rejections. For the leader; resolves when aborted. */
  start(signal: AbortSignal): Promise<void>;
}
