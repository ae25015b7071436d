import { annotations, labels } from '../../api/annotations.ts';
import { isAlwaysApplied } from '../../api/apply-rule.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { managerOf } from '../../api/gitsync-names.ts';
import { type KubeObject, keyOf, keyString } from '../../api/meta.ts';
import { isWorkloadOptedIn } from '../../api/optin.ts';
import type { WorkloadKey } from '../../api/workload.ts';
import type { WatchCache } from '../../kube/index.ts';
import { isFoundBy, type SnapshotStore, SnapshotTooLarge } from '../../snapshot/index.ts';
import type { PlannedObject } from '../plan/types.ts';
import type { SealedRecording } from '../state/unrecorded.ts';
import { defaultLabelsOf } from './default-labels.ts';
import { upgradeHookIn } from './upgrade-hook.ts';

export interface PreparePorts {
  namespaces: WatchCache;
  snapshots: Pick<SnapshotStore, 'seal'>;
}

/** What is to be recorded of a workload once its apply was accepted; `refused` says why it can't be. */
export type Recording = SealedRecording | { refused: string };

export interface Prepared {
  object: KubeObject;
  /** Of workloads that are opted in, unless they stand in for a rejected release. */
  recording?: Recording;
}

/** The object as it is sent: with the owner's label and, for a workload, with what its release is. Costs no request. */
export const prepare = (
  sync: GitSync,
  planned: PlannedObject,
  {
    commit,
    live,
    owner,
    byKey,
    hooks,
  }: {
    commit: string;
    live: KubeObject | undefined;
    owner: string;
    /** Everything that the plan wants, by keyString. */
    byKey: ReadonlyMap<string, PlannedObject>;
    /** What is run with it, and is not in the plan. */
    hooks: readonly KubeObject[];
  },
  ports: PreparePorts,
): Prepared => {
  const { object, digests } = planned;
  const labelled = withMetadata(object, {
    labels: { ...defaultLabelsOf(object), [labels.sync]: owner },
    ...(sync.spec.drift === 'Report' ? { annotations: { [annotations.appliedHash]: planned.hash } } : {}),
  });
  // A held target comes from its snapshot, with the annotations of its release.
  if (!digests) return { object: labelled };
  const was = live?.metadata.annotations ?? {};
  const same = was[annotations.sourceDigest] === digests.sourceDigest;
  // A Job that came later did not run with this release.
  const hook = same
    ? was[annotations.upgradeHook]
    : upgradeHookIn(object.metadata.namespace, [...objectsOf(byKey), ...hooks]);
  const stamped = withMetadata(labelled, {
    annotations: {
      [annotations.sourceDigest]: digests.sourceDigest,
      // A release knows the commit in which its digest appeared first.
      [annotations.commit]: (same ? was[annotations.commit] : undefined) ?? commit,
      ...(hook === undefined ? {} : { [annotations.upgradeHook]: hook }),
    },
  });
  const namespace = ports.namespaces.get({ name: object.metadata.namespace ?? '' });
  const asked = withMetadata(object, { annotations: live?.metadata.annotations ?? {} });
  if (!isWorkloadOptedIn(asked, namespace)) return { object: stamped };
  const recording = recordingOf(sync, stamped, { ...planned, digests }, byKey, ports);
  if ('refused' in recording) return { object: stamped, recording };
  const named = withMetadata(stamped, { annotations: { [annotations.snapshot]: recording.sealed.name } });
  return { object: named, recording };
};

function* objectsOf(byKey: ReadonlyMap<string, PlannedObject>): Generator<KubeObject> {
  for (const { object } of byKey.values()) yield object;
}

/** Named before the apply, by its content, and written after it: whoever may not apply the workload has nothing written. */
const recordingOf = (
  sync: GitSync,
  workload: KubeObject,
  { digests, selectors = [] }: Pick<PlannedObject, 'selectors'> & Required<Pick<PlannedObject, 'digests'>>,
  byKey: ReadonlyMap<string, PlannedObject>,
  { snapshots }: PreparePorts,
): Recording => {
  const { namespace = '', name } = workload.metadata;
  const key = { namespace, name, kind: workload.kind as WorkloadKey['kind'] };
  const owner = workload.metadata.labels?.[labels.sync] ?? '';
  const ofSync = (object: KubeObject): KubeObject => withMetadata(object, { labels: { [labels.sync]: owner } });
  // What Git leaves to others is not brought back either.
  const references = digests.references.filter(isAlwaysApplied).map((object) => {
    const key = keyString(keyOf(object));
    return { key, hash: byKey.get(key)?.hash, object: byKey.get(key)?.object ?? object };
  });
  // One that is refused costs no rollback, unlike configuration: the pods run without it.
  const found = selectors
    .flatMap((object) => byKey.get(keyString(keyOf(object)))?.object ?? [])
    .filter((object) => isFoundBy(workload, object));
  const commit = workload.metadata.annotations?.[annotations.commit];
  try {
    const sealed = snapshots.seal(key, {
      workload,
      config: references.map(({ object }) => ofSync(object)),
      ...(found.length === 0 ? {} : { selectors: found.map(ofSync) }),
      fieldManager: managerOf(sync),
      sourceDigest: digests.sourceDigest,
      ...(commit === undefined ? {} : { commit }),
    });
    return { workload: key, sealed, config: references.map(({ key, hash }) => ({ key, hash })) };
  } catch (error) {
    if (!(error instanceof SnapshotTooLarge)) throw error;
    return { refused: error.message };
  }
};

const withMetadata = (
  object: KubeObject,
  add: { labels?: Record<string, string>; annotations?: Record<string, string> },
): KubeObject => ({
  ...object,
  metadata: {
    ...object.metadata,
    ...(add.labels ? { labels: { ...object.metadata.labels, ...add.labels } } : {}),
    ...(add.annotations ? { annotations: { ...object.metadata.annotations, ...add.annotations } } : {}),
  },
});
