import type { KubeObject } from '../api/meta.ts';
import { type Release, type ReleaseHistory, type ReleaseRecords, releasesOf } from '../api/release-history.ts';
import { apiVersionOf, isRejected, workloadResource } from '../kube/index.ts';
import {
  ensureHistory,
  LIVE_MANAGER,
  type Running,
  recordedDigest,
  runningRelease,
  SnapshotTooLarge,
  templateOf,
} from '../snapshot/index.ts';
import { templateWriters } from '../ssa/template-writers.ts';
import { alertRulesOf, assessmentsOf } from './assessments.ts';
import { describeRelease } from './describe.ts';
import { fromPods, olderReleaseOf, releaseOf, templateHash, type WorkloadOwner } from './from-pods.ts';
import { goodAt, type Observed, observe } from './history.ts';
import { contentOf, type HistoryContent, type HistoryWriter } from './history-writer.ts';
import { isOfCurrent, podsOf } from './identity.ts';
import { hasStarted, isWorkloadReady, predecessorOf } from './readiness.ts';
import { withoutLostTarget } from './snapshots.ts';
import type { RecorderPorts } from './types.ts';
import { withUnknownDependencies } from './unknown-dependencies.ts';
import { withUnpinned } from './unpinned.ts';
import { withoutMissing } from './workload-missing.ts';

export interface Recorded {
  /** Of the pod that reports, or the current one. undefined: not recorded, and not the current one. */
  release: Release | undefined;
  created: boolean;
  records: ReleaseRecords;
  /** When, in milliseconds since the epoch, time alone will change the history. */
  due: number | undefined;
}

export type RecordPorts = Pick<RecorderPorts, 'client' | 'caches' | 'snapshots' | 'clock'> & { writer: HistoryWriter };

/** Brings the history up to what the workload is now. Without a request where the history says it already. */
export const recordWorkload = async (
  owner: WorkloadOwner,
  pod: KubeObject | undefined,
  ports: RecordPorts,
): Promise<Recorded> => {
  const { caches, clock, writer } = ports;
  const { key, workload } = owner;
  const source = runningRelease(workload);
  let digest = source.digest;
  const { before, after } = await writer.update(key, async (history) => {
    digest = releaseDigest(workload, source, history, ports);
    const known = releaseOf(history, digest);
    const content = contentOf(history);
    const { currentRelease } = content.records;
    if (known && known.number !== currentRelease && !(await isStillSo(owner, source, ports))) return content;
    const now = clock.now();
    const rolledOut = isWorkloadReady(key, workload, caches);
    const rules = alertRulesOf(key, workload, caches.rollbackPolicies);
    const described = describeRelease(workload, { ...source, digest }, rules);
    const seen = fromPods(described, owner, { source, pod, ready: rolledOut, history }, caches);
    const release = source.fromGit || source.byHand ? seen : await withSnapshot(seen, owner, history, ports);
    const ready =
      rolledOut && (known?.readyTime !== undefined || isStarted(release, known, owner, content, { caches, now }));
    const observation = { release, current: true, ready, writtenTime: templateWriters(workload)[0]?.time };
    const judgements = assessmentsOf(key, releasesOf(history), caches);
    const records = observe(content.records, observation, judgements, now);
    const pinned = withUnpinned(withoutMissing(content.conditions), records, now);
    const next = { records, conditions: withUnknownDependencies(pinned, workload, caches.workloads, now) };
    return withoutLostTarget(key, currentRelease, next, { snapshots: ports.snapshots, now });
  });
  const releases = after.releases ?? [];
  const isOlder = pod !== undefined && !isOfCurrent(pod, owner, source.digest);
  const release = isOlder ? olderReleaseOf(pod, owner, releases) : releases.find((r) => r.sourceDigest === digest);
  const created = release !== undefined && !before.releases?.some((r) => r.number === release.number);
  return { release, created, records: after, due: goodAt(after, assessmentsOf(key, releases, caches)) };
};

const isStarted = (
  release: Observed,
  known: Release | undefined,
  { key }: WorkloadOwner,
  { records: { releases = [], currentRelease } }: HistoryContent,
  { caches, now }: { caches: RecordPorts['caches']; now: number },
): boolean => {
  const firstSeenTime = known?.firstSeenTime ?? new Date(now).toISOString();
  const before = predecessorOf(known, releases, currentRelease);
  return hasStarted({ ...release, firstSeenTime }, before, () => podsOf(key, caches).map(({ pod }) => pod));
};

/**
 * The digest to record. What a person's `kubectl rollout undo` brings back is the release whose ReplicaSet it is, not a
 * new one.
 */
const releaseDigest = (
  workload: KubeObject,
  { digest, byHand }: Running,
  history: ReleaseHistory | undefined,
  { caches }: RecordPorts,
): string => {
  const hash = byHand === undefined ? undefined : templateHash(workload, digest, caches);
  const undone = releasesOf(history).find((r) => hash !== undefined && r.revision === hash);
  return undone?.sourceDigest ?? recordedDigest(workload, releasesOf(history));
};

/**
 * A watch that lags behind shows the release before as the current one. Before the history says that a release came
 * back, the API server itself is asked.
 */
const isStillSo = async ({ key }: WorkloadOwner, source: Running, { client }: RecordPorts): Promise<boolean> => {
  const now = await client.get(workloadResource(key.kind), key);
  return now !== undefined && runningRelease(now).digest === source.digest;
};

/**
 * What no GitSync applies has no snapshot of its own: the live template is kept. Where it can't be stored, the release
 * is recorded without, as one that nothing can be rolled back to.
 */
const withSnapshot = async (
  release: Observed,
  { key, workload }: WorkloadOwner,
  history: ReleaseHistory | undefined,
  { client, snapshots }: RecordPorts,
): Promise<Observed> => {
  if (releaseOf(history, release.sourceDigest)) return release;
  const { namespace, name, kind } = key;
  const bare: KubeObject = {
    apiVersion: apiVersionOf(workloadResource(kind)),
    kind,
    metadata: { name, namespace },
    spec: { template: templateOf(workload) },
  };
  try {
    const { sourceDigest } = release;
    const sealed = snapshots.seal(key, { workload: bare, config: [], fieldManager: LIVE_MANAGER, sourceDigest });
    await snapshots.write(history ?? (await ensureHistory(client, key)), sealed);
    return { ...release, snapshotRef: { name: sealed.name } };
  } catch (error) {
    if (!(error instanceof SnapshotTooLarge) && !isRejected(error)) throw error;
    return release;
  }
};
