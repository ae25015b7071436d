import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import { isWorkloadOptedIn } from '../api/optin.ts';
import { type ReleaseHistory, releasesOf } from '../api/release-history.ts';
import {
  isWorkloadKind,
  parseWorkloadPath,
  WORKLOAD_KINDS,
  type WorkloadKey,
  type WorkloadRef,
  workloadPath,
  workloadString,
} from '../api/workload.ts';
import { createGuard } from '../guard.ts';
import { createWorkQueue, isTerminating, resources, type WatchCache } from '../kube/index.ts';
import { createAdoption } from './adoption.ts';
import { assessmentsOf } from './assessments.ts';
import { goodAt, observe } from './history.ts';
import { contentOf } from './history-writer.ts';
import { createMissedInjections } from './missed-injections.ts';
import { type RecordPorts, recordWorkload } from './record-workload.ts';
import { createDroppedSnapshots } from './snapshots.ts';
import type { RecorderPorts } from './types.ts';
import { EXPIRY_MS, missingSince, withMissing } from './workload-missing.ts';

/** How often everything is looked at again although nothing was heard of: counts, expiry. */
const SWEEP_MS = 60_000;
const CONCURRENCY = 4;
const YOUNG_MS = 600_000;

/**
 * What no pod reports: releases that change configuration only, workloads whose injection was missed, readiness, soak
 * time, rejections. Level-triggered: each event about a workload brings its history up to date. Resolves when aborted.
 */
export const runLeader = async (ports: RecorderPorts & RecordPorts, signal: AbortSignal): Promise<void> => {
  const { caches, clock, random, log } = ports;
  await Promise.all(everyCache(ports).map((cache) => cache.ready()));
  const dropped = createDroppedSnapshots(caches, ports.snapshots);
  const queue = createWorkQueue({
    concurrency: CONCURRENCY,
    vitals: { name: 'the queue of release histories', of: ports.vitals },
    clock,
    random,
    async worker(text) {
      const key = parseWorkloadPath(text);
      try {
        const due = await reconcile(key, ports);
        await dropped.remove(key, ports.writer.current(key));
        return due;
      } catch (error) {
        if (isTerminating(error)) return undefined; // the watch will tell
        throw error;
      }
    },
    onError: (workload, err, retryInMs) => log.warn({ workload, err, retryInMs }, 'history not written'),
    maxBackoffMs: 60_000,
  });
  // The queue tells what became of a workload; here nothing but a log can be told of an object that makes no sense.
  const guard = createGuard({ log, kind: 'object' });
  const each = <T extends KubeObject>(objects: readonly T[], work: (object: T) => void): void => {
    for (const object of objects)
      guard.run(`${object.kind} ${object.metadata.namespace}/${object.metadata.name}`, () => work(object));
  };
  const add = (namespace: string | undefined, { kind, name }: WorkloadRef): void =>
    queue.add(workloadPath({ namespace: namespace ?? '', kind, name }));
  /** Stored before the schema was as it is, or by nobody who knew it: costs its own history, no other's. */
  const addNamedBy = ({ kind, metadata, spec }: AboutWorkload): void => {
    const workload: Partial<WorkloadRef> | undefined = spec?.workloadRef;
    if (workload?.name && isWorkloadKind(workload.kind ?? '')) add(metadata.namespace, workload as WorkloadRef);
    else log.warn({ kind, namespace: metadata.namespace, name: metadata.name }, 'names no workload; left alone');
  };
  const unsubscribe = [
    ...WORKLOAD_KINDS.map((kind) =>
      caches.workloads[kind].onChange((object, previous) => {
        const metadata = (object ?? previous)?.metadata;
        if (metadata) add(metadata.namespace, { kind, name: metadata.name });
      }),
    ),
    ...([caches.holds, caches.incidents, caches.histories] as WatchCache<AboutWorkload>[]).map((cache) =>
      cache.onChange((object, previous) => {
        for (const about of [object, previous].filter((o) => o !== undefined)) addNamedBy(about);
      }),
    ),
  ];
  // A policy may guard any workload of its namespace; where it ends, another one may count.
  unsubscribe.push(
    caches.rollbackPolicies.onChange((policy, previous) => {
      if (policy && policy.metadata.generation === previous?.metadata.generation) return; // its status
      const namespace = (policy ?? previous)?.metadata.namespace;
      for (const kind of WORKLOAD_KINDS)
        each(caches.workloads[kind].list(namespace), ({ metadata }) => add(namespace, { kind, name: metadata.name }));
    }),
  );
  const missed = createMissedInjections(ports);
  const restored = createAdoption(ports);
  const sweep = (): void => {
    for (const kind of WORKLOAD_KINDS) {
      each(caches.workloads[kind].list(), ({ metadata }) => add(metadata.namespace, { kind, name: metadata.name }));
    }
    each(caches.histories.list(), addNamedBy);
    guard.run('missed injections', () => missed.count());
  };
  try {
    while (!signal.aborted) {
      sweep();
      await restored.adopt();
      await clock.sleep(SWEEP_MS, signal).catch(() => {});
    }
  } finally {
    for (const off of unsubscribe) off();
    dropped.stop();
    restored.stop();
    await queue.stop();
  }
};

type AboutWorkload = Hold | Incident | ReleaseHistory;

const everyCache = ({ caches }: RecorderPorts): Pick<WatchCache, 'ready'>[] => [
  ...Object.values(caches.workloads),
  ...[caches.pods, caches.replicaSets, caches.namespaces, caches.histories],
  ...[caches.holds, caches.incidents, caches.rollbackPolicies],
];

/** Nothing can be created there any more, and all of it goes anyway. */
export const isEnding = (namespaces: WatchCache, { namespace }: { namespace: string }): boolean =>
  namespaces.get({ name: namespace })?.metadata.deletionTimestamp !== undefined;

/** Resolves with the milliseconds after which time alone will have changed something. */
const reconcile = async (key: WorkloadKey, ports: RecorderPorts & RecordPorts): Promise<number | undefined> => {
  const { caches, clock, log, writer } = ports;
  if (isEnding(caches.namespaces, key)) return undefined;
  const workload = caches.workloads[key.kind].get(key);
  if (workload && isRecorded(workload, ports)) {
    const { release, created, due } = await recordWorkload({ key, workload }, undefined, ports);
    if (created) {
      log.info(
        { workload: workloadString(key), release: release?.number, commit: release?.commit },
        'release recorded',
      );
    }
    return due === undefined ? undefined : Math.max(due - clock.now(), 0) + 1;
  }
  const history = writer.current(key);
  if (!history || isYoung(history, clock.now())) return undefined;
  if (!workload && isExpired(history, clock.now())) {
    await forget(key, history, ports);
    return undefined;
  }
  const { after } = await writer.update(key, (known) => {
    const { records, conditions } = contentOf(known);
    return {
      records: observe(records, undefined, assessmentsOf(key, records.releases ?? [], caches), clock.now()),
      conditions: workload ? conditions : withMissing(conditions, clock.now()),
    };
  });
  const due = workload ? goodAt(after, assessmentsOf(key, after.releases ?? [], caches)) : undefined;
  return due === undefined ? undefined : Math.max(due - clock.now(), 0) + 1;
};

/** A Hold is the memory of what was rejected, and ends with the history; before it, so that a crash leaves none. */
const forget = async (
  key: WorkloadKey,
  history: ReleaseHistory,
  { caches, client, log }: RecorderPorts,
): Promise<void> => {
  const { kind, name, namespace } = key;
  const holds = caches.holds
    .list(namespace)
    .filter(({ spec }) => spec.workloadRef.kind === kind && spec.workloadRef.name === name);
  for (const { metadata } of holds) await client.delete(resources.holds, metadata, preconditions(metadata));
  await client.delete(resources.releaseHistories, history.metadata, preconditions(history.metadata));
  log.info({ workload: workloadString(key), holds: holds.length }, 'history expired');
};

const preconditions = ({
  uid,
  resourceVersion,
}: KubeObject['metadata']): { uid?: string; resourceVersion?: string } => ({
  ...(uid === undefined ? {} : { uid }),
  ...(resourceVersion === undefined ? {} : { resourceVersion }),
});

const isRecorded = (workload: KubeObject, { caches }: RecorderPorts): boolean => {
  const namespace = caches.namespaces.get({ name: workload.metadata.namespace ?? '' });
  return workload.metadata.deletionTimestamp === undefined && isWorkloadOptedIn(workload, namespace);
};

/** A sync makes the history before the workload: not there yet is not gone. */
const isYoung = (history: ReleaseHistory, now: number): boolean =>
  releasesOf(history).length === 0 && now - Date.parse(history.metadata.creationTimestamp ?? '') < YOUNG_MS;

const isExpired = (history: ReleaseHistory, now: number): boolean => {
  const since = missingSince(contentOf(history).conditions);
  return since !== undefined && now - since > EXPIRY_MS;
};
