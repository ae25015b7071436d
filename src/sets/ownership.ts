import { labels, ownerLabel } from '../api/annotations.ts';
import type { GitSyncSet } from '../api/gitsyncset.ts';
import type { KubeObject, ObjectMeta, OwnerReference } from '../api/meta.ts';
import { shorten } from './names.ts';

/** By which the GitSyncs of a set are found, in its own namespace and in others. */
export const setLabels = ({ metadata }: GitSyncSet, namespace: string): Record<string, string> => ({
  [labels.syncSet]: shorten(metadata.name),
  ...(metadata.namespace === namespace ? {} : { [labels.syncSetNamespace]: metadata.namespace ?? '' }),
});

/** Only within one namespace: Kubernetes takes an owner elsewhere for one that is gone, and collects the object. */
export const ownerReferences = (
  { apiVersion, kind, metadata }: GitSyncSet,
  namespace: string,
): { ownerReferences?: OwnerReference[] } => {
  if (metadata.namespace !== namespace || metadata.uid === undefined) return {};
  return { ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true }] };
};

/** Who made it, where somebody says so. */
export const controllerOf = ({ ownerReferences }: ObjectMeta): OwnerReference | undefined =>
  Array.isArray(ownerReferences) ? ownerReferences.find((reference) => reference?.controller === true) : undefined;

/**
 * Whether the set may change and delete this GitSync. The owner reference decides; where there is none (in another
 * namespace, or after the set was deleted without its GitSyncs and made again) the labels do.
 */
export const isOwn = (set: GitSyncSet, { metadata }: KubeObject): boolean => {
  const controller = controllerOf(metadata);
  if (controller) return controller.uid === set.metadata.uid;
  const wanted = setLabels(set, metadata.namespace ?? '');
  return [labels.syncSet, labels.syncSetNamespace].every((key) => metadata.labels?.[key] === wanted[key]);
};

/** The API server takes no longer name of a field manager. */
const MANAGER_MAX = 128;

/** Field manager of a set's server-side applies: `metricops-set/NAMESPACE/NAME`. */
export const managerOf = ({ metadata }: GitSyncSet): string => {
  const { namespace = '', name } = metadata;
  const manager = `metricops-set/${namespace}/${name}`;
  return manager.length <= MANAGER_MAX ? manager : `metricops-set/${ownerLabel({ namespace, name })}`;
};
