import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import { isOptedIn } from '../api/optin.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import type { ServiceLevelObjective } from '../api/slo.ts';
import { isWorkloadKind, WORKLOAD_KINDS, type WorkloadKey, type WorkloadRef, workloadString } from '../api/workload.ts';
import { createGuard } from '../guard.ts';
import { createWorkQueue } from '../kube/queue.ts';
import { resources } from '../kube/resources.ts';
import type { WatchCache } from '../kube/types.ts';
import { templateOf } from '../snapshot/index.ts';
import { goodAt, observe } from './history.ts';
import { judgementsOf } from './judgements.ts';
import { createMissedInjections } from './missed-injections.ts';
import { EXPIRY_MS, missingSince, withMissing } from './missing.ts';
import { type RecordPorts, recordWorkload } from './record-workload.ts';
import type { RecorderPorts } from './types.ts';

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
  const queue = createWorkQueue({
    concurrency: CONCURRENCY,
    clock,
    random,
    worker: (text) => reconcile(parse(text), ports),
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
    queue.add(textOf({ namespace: namespace ?? '', kind, name }));
  const unsubscribe = [
    ...WORKLOAD_KINDS.map((kind) =>
      caches.workloads[kind].onChange((object, previous) => {
        const metadata = (object ?? previous)?.metadata;
        if (metadata) add(metadata.namespace, { kind, name: metadata.name });
      }),
    ),
    ...([caches.holds, caches.incidents, caches.slos, caches.histories] as WatchCache<AboutWorkload>[]).map((cache) =>
      cache.onChange((object, previous) => {
        for (const { metadata, spec } of [object, previous].filter((o) => o !== undefined)) {
          add(metadata.namespace, spec.workload);
        }
      }),
    ),
  ];
  const missed = createMissedInjections(ports);
  const sweep = (): void => {
    for (const kind of WORKLOAD_KINDS) {
      each(caches.workloads[kind].list(), ({ metadata }) => add(metadata.namespace, { kind, name: metadata.name }));
    }
    each(caches.histories.list(), ({ metadata, spec }) => add(metadata.namespace, spec.workload));
    guard.run('missed injections', () => missed.count());
  };
  try {
    while (!signal.aborted) {
      sweep();
      await clock.sleep(SWEEP_MS, signal).catch(() => {});
    }
  } finally {
    for (const off of unsubscribe) off();
    await queue.stop();
  }
};

type AboutWorkload = Hold | Incident | ServiceLevelObjective;

const everyCache = ({ caches }: RecorderPorts): Pick<WatchCache, 'ready'>[] => [
  ...Object.values(caches.workloads),
  ...[caches.pods, caches.replicaSets, caches.namespaces, caches.histories],
  ...[caches.holds, caches.incidents, caches.slos],
];

const textOf = ({ namespace, kind, name }: WorkloadKey): string => `${namespace}/${kind}/${name}`;

const parse = (text: string): WorkloadKey => {
  const [namespace = '', kind = '', name = ''] = text.split('/');
  if (!isWorkloadKind(kind)) throw new Error(`not a workload: ${text}`);
  return { namespace, kind, name };
};

/** Resolves with the milliseconds after which time alone will have changed something. */
const reconcile = async (key: WorkloadKey, ports: RecorderPorts & RecordPorts): Promise<number | undefined> => {
  const { caches, clock, log, writer } = ports;
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
  if (!workload && isExpired(history.status ?? {}, clock.now()) && caches.holds.list(key.namespace).length === 0) {
    const { uid, resourceVersion } = history.metadata;
    await ports.client.delete(resources.releaseHistories, history.metadata, {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    });
    log.info({ workload: workloadString(key) }, 'history expired');
    return undefined;
  }
  const { after } = await writer.update(key, (known) => {
    const status = observe(known?.status, undefined, judgementsOf(key, known, caches), clock.now());
    return workload ? status : withMissing(status, clock.now());
  });
  const due = workload ? goodAt(after, judgementsOf(key, history, caches)) : undefined;
  return due === undefined ? undefined : Math.max(due - clock.now(), 0) + 1;
};

const isRecorded = (workload: KubeObject, { caches }: RecorderPorts): boolean => {
  const template = (templateOf(workload) as { metadata?: object } | undefined)?.metadata;
  const namespace = caches.namespaces.get({ name: workload.metadata.namespace ?? '' })?.metadata;
  return (
    workload.metadata.deletionTimestamp === undefined && isOptedIn({ template, workload: workload.metadata, namespace })
  );
};

/** A sync makes the history before the workload: not there yet is not gone. */
const isYoung = (history: ReleaseHistory, now: number): boolean =>
  !history.status?.releases?.length && now - Date.parse(history.metadata.creationTimestamp ?? '') < YOUNG_MS;

const isExpired = (status: Parameters<typeof missingSince>[0], now: number): boolean => {
  const since = missingSince(status);
  return since !== undefined && now - since > EXPIRY_MS;
};
