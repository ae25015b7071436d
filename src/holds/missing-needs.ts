import { describeKey } from '../api/meta.ts';
import type { RestorableRelease } from '../api/release-history.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { isForbidden, type KubeClient, type ResourceType, resources } from '../kube/index.ts';
import { type Need, needsOf, type Snapshot, SnapshotDamaged, type SnapshotStore, unsealed } from '../snapshot/index.ts';

const TYPES: Record<Need['kind'], ResourceType> = {
  ServiceAccount: resources.serviceAccounts,
  PersistentVolumeClaim: resources.persistentVolumeClaims,
  ConfigMap: resources.configMaps,
  Secret: resources.secrets,
};

/**
 * What the pods of a target need, its snapshot does not bring, and is not there: `ServiceAccount shop/web`. What may not
 * be read is taken for there. One request for each; rejects with KubeError.
 */
export const missingNeedsOf = async (
  { workload, config }: Pick<Snapshot, 'workload' | 'config'>,
  client: Pick<KubeClient, 'get'>,
): Promise<string[]> => {
  const { namespace = '' } = workload.metadata;
  const needs = needsOf(workload, config);
  const there = await Promise.all(needs.map(({ kind, name }) => isThere(TYPES[kind], { namespace, name }, client)));
  return needs.filter((_, index) => !there[index]).map(({ kind, name }) => describeKey({ kind, namespace, name }));
};

/** Why a rollback can't go to a release of the workload, in words; undefined: it can. */
export const obstacleToTarget = async (
  workload: WorkloadKey,
  { snapshotRef }: Pick<RestorableRelease, 'snapshotRef'>,
  { client, snapshots }: { client: Pick<KubeClient, 'get'>; snapshots: Pick<SnapshotStore, 'read'> },
): Promise<string | undefined> => {
  try {
    const snapshot = await snapshots.read(workload, snapshotRef.name);
    if (!snapshot) return `ControllerRevision ${snapshotRef.name} is gone`;
    const missing = await missingNeedsOf(snapshot, client);
    return missing.length === 0 ? undefined : missingWords(missing);
  } catch (error) {
    if (error instanceof SnapshotDamaged) return error.message;
    throw error;
  }
};

/**
 * The same for a person, who has no key to check a seal with: what they may read counts, and the controller checks the
 * rest. Rejects with KubeError.
 */
export const obstacleSeenBy = async (
  client: Pick<KubeClient, 'get'>,
  { namespace }: WorkloadKey,
  { snapshotRef: { name } }: Pick<RestorableRelease, 'snapshotRef'>,
): Promise<string | undefined> => {
  const revision = await unlessForbidden(client.get(resources.controllerRevisions, { namespace, name }));
  if (revision === FORBIDDEN) return undefined;
  if (!revision) return `ControllerRevision ${name} is gone`;
  const parts = unsealed(revision);
  if (!parts) return `ControllerRevision ${name} is no snapshot`;
  const missing = await missingNeedsOf(parts, client);
  return missing.length === 0 ? undefined : missingWords(missing);
};

/** `its pods need ServiceAccount shop/web, which does not exist` */
export const missingWords = (missing: readonly string[]): string =>
  `its pods need ${missing.join(', ')}, which ${missing.length === 1 ? 'does' : 'do'} not exist`;

const isThere = async (
  type: ResourceType,
  name: { namespace: string; name: string },
  client: Pick<KubeClient, 'get'>,
): Promise<boolean> => (await unlessForbidden(client.get(type, name))) !== undefined;

const FORBIDDEN = Symbol('forbidden');

const unlessForbidden = async <T>(answer: Promise<T>): Promise<T | typeof FORBIDDEN> => {
  try {
    return await answer;
  } catch (error) {
    if (isForbidden(error)) return FORBIDDEN;
    throw error;
  }
};
