import { annotations, labels } from '../api/annotations.ts';
import type { GitSync } from '../api/gitsync.ts';
import { type KubeObject, keyOf, keyString } from '../api/meta.ts';
import { isOptedIn } from '../api/optin.ts';
import { isWorkloadKind } from '../api/workload.ts';
import type { KubeClient, WatchCache } from '../kube/index.ts';
import { ensureHistory, type SnapshotStore, templateOf } from '../snapshot/index.ts';
import { managerOf } from './names.ts';
import type { PlannedObject } from './plan.ts';

export interface PreparePorts {
  client: KubeClient;
  namespaces: WatchCache;
  snapshots: SnapshotStore;
}

/** The object as it is sent: with the owner's label and, for a workload, with what its release is. */
export const prepare = async (
  sync: GitSync,
  planned: PlannedObject,
  {
    commit,
    live,
    owner,
    all,
  }: { commit: string; live: KubeObject | undefined; owner: string; all: readonly PlannedObject[] },
  ports: PreparePorts,
): Promise<KubeObject> => {
  const { object, digests, hold } = planned;
  const labelled = withMetadata(object, {
    labels: { [labels.sync]: owner },
    ...(sync.spec.drift === 'Report' ? { annotations: { [annotations.appliedHash]: planned.hash } } : {}),
  });
  // A held target comes from its snapshot, which has its annotations already.
  if (hold && isWorkloadKind(object.kind))
    return withMetadata(labelled, { annotations: { [annotations.snapshot]: hold.spec.target.snapshot } });
  if (!digests) return labelled;
  const was = live?.metadata.annotations ?? {};
  const same = was[annotations.sourceDigest] === digests.sourceDigest;
  const stamped = withMetadata(labelled, {
    annotations: {
      [annotations.sourceDigest]: digests.sourceDigest,
      // A release knows the commit in which its digest appeared first.
      [annotations.commit]: (same ? was[annotations.commit] : undefined) ?? commit,
    },
  });
  const namespace = ports.namespaces.get({ name: object.metadata.namespace ?? '' })?.metadata;
  const template = (templateOf(object) as { metadata?: object } | undefined)?.metadata;
  const workload = { annotations: { ...object.metadata.annotations, ...live?.metadata.annotations } };
  if (!isOptedIn({ template, workload, namespace })) return stamped;
  const snapshot = await writeSnapshot(sync, stamped, digests, all, ports);
  return withMetadata(stamped, { annotations: { [annotations.snapshot]: snapshot } });
};

/** Before the apply: whatever happens after it, there is something to come back to. */
const writeSnapshot = async (
  sync: GitSync,
  workload: KubeObject,
  digests: NonNullable<PlannedObject['digests']>,
  all: readonly PlannedObject[],
  { client, snapshots }: PreparePorts,
): Promise<string> => {
  const { namespace = '', name } = workload.metadata;
  const kind = workload.kind as 'Deployment';
  const history = await ensureHistory(client, { namespace, name, kind });
  const owner = workload.metadata.labels?.[labels.sync] ?? '';
  const sent = new Map(all.map((p) => [p.key, p.object]));
  const config = digests.references.map((o) =>
    withMetadata(sent.get(keyString(keyOf(o))) ?? o, { labels: { [labels.sync]: owner } }),
  );
  const fieldManager = managerOf(sync);
  const commit = workload.metadata.annotations?.[annotations.commit];
  return snapshots.write(history, {
    workload,
    config,
    fieldManager,
    sourceDigest: digests.sourceDigest,
    ...(commit === undefined ? {} : { commit }),
  });
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
