import type { GitSync } from '../../../src/api/gitsync.ts';
import type { Hold } from '../../../src/api/hold.ts';
import { createCaches } from '../../../src/caches.ts';
import type { Clock } from '../../../src/clock.ts';
import type { GitRoom } from '../../../src/git/index.ts';
import { obstacleToTarget } from '../../../src/holds/index.ts';
import { createIntake, type Intake, startIncidents, startRolloutWatch } from '../../../src/incident/index.ts';
import { createDiscovery, createWatchCache, type KubeClient, resources } from '../../../src/kube/index.ts';
import { createRecorder } from '../../../src/release/index.ts';
import type { QueriesOf } from '../../../src/slo/index.ts';
import { createSnapshotStore } from '../../../src/snapshot/index.ts';
import { startSync } from '../../../src/sync/index.ts';
import { createMetrics, silentLog } from '../../../src/telemetry/index.ts';
import { DIGEST_KEY, SYSTEM } from '../../explorer/shipped.ts';

export interface ControllerPorts {
  client: KubeClient;
  clock: Clock;
  git: GitRoom;
  queries: QueriesOf;
}

const metrics = createMetrics();
const log = silentLog();

/**
 * One process as src/main.ts composes it for a leader, with all rooms that take part in an incident: what it knows comes
 * from what is stored. It is never stopped: it runs until it is killed.
 */
export const startController = async ({ client, clock, git, queries }: ControllerPorts): Promise<Intake> => {
  const common = { client, clock, random: () => 0.5, log, metrics, occurred: () => {} };
  const watched = createCaches(client, common);
  const { caches } = watched;
  const syncs = createWatchCache<GitSync>(client, resources.gitSyncs, {}, common);
  const snapshots = createSnapshotStore(client, DIGEST_KEY, clock);
  await Promise.all([watched.ready(), syncs.ready()]);
  const sync = await startSync({
    ...common,
    caches: { ...caches, syncs },
    discovery: createDiscovery(client, clock),
    git,
    render: { kustomize: 'kustomize', helm: 'helm', sops: '', timeoutMs: 0 },
    snapshots,
    systemNamespace: SYSTEM,
    digestKey: DIGEST_KEY,
  });
  const incidents = await startIncidents({
    ...common,
    caches,
    queries,
    onHold: (hold: Hold) => sync.requestHold(hold),
    refusalOf: async () => undefined,
    obstacleTo: (workload, target) => obstacleToTarget(workload, target, { client, snapshots }),
  });
  const intake = createIntake({ ...common, caches, onIncident: incidents.notify });
  startRolloutWatch({ ...common, caches, intake });
  const verifier = { verify: () => Promise.reject(new Error('nobody reports')) };
  const recorder = createRecorder({ ...common, caches, snapshots, systemNamespace: SYSTEM, verifier });
  void recorder.start(new AbortController().signal);
  return intake;
};
