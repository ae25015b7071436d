import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { recordUrlOf, startCertificates, startWebhook } from '../webhook/index.ts';
import { createAlertmanagers, createDeliveryLog, createSilences } from './alertmanager/index.ts';
import { annotations } from './api/annotations.ts';
import type { GitSyncSet } from './api/gitsyncset.ts';
import type { Hold } from './api/hold.ts';
import type { Incident } from './api/incident.ts';
import type { Notification } from './api/notification.ts';
import { createCaches } from './caches.ts';
import { makeTokens } from './callers/tokens.ts';
import { createArchiveStore } from './charts/archive-store.ts';
import { systemClock } from './clock.ts';
import { createGit } from './git/index.ts';
import { obstacleToTarget, otherToolOf } from './holds/index.ts';
import { createIntake, startIncidents, startRolloutWatch } from './incident/index.ts';
import {
  createDiscovery,
  createEventSink,
  createKubeClient,
  createLeaseThread,
  createWatchCache,
  loadConnection,
  resources,
  type WatchCachePorts,
} from './kube/index.ts';
import { startLastWords } from './last-words/index.ts';
import { startHeldWorkloads, startIncidentAlerts, startNotifications } from './notify/index.ts';
import { createRecorder } from './release/index.ts';
import { createParser, createRenderTurns, removeCopies } from './render/index.ts';
import { createServer, pushTargets, secretFile } from './server/index.ts';
import { startSets } from './sets/index.ts';
import { readSettings } from './settings.ts';
import { createPrometheus, createQueryQueue, startPolicyStatus } from './slo/index.ts';
import { createSnapshotStore, loadDigestKey } from './snapshot/index.ts';
import { startSync } from './sync/index.ts';
import { createLog, createMetrics } from './telemetry/index.ts';
import { VERSION } from './version.ts';
import { createVitals } from './vitals.ts';

// The composition root of the controller: every room gets what it needs from here, and knows no other.

if (process.argv.includes('--version')) {
  process.stdout.write(`metricops ${VERSION}\n`);
  process.exit();
}

const settings = readSettings(process.env);
const clock = systemClock;
const random = Math.random;
const log = createLog({ level: settings.METRICOPS_LOG_LEVEL });
const metrics = createMetrics({ defaults: true });
const instance = `${settings.POD_NAME}-${randomUUID().slice(0, 8)}`;
const namespace = settings.POD_NAMESPACE;

const client = createKubeClient(await loadConnection(), {
  onRequest: (verb, code) => metrics.kubeRequests.inc({ verb, code }),
  userAgent: 'metricops-controller',
});
/** What hangs while the main loop turns: /healthz says so, and the kubelet restarts the container. */
const vitals = createVitals();
/** Holds the Lease for this process, and tells whether it is held: what acts for it asks before each write. */
const lease = createLeaseThread({
  namespace,
  name: 'metricops',
  identity: instance,
  vitals,
  onError: (err) => log.error({ err }, 'leader election error'),
});
const leading = client.fenced(lease.term.isHeld);
const occurred = createEventSink(client, { instance, clock, onError: (err) => log.warn({ err }, 'event lost') });
const cachePorts: WatchCachePorts = {
  vitals,
  clock,
  random,
  onWatchError: ({ kind, what, error }) => {
    metrics.watchErrors.inc({ what });
    log.warn({ err: error, kind, what }, 'watch error');
  },
};
const requireServiceAccount = settings.METRICOPS_REQUIRE_SERVICE_ACCOUNT === 'true';
const watched = createCaches(client, cachePorts, { requireServiceAccount });
const { caches } = watched;
const gitSyncSets = createWatchCache<GitSyncSet>(client, resources.gitSyncSets, {}, cachePorts);
const notifications = createWatchCache<Notification>(client, resources.notifications, {}, cachePorts);
const digestKey = await loadDigestKey(client, namespace);
const snapshots = createSnapshotStore(client, digestKey, clock);
const prometheus =
  settings.METRICOPS_PROMETHEUS_URL === undefined
    ? undefined
    : createPrometheus({
        url: settings.METRICOPS_PROMETHEUS_URL,
        ...(settings.METRICOPS_PROMETHEUS_TOKEN === undefined ? {} : { token: settings.METRICOPS_PROMETHEUS_TOKEN }),
      });
const alertmanager =
  settings.METRICOPS_ALERTMANAGER_URL.length === 0
    ? undefined
    : createAlertmanagers({
        urls: settings.METRICOPS_ALERTMANAGER_URL,
        ...(settings.METRICOPS_ALERTMANAGER_API_TOKEN === undefined
          ? {}
          : { token: settings.METRICOPS_ALERTMANAGER_API_TOKEN }),
      });
const queries = prometheus && createQueryQueue(prometheus, clock, metrics);

// --- what every replica does: take alerts and records, answer admission reviews -------------------------------------
const recorderPorts = { vitals, caches, clock, random, log, metrics, systemNamespace: namespace };
const recorder = createRecorder({ ...recorderPorts, client, snapshots });
/** The rooms that only the leader runs; undefined on the other replicas. */
let acting: Awaited<ReturnType<typeof startActing>> | undefined;
const deliveries = createDeliveryLog({ client, namespace, clock, log });
const intake = createIntake({
  client,
  caches,
  clock,
  random,
  log,
  metrics,
  occurred,
  deliveries,
  cluster: settings.cluster,
  onIncident: (incident: Incident) => acting?.incidents.notify(incident),
});
const certificates = startCertificates({ client, clock, log, metrics }, namespace);
let stopping = false;
let synced = false;
const server = createServer(
  {
    clock,
    log,
    registry: metrics.registry,
    refusedRequests: metrics.refusedRequests,
    onAlertsRefused: deliveries.refused,
    // Before the first lists every alert would match nothing, and be forgotten.
    alerts: async (body) =>
      synced ? intake.receive(body) : { status: 503, message: 'the controller is starting; send it again' },
    records: (token) => recorder.record(token),
    push: {
      targets: () => pushTargets(caches.syncs.list(), gitSyncSets.list()),
      async request(target) {
        const isSet = target.kind === 'GitSyncSet';
        if (acting) return isSet ? acting.sets.requestSet(target) : acting.sync.requestSync(target);
        const body = { metadata: { annotations: { [annotations.requestedAt]: new Date(clock.now()).toISOString() } } };
        await client.patch(isSet ? resources.gitSyncSets : resources.gitSyncs, target, { type: 'merge', body });
      },
    },
    secrets: {
      alertmanager: secretFile(settings.METRICOPS_ALERTMANAGER_TOKEN_FILE, clock),
      push: secretFile(settings.METRICOPS_PUSH_TOKEN_FILE, clock),
    },
    stuck: () => {
      const stuck = vitals.stuck();
      if (stuck.length > 0) log.error({ stuck }, 'stuck: the container is restarted');
      return stuck;
    },
    isReady: () => !stopping && synced && webhook?.ready() === true,
    certificates,
  },
  {
    httpPort: settings.METRICOPS_HTTP_PORT,
    recordsPort: settings.METRICOPS_RECORDS_PORT,
    probesPort: settings.METRICOPS_PROBES_PORT,
  },
);
let webhook: ReturnType<typeof startWebhook> | undefined;

// --- what the leader does: sync, judge, roll back, keep histories ----------------------------------------------------
// Each has a thread, which the first call starts: a replica that never leads has none.
const git = createGit(join(settings.METRICOPS_DATA_DIR, 'git'), {}, vitals);
const chartArchives = createArchiveStore(join(settings.METRICOPS_DATA_DIR, 'charts'));
const parser = createParser();
const turns = createRenderTurns();
await removeCopies();
const startActing = async () => {
  const client = leading;
  const snapshots = createSnapshotStore(client, digestKey, clock);
  const sync = await startSync({
    client,
    caches,
    discovery: createDiscovery(client, clock),
    git,
    render: {
      kustomize: settings.METRICOPS_KUSTOMIZE,
      helm: settings.METRICOPS_HELM,
      sops: settings.METRICOPS_SOPS,
      timeoutMs: 60_000,
      parser,
      turns,
    },
    chartArchives,
    snapshots,
    systemNamespace: namespace,
    digestKey,
    clock,
    random,
    log,
    metrics,
    occurred,
    vitals,
  });
  const onHold = (hold: Hold): void => sync.requestHold(hold);
  const incidents = await startIncidents({
    client,
    caches,
    queries,
    silences: alertmanager && createSilences(alertmanager, clock),
    clock,
    random,
    log,
    metrics,
    occurred,
    vitals,
    onHold,
    refusalOf: (hold) => sync.refusalOfHold(hold),
    obstacleTo: (workload, target) => obstacleToTarget(workload, target, { client, snapshots }),
  });
  const rollouts = startRolloutWatch({ caches, intake, clock, random, log });
  const lastWords = startLastWords({ client, caches, clock, random, log });
  const policies = startPolicyStatus({
    client,
    caches,
    queries,
    systemNamespace: namespace,
    otherToolOf,
    clock,
    random,
    log,
  });
  const heldWorkloads = startHeldWorkloads({ client, caches, clock, random, log });
  const incidentAlerts =
    alertmanager &&
    startIncidentAlerts({ alertmanager, caches, cluster: settings.cluster, clock, random, log, metrics });
  const notified = startNotifications({
    client,
    caches: { ...caches, notifications },
    policy: () => caches.platform.current(),
    systemNamespace: namespace,
    clusterName: settings.cluster?.value,
    clock,
    random,
    log,
    metrics,
    occurred,
  });
  const sets = await startSets({
    client,
    caches: { sets: gitSyncSets, syncs: caches.syncs, namespaces: caches.namespaces, platform: caches.platform },
    credentials: sync.credentials,
    git,
    systemNamespace: namespace,
    clock,
    random,
    log,
    occurred,
  });
  return {
    sync,
    sets,
    incidents,
    rollouts,
    lastWords,
    policies,
    notifiers: [heldWorkloads, incidentAlerts, notified].filter((room) => room !== undefined),
    releases: createRecorder({ ...recorderPorts, client, snapshots }),
  };
};
/** Without them every alert and push hook is refused; the kubelet brings the files within two minutes. */
const makeMissingTokens = async (): Promise<void> => {
  try {
    for (const secret of await makeTokens(leading, namespace)) log.info({ secret }, 'token made');
  } catch (err) {
    log.error({ err }, 'tokens not made'); // rollbacks of crashes and by hand need none
  }
};
const lead = async (signal: AbortSignal): Promise<void> => {
  log.info({ instance }, 'leading');
  metrics.leader.set(1);
  void makeMissingTokens(); // no takeover waits for them
  const rooms = await startActing();
  acting = rooms;
  try {
    await rooms.releases.start(signal); // until the signal
  } finally {
    acting = undefined;
    const { rollouts, incidents, lastWords, policies, notifiers, sets, sync } = rooms;
    const all = [rollouts, incidents, lastWords, policies, ...notifiers, sets, sync];
    await Promise.all(all.map((room) => room.stop()));
    metrics.leader.set(0);
  }
  log.info({ instance }, 'no longer leading');
};

const stopped = new AbortController();
const stop = (signal: string): void => {
  if (stopping) return;
  stopping = true;
  log.info({ signal }, 'stopping');
  stopped.abort();
};
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop(signal));

await server.start();
// Not the Notifications: no alert and no rollback waits for who is to be notified.
await Promise.all([watched.ready(), gitSyncSets.ready()]);
synced = true;
webhook = startWebhook({
  client,
  clock,
  log,
  metrics,
  certificates,
  pods: caches.pods,
  replicaSets: caches.replicaSets,
  namespaces: caches.namespaces,
  isLeading: () => acting !== undefined,
  occurred,
  settings: {
    sidecarImage: settings.METRICOPS_SIDECAR_IMAGE,
    recordUrl: settings.METRICOPS_RECORD_URL ?? recordUrlOf(namespace),
    port: settings.METRICOPS_WEBHOOK_PORT,
    namespace,
  },
});
await lease.run({ lead }, stopped.signal);
await Promise.all([server.stop(), webhook.stop(), certificates.stop()]);
await deliveries.stop();
await Promise.all([
  watched.stop(),
  gitSyncSets.stop(),
  notifications.stop(),
  prometheus?.close(),
  alertmanager?.close(),
  git.close(),
  parser.close(),
]);
await client.close();
