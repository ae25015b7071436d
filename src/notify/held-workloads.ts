import { annotations } from '../api/annotations.ts';
import { type Hold, isRollback } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import { parseWorkloadPath, type WorkloadKey, type WorkloadKind, workloadPath } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import { holdsOf, ROLLBACK_FIRST_MS, workloadOf } from '../holds/index.ts';
import {
  createWorkQueue,
  isConflict,
  isNotFound,
  type KubeClient,
  type WatchCache,
  workloadResource,
} from '../kube/index.ts';
import type { Log } from '../telemetry/index.ts';

export interface HeldWorkloadPorts {
  client: KubeClient;
  caches: { holds: WatchCache<Hold>; workloads: Record<WorkloadKind, WatchCache> };
  clock: Clock;
  random: () => number;
  log: Log;
}

/** Beside that of a GitSync, whose applies leave what others wrote. */
const FIELD_MANAGER = 'metricops-held';
const CONCURRENCY = 4;

/**
 * Says on a workload which Hold keeps it at an earlier release, and for which incident: `kubectl describe deploy` shows
 * why the last commit does not run. On the metadata of the object, so that no pod restarts. Level-triggered: what somebody
 * copied or removed is corrected, and no rollback waits for it. To be run by the leader only.
 */
export const startHeldWorkloads = ({ client, caches, clock, random, log }: HeldWorkloadPorts) => {
  const missingOn = (workload: KubeObject, key: WorkloadKey): AnnotationsPatch | undefined =>
    patchOf(workload, holdsOf(caches.holds.list(key.namespace), key));

  const work = async (path: string): Promise<undefined> => {
    const key = parseWorkloadPath(path);
    const workload = caches.workloads[key.kind].get(key);
    const patch = workload && missingOn(workload, key);
    if (!workload || !patch) return;
    const body = { metadata: { uid: workload.metadata.uid, annotations: patch } };
    await client
      .patch(workloadResource(key.kind), key, { type: 'merge', body }, { fieldManager: FIELD_MANAGER })
      .catch((error: unknown) => {
        // Another object of that name came: its own event follows.
        if (!isConflict(error) && !isNotFound(error)) throw error;
      });
  };
  const queue = createWorkQueue({
    concurrency: CONCURRENCY,
    clock,
    random,
    onError: (workload, err, retryInMs) => log.warn({ err, workload, retryInMs }, 'workload not annotated'),
    worker: work,
  });

  const onHold = (hold: Hold | undefined, previous: Hold | undefined): void => {
    const changed = hold ?? previous;
    if (changed && isRollback(changed)) queue.add(workloadPath(workloadOf(changed)), ROLLBACK_FIRST_MS);
  };
  const onWorkload = (kind: WorkloadKind, workload: KubeObject | undefined): void => {
    if (!workload) return;
    const { namespace = '', name } = workload.metadata;
    const key = { kind, namespace, name };
    if (missingOn(workload, key)) queue.add(workloadPath(key), ROLLBACK_FIRST_MS);
  };
  const kinds = Object.entries(caches.workloads) as [WorkloadKind, WatchCache][];
  const stops = [
    caches.holds.onChange(onHold),
    ...kinds.map(([kind, cache]) => cache.onChange((workload) => onWorkload(kind, workload))),
  ];
  for (const hold of caches.holds.list()) onHold(hold, undefined);
  for (const [kind, cache] of kinds)
    for (const workload of cache.list())
      if (workload.metadata.annotations?.[annotations.heldBy]) onWorkload(kind, workload);

  return {
    async stop(): Promise<void> {
      for (const stop of stops) stop();
      await queue.stop();
    },
  };
};

/** In a merge patch null takes an annotation off, whoever wrote it. */
type AnnotationsPatch = Record<string, string | null>;

/** What has to change of the annotations; undefined: nothing. Pure. */
export const patchOf = ({ metadata }: KubeObject, holds: readonly Hold[]): AnnotationsPatch | undefined => {
  const [hold] = holds.filter(isHeld).toSorted(newestFirst);
  const wanted = {
    [annotations.heldBy]: hold?.metadata.name,
    [annotations.incident]: hold?.spec.incidentRef?.name,
  };
  const changes = Object.entries(wanted).filter(([name, value]) => metadata.annotations?.[name] !== value);
  return changes.length === 0 ? undefined : Object.fromEntries(changes.map(([name, value]) => [name, value ?? null]));
};

/** Its target runs in place of a rejected release. */
const isHeld = (hold: Hold): boolean => isRollback(hold) && hold.status?.phase === 'Held';

const newestFirst = ({ metadata: a }: Hold, { metadata: b }: Hold): number =>
  Date.parse(b.creationTimestamp ?? '') - Date.parse(a.creationTimestamp ?? '') || (a.name < b.name ? -1 : 1);
