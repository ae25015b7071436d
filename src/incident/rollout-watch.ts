import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import { isWorkloadOptedIn } from '../api/optin.ts';
import { currentOf, type Release, recordsOf } from '../api/release-history.ts';
import { isWorkloadKind, parseWorkloadPath, WORKLOAD_KINDS, type WorkloadKey, workloadPath } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import { failingContainers } from '../health/failing-containers.ts';
import { rolloutOf } from '../health/rollout.ts';
import { createWorkQueue } from '../kube/index.ts';
import { ownerOf, PROGRESS_DEADLINE_MS, type RolloutEvidence, rolloutEvidence } from '../release/index.ts';
import { historyName } from '../snapshot/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Alert } from './alertmanager-webhook.ts';
import { type Caches, guardFrom } from './caches.ts';
import type { Intake } from './intake.ts';
import { isClosed } from './phases.ts';

export interface RolloutWatchPorts {
  caches: Caches;
  intake: Pick<Intake, 'observed'>;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** Between two looks at a workload whose pods fail: a container that settles changes nothing that is watched. */
const LOOK_AGAIN_MS = 15_000;

/**
 * Opens an incident for a release whose pods crash or never get ready, although no alert says so: there may be no rule
 * for it, and pods that take no requests burn no budget. To be run by the leader only.
 */
export const startRolloutWatch = ({ caches, intake, clock, random, log }: RolloutWatchPorts) => {
  const work = async (text: string): Promise<number | undefined> => {
    const key = parseWorkloadPath(text);
    const release = guardedRelease(key, caches);
    if (!release) return undefined;
    const now = clock.now();
    const evidence = rolloutEvidence(key, release, caches, now);
    if (isNews(evidence, saidOf(key, release, caches))) {
      const { policy } = guardFrom(caches, key);
      await intake.observed({ workload: key, ...(policy ? { policy } : {}) }, alertOf(key, release, evidence, now));
    }
    return evidence ? LOOK_AGAIN_MS : untilDeadline(key, release, now);
  };
  const queue = createWorkQueue({
    concurrency: 4,
    clock,
    random,
    maxBackoffMs: 60_000,
    onError: (key, err, retryInMs) => log.error({ err, workload: key, retryInMs }, 'rollout check failed'),
    worker: work,
  });
  const addPod = (pod: KubeObject | undefined, previous?: KubeObject): void => {
    const failing = [pod, previous].find((each) => each && failingContainers(each, clock.now()).length > 0);
    if (!failing) return;
    const owner = ownerOf(failing, caches);
    if (owner.is === 'workload') queue.add(workloadPath(owner.key));
  };
  /** Its condition says more than its pods do; of the kinds without one, the release is not ready for too long. */
  const addWorkload = (workload: KubeObject | undefined): void => {
    const { name, namespace = '' } = workload?.metadata ?? { name: '' };
    if (workload && isWorkloadKind(workload.kind) && !rolloutOf(workload).done)
      queue.add(workloadPath({ kind: workload.kind, namespace, name }));
  };
  const addOfIncident = (incident: Incident | undefined): void => {
    if (!incident || isClosed(incident) || !incident.spec.evidence.some(isOfRollout)) return;
    queue.add(workloadPath({ ...incident.spec.workloadRef, namespace: incident.metadata.namespace ?? '' }));
  };
  const stops = [
    caches.pods.onChange(addPod),
    ...WORKLOAD_KINDS.map((kind) => caches.workloads[kind].onChange(addWorkload)),
    caches.incidents.onChange(addOfIncident),
  ];
  for (const pod of caches.pods.list()) addPod(pod);
  for (const kind of WORKLOAD_KINDS) for (const workload of caches.workloads[kind].list()) addWorkload(workload);
  for (const incident of caches.incidents.list()) addOfIncident(incident);
  return {
    async stop() {
      for (const stop of stops) stop();
      await queue.stop();
    },
  };
};

/** The current release of a workload that opted in and is guarded; its policy's mode decides what comes of it. */
const guardedRelease = (key: WorkloadKey, caches: Caches): Release | undefined => {
  const workload = caches.workloads[key.kind].get(key);
  if (!workload || !isWorkloadOptedIn(workload, caches.namespaces.get({ name: key.namespace }))) return undefined;
  if (guardFrom(caches, key).guardrails.mode === 'Off') return undefined;
  return currentOf(recordsOf(caches.histories.get({ namespace: key.namespace, name: historyName(key) })));
};

const isOfRollout = ({ source }: { source: string }): boolean => source === 'Rollout';

const fingerprintOf = ({ sourceDigest, restoredTime = '', liftedTime = '' }: Release): string =>
  ['rollout', sourceDigest.slice(0, 67), restoredTime, liftedTime].filter((part) => part !== '').join(' ');

/** Of the kinds without a condition for it nothing changes when the progress deadline is exceeded. */
const untilDeadline = (
  { kind }: WorkloadKey,
  { readyTime, firstSeenTime }: Release,
  now: number,
): number | undefined => {
  const left = Date.parse(firstSeenTime) + PROGRESS_DEADLINE_MS - now;
  return kind === 'Deployment' || readyTime !== undefined || left < 0 ? undefined : left + 1;
};

/** The incident that has the evidence already; the newest, where it came again. */
const saidOf = (key: WorkloadKey, release: Release, { incidents }: Caches): Said | undefined => {
  const fingerprint = fingerprintOf(release);
  const [newest] = incidents
    .list(key.namespace)
    .filter(({ spec }) => spec.workloadRef.kind === key.kind && spec.workloadRef.name === key.name)
    .flatMap((incident) => {
      const entry = incident.spec.evidence.find((each) => each.fingerprint === fingerprint);
      return entry ? [{ status: entry.status, closed: isClosed(incident), since: entry.receivedTime }] : [];
    })
    .toSorted((a, b) => (a.since > b.since ? -1 : 1));
  return newest;
};

interface Said {
  status: 'firing' | 'resolved';
  closed: boolean;
}

/** What an incident closed with while it went on is decided. */
const isNews = (evidence: RolloutEvidence | undefined, said: Said | undefined): boolean =>
  evidence ? said?.status !== 'firing' : said?.status === 'firing' && !said.closed;

const alertOf = (
  { namespace, kind, name }: WorkloadKey,
  release: Release,
  evidence: RolloutEvidence | undefined,
  now: number,
): Alert => ({
  source: 'Rollout',
  status: evidence ? 'firing' : 'resolved',
  fingerprint: fingerprintOf(release),
  labels: {
    alertname: evidence && evidence.crashing === 0 ? 'ProgressDeadlineExceeded' : 'PodsCrash',
    namespace,
    [kind.toLowerCase()]: name,
    ...(evidence?.worst ? { container: evidence.worst.name, reason: evidence.worst.reason } : {}),
  },
  startsAt: evidence && new Date(Math.min(evidence.exceededAt ?? now, now)).toISOString(),
});
