import { createHmac } from 'node:crypto';
import { annotations, labels } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import { isConflict } from '../kube/errors.ts';
import { resources } from '../kube/resources.ts';
import type { KubeClient, ResourceType } from '../kube/types.ts';
import { canonical } from './canonical.ts';
import { contentHash } from './digest.ts';

/** Field manager in the snapshot of a workload that no GitSync owns: its template is patched, not applied. */
export const LIVE_MANAGER = 'live';

/** What was applied for one release, enough to apply it again when Git is down or has moved on. */
export interface Snapshot {
  /** As applied: no status, no server-side metadata, no replicas. A workload of no GitSync: kind, name and template only. */
  workload: KubeObject;
  /** ConfigMaps and Secrets that the template references and the same GitSync rendered. */
  config: KubeObject[];
  /** Server-side apply manager that wrote them; LIVE_MANAGER for a workload that no GitSync owns. */
  fieldManager: string;
  sourceDigest: string;
  commit?: string;
}

export interface SnapshotStore {
  /** Name of the ControllerRevision. Content-addressed: writing the same again costs one refused create. */
  write(history: ReleaseHistory, snapshot: Snapshot): Promise<string>;
  /** undefined when it is not there. Throws SnapshotDamaged when its content does not match its hash. */
  read(namespace: string, name: string): Promise<Snapshot | undefined>;
  /** Deletes the history's snapshots that are not in `keep`, then the copies that no kept one needs. */
  prune(history: ReleaseHistory, keep: ReadonlySet<string>): Promise<void>;
}

export class SnapshotDamaged extends Error {
  override name = 'SnapshotDamaged';
}

/** ControllerRevision data: config that is secret or large stands in an object of its own. */
interface Stored extends Omit<Snapshot, 'config'> {
  config: ({ inline: KubeObject } | { copy: string; of: KubeObject; hash: string })[];
}

/** Above this, a ConfigMap gets an immutable copy instead of a place in the revision (etcd takes 1.5 MiB an object). */
const INLINE_BYTES = 128 * 1024;
const CONTENT = ['data', 'binaryData', 'stringData'] as const;

/**
 * Snapshots as ControllerRevisions owned by the ReleaseHistory. The built-in `view` role reads those, so Secrets
 * never stand in them: they are copied to immutable Secrets named by the HMAC of their content. Each is sealed with the
 * key: who may write ControllerRevisions can have nothing applied in the controller's name.
 */
export const createSnapshotStore = (client: KubeClient, key: Uint8Array): SnapshotStore => {
  const sealOf = (data: Stored): string => createHmac('sha256', key).update(canonical(data)).digest('hex');

  const createIfAbsent = async (type: ResourceType, object: KubeObject): Promise<void> => {
    try {
      await client.create(type, object);
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  };

  const store = async (history: ReleaseHistory, object: KubeObject): Promise<Stored['config'][number]> => {
    const secret = object.kind === 'Secret';
    if (!secret && Buffer.byteLength(canonical(object)) <= INLINE_BYTES) return { inline: object };
    const hash = contentHash(object, key);
    const name = `metricops-${createHmac('sha256', key).update(`${history.metadata.name}/${hash}`).digest('hex').slice(0, 20)}`;
    const content = Object.fromEntries(CONTENT.filter((f) => object[f] !== undefined).map((f) => [f, object[f]]));
    const copy: KubeObject = {
      apiVersion: 'v1',
      kind: object.kind,
      metadata: ownedBy(history, name),
      immutable: true,
      ...content,
    };
    if (secret) copy.type = 'Opaque';
    await createIfAbsent(secret ? resources.secrets : resources.configMaps, copy);
    const rest = Object.entries(object).filter(([field]) => !(CONTENT as readonly string[]).includes(field));
    return { copy: name, of: Object.fromEntries(rest) as KubeObject, hash };
  };

  const load = async (namespace: string, stored: Stored['config'][number]): Promise<KubeObject> => {
    if ('inline' in stored) return stored.inline;
    const type = stored.of.kind === 'Secret' ? resources.secrets : resources.configMaps;
    const copy = await client.get(type, { namespace, name: stored.copy });
    if (!copy)
      throw new SnapshotDamaged(`${stored.of.kind} ${namespace}/${stored.copy}, a part of the snapshot, is gone`);
    const content = Object.fromEntries(CONTENT.filter((f) => copy[f] !== undefined).map((f) => [f, copy[f]]));
    const restored = { ...stored.of, ...content } as KubeObject;
    if (contentHash(restored, key) !== stored.hash) {
      throw new SnapshotDamaged(`${stored.of.kind} ${namespace}/${stored.copy}, a part of the snapshot, was changed`);
    }
    return restored;
  };

  return {
    async write(history, snapshot) {
      const config = await Promise.all(snapshot.config.map((object) => store(history, object)));
      const data: Stored = { ...snapshot, workload: withoutReplicas(snapshot.workload), config };
      const seal = sealOf(data);
      const name = `${history.metadata.name.slice(0, 50).replace(/[-.]+$/, '')}-${seal.slice(0, 12)}`;
      const metadata = ownedBy(history, name);
      metadata.annotations = { [SEAL]: seal, [annotations.sourceDigest]: snapshot.sourceDigest };
      const revision = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, revision: 1, data };
      await createIfAbsent(resources.controllerRevisions, revision);
      return name;
    },

    async read(namespace, name) {
      const revision = await client.get(resources.controllerRevisions, { namespace, name });
      if (!revision) return undefined;
      const data = revision.data as Stored;
      if (sealOf(data) !== revision.metadata.annotations?.[SEAL]) {
        throw new SnapshotDamaged(`ControllerRevision ${namespace}/${name} is not as this installation recorded it`);
      }
      return { ...data, config: await Promise.all(data.config.map((stored) => load(namespace, stored))) };
    },

    async prune(history, keep) {
      const where = {
        namespace: history.metadata.namespace ?? '',
        labelSelector: `${labels.history}=${history.metadata.name}`,
      };
      const revisions = (await client.list(resources.controllerRevisions, where)).items;
      const kept = revisions.filter((r) => keep.has(r.metadata.name)).map((r) => r.data as Stored);
      const copies = new Set(kept.flatMap((d) => d.config.flatMap((c) => ('copy' in c ? [c.copy] : []))));
      const remove = async (type: ResourceType, objects: KubeObject[], needed: ReadonlySet<string>): Promise<void> => {
        for (const { metadata } of objects.filter((o) => !needed.has(o.metadata.name)))
          await client.delete(type, metadata);
      };
      await remove(resources.controllerRevisions, revisions, keep);
      await remove(resources.configMaps, (await client.list(resources.configMaps, where)).items, copies);
      await remove(resources.secrets, (await client.list(resources.secrets, where)).items, copies);
    },
  };
};

const SEAL = 'metricops.dev/seal';

const ownedBy = (history: ReleaseHistory, name: string): KubeObject['metadata'] => ({
  name,
  namespace: history.metadata.namespace ?? '',
  labels: { [labels.history]: history.metadata.name },
  ownerReferences: [
    {
      apiVersion: history.apiVersion,
      kind: history.kind,
      name: history.metadata.name,
      uid: history.metadata.uid ?? '',
      controller: true,
    },
  ],
});

const withoutReplicas = (workload: KubeObject): KubeObject => {
  const { replicas: _, ...spec } = (workload.spec ?? {}) as Record<string, unknown>;
  return { ...workload, spec };
};
