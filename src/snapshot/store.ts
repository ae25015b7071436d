import { annotations, labels } from '../api/annotations.ts';
import type { KubeObject, OwnerReference } from '../api/meta.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import type { WorkloadKey } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import { type KubeClient, KubeError, type ResourceType, resources } from '../kube/index.ts';
import { createKeyedLock } from '../lock.ts';
import { keyId } from './digest-key.ts';
import { historyName } from './history-name.ts';
import { createSnapshotMemory, type SnapshotMemory } from './memory.ts';
import { checkSeal, restoreCopy, type SealedSnapshot, type Snapshot, type StoredConfig, sealSnapshot } from './seal.ts';

/** Field manager in the snapshot of a workload that no GitSync owns: its template is patched, not applied. */
export const LIVE_MANAGER = 'live';

export interface SnapshotStore extends Pick<SnapshotMemory, 'recall' | 'forget'> {
  /** What is to be written for this workload, and its name. Costs no request. Throws SnapshotTooLarge. */
  seal(workload: WorkloadKey, snapshot: Snapshot): SealedSnapshot;
  /** Writing the same again costs one refused create. `history` is that of the workload. */
  write(history: ReleaseHistory, sealed: SealedSnapshot): Promise<void>;
  /**
   * As it is now; `recall` says it from then on without a request. undefined when it is not there. Throws SnapshotDamaged
   * when it is not what was recorded for this workload.
   */
  read(workload: WorkloadKey, name: string): Promise<Snapshot | undefined>;
  /** Names of what is stored of the workload, the newest first, with the digest of its release. One request. */
  stored(workload: WorkloadKey): Promise<{ name: string; sourceDigest: string | undefined }[]>;
  /** Deletes these snapshots of the history, then the copies that no other one needs. */
  remove(history: ReleaseHistory, names: ReadonlySet<string>): Promise<void>;
}

/**
 * A copy this young may belong to a snapshot that a former leader is still writing. Within one process writing and
 * removing wait for each other.
 */
const YOUNG_MS = 600_000;

/** Snapshots as ControllerRevisions owned by the ReleaseHistory, with immutable copies beside them. */
export const createSnapshotStore = (client: KubeClient, key: Uint8Array, clock: Pick<Clock, 'now'>): SnapshotStore => {
  const lock = createKeyedLock();
  const memory = createSnapshotMemory();
  const keyOf = ({ metadata }: ReleaseHistory): string => `${metadata.namespace}/${metadata.name}`;

  const isOld = ({ metadata }: KubeObject): boolean =>
    clock.now() - Date.parse(metadata.creationTimestamp ?? '') >= YOUNG_MS;

  const createIfAbsent = async (type: ResourceType, object: KubeObject): Promise<void> => {
    try {
      await client.create(type, object);
    } catch (error) {
      if (!(error instanceof KubeError && error.reason === 'AlreadyExists')) throw error;
    }
  };

  const load = async (namespace: string, stored: StoredConfig): Promise<KubeObject> => {
    if ('inline' in stored) return stored.inline;
    const copy = await client.get(typeOf(stored.of), { namespace, name: stored.copy });
    return restoreCopy(stored, copy, key);
  };

  return {
    seal: (workload, snapshot) => sealSnapshot(workload, snapshot, key),

    write: (history, { name, seal, data, copies }) =>
      lock(keyOf(history), async () => {
        await Promise.all(
          copies.map(({ name, object }) => {
            const type = object.kind === 'Secret' ? { type: 'Opaque' } : {};
            const copy = { ...object, ...type, metadata: ownedBy(history, name), immutable: true };
            return createIfAbsent(typeOf(object), copy);
          }),
        );
        const metadata = ownedBy(history, name);
        metadata.annotations = { [SEAL]: seal, [SEAL_KEY]: keyId(key), [annotations.sourceDigest]: data.sourceDigest };
        const revision = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, revision: 1, data };
        await createIfAbsent(resources.controllerRevisions, revision);
      }),

    async read(workload, name) {
      const { namespace } = workload;
      const revision = await client.get(resources.controllerRevisions, { namespace, name });
      if (!revision) return undefined;
      const seal = revision.metadata.annotations?.[SEAL];
      const { version: _, place: __, config, ...rest } = checkSeal(workload, { name, seal, data: revision.data }, key);
      const snapshot = { ...rest, config: await Promise.all(config.map((stored) => load(namespace, stored))) };
      memory.note(workload, name, snapshot);
      return snapshot;
    },

    async stored(workload) {
      const { items } = await client.list(resources.controllerRevisions, {
        namespace: workload.namespace,
        labelSelector: `${labels.history}=${historyName(workload)}`,
        metadataOnly: true,
      });
      const madeAt = ({ metadata }: KubeObject): number => Date.parse(metadata.creationTimestamp ?? '');
      return items
        .toSorted((a, b) => madeAt(b) - madeAt(a))
        .map(({ metadata }) => ({
          name: metadata.name,
          sourceDigest: metadata.annotations?.[annotations.sourceDigest],
        }));
    },

    recall: memory.recall,
    forget: memory.forget,

    remove: (history, names) =>
      lock(keyOf(history), async () => {
        const where = {
          namespace: history.metadata.namespace ?? '',
          labelSelector: `${labels.history}=${history.metadata.name}`,
        };
        const revisions = (await client.list(resources.controllerRevisions, where)).items;
        const gone = revisions.filter(({ metadata }) => names.has(metadata.name));
        const needed = new Set(revisions.filter((revision) => !gone.includes(revision)).flatMap(copiesOf));
        const workload = { ...history.spec.workloadRef, namespace: where.namespace };
        for (const { metadata } of gone) {
          memory.forget(workload, metadata.name);
          await client.delete(resources.controllerRevisions, metadata);
        }
        if (!gone.some((revision) => copiesOf(revision).some((copy) => !needed.has(copy)))) return;
        for (const type of [resources.configMaps, resources.secrets]) {
          const { items } = await client.list(type, { ...where, metadataOnly: true });
          for (const { metadata } of items.filter((copy) => !needed.has(copy.metadata.name) && isOld(copy)))
            await client.delete(type, metadata);
        }
      }),
  };
};

const SEAL = 'metricops.dev/seal';
/** On a snapshot: which key sealed it, so that a lost one is noticed without the contents. */
export const SEAL_KEY = 'metricops.dev/seal-key';

const typeOf = ({ kind }: KubeObject): ResourceType => (kind === 'Secret' ? resources.secrets : resources.configMaps);

/** Anybody may have written it: nothing is taken for granted. */
const copiesOf = ({ data }: KubeObject): string[] => {
  const { config } = (data ?? {}) as { config?: unknown };
  return (Array.isArray(config) ? (config as Partial<Extract<StoredConfig, { copy: string }>>[]) : []).flatMap(
    (entry) => (typeof entry?.copy === 'string' ? [entry.copy] : []),
  );
};

const ownedBy = (history: ReleaseHistory, name: string): KubeObject['metadata'] => ({
  name,
  namespace: history.metadata.namespace ?? '',
  labels: { [labels.history]: history.metadata.name },
  ownerReferences: [ownerOf(history)],
});

/** The history as the owner of its snapshots and copies. */
export const ownerOf = ({ apiVersion, kind, metadata }: ReleaseHistory): OwnerReference => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid ?? '',
  controller: true,
});
