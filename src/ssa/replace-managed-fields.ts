import type { KubeObject } from '../api/meta.ts';
import type { KubeClient, ResourceType } from '../kube/index.ts';
import type { ManagedFieldsEntry } from './managed-fields.ts';

/** Who owns which field, at the version that was read: what somebody takes meanwhile makes it a conflict (409). */
export const replaceManagedFields = (
  writer: KubeClient,
  type: ResourceType,
  { metadata }: KubeObject,
  managedFields: readonly ManagedFieldsEntry[],
): Promise<KubeObject> => {
  const body = { metadata: { resourceVersion: metadata.resourceVersion, managedFields } };
  return writer.patch(type, metadata, { type: 'merge', body });
};
