import type { GitSync } from '../api/gitsync.ts';
import type { KubeObject } from '../api/meta.ts';
import type { KubeClient, ResourceType } from '../kube/index.ts';
import type { ManagedFieldsEntry } from './managed-fields.ts';

/** Who writes for this GitSync: the ServiceAccount that it names, which is one of its own namespace, or the controller. */
export const writerOf = ({ spec, metadata }: GitSync, client: KubeClient): KubeClient =>
  spec.serviceAccountName === undefined
    ? client
    : client.impersonate({ userName: `system:serviceaccount:${metadata.namespace}:${spec.serviceAccountName}` });

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
