import { createHmac, timingSafeEqual } from 'node:crypto';
import { describeKey, type KubeObject } from '../api/meta.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { canonical } from './canonical.ts';
import { contentHash } from './digest.ts';
import { historyName } from './history-name.ts';
import { decidingPartOf, isFoundBy } from './selectors.ts';

/** What was applied for one release, enough to apply it again when Git is down or has moved on. */
export interface Snapshot {
  /** As applied: no status, no server-side metadata, no replicas. A workload of no GitSync: kind, name and template only. */
  workload: KubeObject;
  /** ConfigMaps and Secrets that the template references and the same GitSync rendered. */
  config: KubeObject[];
  /**
   * Services, PodDisruptionBudgets, NetworkPolicies and HorizontalPodAutoscalers of the same GitSync that found its pods,
   * as they were when the release was recorded first. None in a snapshot of an earlier version.
   */
  selectors?: KubeObject[];
  /** Server-side apply manager that wrote them; LIVE_MANAGER for a workload that no GitSync owns. */
  fieldManager: string;
  sourceDigest: string;
  commit?: string;
}

/** A snapshot as it will be stored. Making it costs no request, so that its name is known before anything is written. */
export interface SealedSnapshot {
  /** Of the ControllerRevision: content-addressed. */
  name: string;
  seal: string;
  data: StoredSnapshot;
  /** Config that is secret or large, for an object of its own each. */
  copies: { name: string; object: KubeObject }[];
}

/** The data of a ControllerRevision. */
export interface StoredSnapshot extends Omit<Snapshot, 'config'> {
  version: number;
  /** Where it was made, which is the only place where it is good. */
  place: { namespace: string; history: string; kind: string; name: string };
  config: StoredConfig[];
}

export type StoredConfig = { inline: KubeObject } | { copy: string; of: KubeObject; hash: string };

/** What was recorded can't be used: it is changed, incomplete, or not of the workload that it is asked for. */
export class SnapshotDamaged extends Error {
  override name = 'SnapshotDamaged';
}

/** The release can't be recorded in full. In words, with the figures. */
export class SnapshotTooLarge extends Error {
  override name = 'SnapshotTooLarge';
}

/** 3 has selectors, and a name of its own beside the seal. */
const VERSION = 3;
/** An upgrade of metricops costs no release that can be rolled back to. */
const READABLE: readonly unknown[] = [2, VERSION];
/** Of all ConfigMaps in a revision, together. What is more goes into copies, which the workload's releases share. */
const INLINE_BYTES = 128 * 1024;
/** etcd takes 1.5 MiB an object, with what the API server adds. */
const REVISION_BYTES = 1024 * 1024;
/** The workload with all of its configuration. */
const SNAPSHOT_BYTES = 8 * 1024 * 1024;

const CONTENT = ['data', 'binaryData', 'stringData'] as const;

/**
 * Seals what was applied for a workload, for this workload alone. Throws SnapshotTooLarge.
 *
 * @param key HMAC key of the installation: who may write ControllerRevisions, but does not have it, can have nothing
 *   applied in the controller's name
 */
export const sealSnapshot = (workload: WorkloadKey, snapshot: Snapshot, key: Uint8Array): SealedSnapshot => {
  const place = placeOf(workload);
  const bare = withoutReplicas(snapshot.workload);
  const sizes = new Map(snapshot.config.map((object) => [object, sizeOf(object)]));
  const total = sum(sizes.values()) + sizeOf(bare) + sizeOf(snapshot.selectors ?? []);
  if (total > SNAPSHOT_BYTES) throw tooLarge('it has, with its configuration,', total, SNAPSHOT_BYTES);
  const copied = copiedOf(snapshot.config, sizes);
  const copies: SealedSnapshot['copies'] = [];
  const config = snapshot.config.map((object): StoredConfig => {
    if (!copied.has(object)) return { inline: object };
    const hash = contentHash(object, key);
    const name = `metricops-${hmac(key, `${place.history}/${hash}`).slice(0, 20)}`;
    copies.push({ name, object: { apiVersion: 'v1', kind: object.kind, metadata: { name }, ...contentOf(object) } });
    return { copy: name, of: withoutContent(object), hash };
  });
  const data: StoredSnapshot = { ...snapshot, version: VERSION, place, workload: bare, config };
  const size = sizeOf(data);
  if (size > REVISION_BYTES) throw tooLarge('without its configuration it has', size, REVISION_BYTES);
  return { name: nameOf(data, key), seal: sealOf(data, key), data, copies };
};

/** Throws SnapshotDamaged unless this installation sealed it, and for this workload. */
export const checkSeal = (
  workload: WorkloadKey,
  { name, seal = '', data }: { name: string; seal: string | undefined; data: unknown },
  key: Uint8Array,
): StoredSnapshot => {
  const what = `ControllerRevision ${workload.namespace}/${name}`;
  const stored = (data ?? {}) as StoredSnapshot;
  if (!READABLE.includes(stored.version)) {
    throw new SnapshotDamaged(
      `${what} has no seal of this version of metricops: the next release is recorded with one`,
    );
  }
  if (!isSame(seal, sealOf(stored, key))) {
    throw new SnapshotDamaged(`${what} is not as this installation recorded it`);
  }
  const { place } = stored;
  if (canonical(place) !== canonical(placeOf(workload))) {
    const whose = describeKey(place);
    throw new SnapshotDamaged(`${what} was recorded for ${whose}, and is good for no other workload`);
  }
  const parts = stored.config.map((entry) => ('inline' in entry ? entry.inline : entry.of));
  const selectors = stored.selectors ?? [];
  if (
    !isWorkload(stored.workload, workload) ||
    !parts.every((part) => isConfigOf(part, workload)) ||
    !selectors.every((selector) => isFoundBy(stored.workload, selector))
  ) {
    const whose = describeKey(workload);
    throw new SnapshotDamaged(`${what} holds objects other than ${whose}, its configuration and what finds its pods`);
  }
  return stored;
};

const isWorkload = ({ apiVersion, kind, metadata }: KubeObject, workload: WorkloadKey): boolean =>
  apiVersion.startsWith('apps/') &&
  kind === workload.kind &&
  metadata.name === workload.name &&
  metadata.namespace === workload.namespace;

const isConfigOf = ({ apiVersion, kind, metadata }: KubeObject, { namespace }: WorkloadKey): boolean =>
  apiVersion === 'v1' && (kind === 'ConfigMap' || kind === 'Secret') && metadata.namespace === namespace;

/** The ConfigMap or Secret whose content stands in a copy. Throws SnapshotDamaged. */
export const restoreCopy = (
  stored: Extract<StoredConfig, { copy: string }>,
  copy: KubeObject | undefined,
  key: Uint8Array,
): KubeObject => {
  const what = `${stored.of.kind} ${stored.of.metadata.namespace}/${stored.copy}, a part of the snapshot,`;
  if (!copy) throw new SnapshotDamaged(`${what} is gone`);
  const restored = { ...stored.of, ...contentOf(copy) } as KubeObject;
  if (contentHash(restored, key) !== stored.hash) throw new SnapshotDamaged(`${what} was changed`);
  return restored;
};

const placeOf = (workload: WorkloadKey): StoredSnapshot['place'] => {
  const { namespace, kind, name } = workload;
  return { namespace, history: historyName(workload), kind, name };
};

/** Secrets, for the built-in `view` role reads ControllerRevisions; and the largest ConfigMaps, until the rest fits. */
const copiedOf = (config: readonly KubeObject[], sizes: ReadonlyMap<KubeObject, number>): Set<KubeObject> => {
  const size = (object: KubeObject): number => sizes.get(object) ?? 0;
  const copied = new Set(config.filter(({ kind }) => kind === 'Secret'));
  const others = config.filter(({ kind }) => kind !== 'Secret');
  let inline = sum(others.map(size));
  for (const object of others.toSorted((a, b) => size(b) - size(a))) {
    if (inline <= INLINE_BYTES) break;
    copied.add(object);
    inline -= size(object);
  }
  return copied;
};

/** Over place and content: a seal is good for one workload of one namespace. */
const sealOf = (data: StoredSnapshot, key: Uint8Array): string =>
  hmac(key, `metricops.dev/snapshot/${data.version}\n${canonical(data)}`);

/**
 * By content, and of the selectors by what decides whom they find: the workload carries the name, and is not to be
 * applied again for each port or annotation of a Service.
 */
const nameOf = (data: StoredSnapshot, key: Uint8Array): string => {
  const parts = { ...data, selectors: data.selectors?.map(decidingPartOf) };
  const hash = hmac(key, `metricops.dev/snapshot-name/${data.version}\n${canonical(parts)}`);
  return `${data.place.history.slice(0, 50).replace(/[-.]+$/, '')}-${hash.slice(0, 12)}`;
};

const hmac = (key: Uint8Array, text: string): string => createHmac('sha256', key).update(text).digest('hex');

const isSame = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};

const sizeOf = (value: unknown): number => Buffer.byteLength(canonical(value));

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);

const contentOf = (object: KubeObject): object =>
  Object.fromEntries(CONTENT.filter((field) => object[field] !== undefined).map((field) => [field, object[field]]));

const withoutContent = (object: KubeObject): KubeObject =>
  Object.fromEntries(
    Object.entries(object).filter(([field]) => !(CONTENT as readonly string[]).includes(field)),
  ) as KubeObject;

const withoutReplicas = (workload: KubeObject): KubeObject => {
  const { replicas: _, ...spec } = (workload.spec ?? {}) as Record<string, unknown>;
  return { ...workload, spec };
};

const tooLarge = (what: string, bytes: number, limit: number): SnapshotTooLarge =>
  new SnapshotTooLarge(`the snapshot is too large: ${what} ${mebibytes(bytes)}, and ${mebibytes(limit)} can be stored`);

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
