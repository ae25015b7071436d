import type { KubeObject } from '../api/meta.ts';
import type { KubeClient, ResourceType } from './types.ts';

export const hasFinalizer = ({ metadata }: KubeObject, finalizer: string): boolean =>
  metadata.finalizers?.includes(finalizer) ?? false;

/** Resolves with the object as it is stored. Rejects with a conflict when somebody wrote it since it was read. */
export const addFinalizer = async <T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  object: T,
  finalizer: string,
): Promise<T> =>
  hasFinalizer(object, finalizer)
    ? object
    : setFinalizers(client, type, object, [...(object.metadata.finalizers ?? []), finalizer]);

/** The last one gone, an object that is being deleted is gone, too. Rejects as addFinalizer does. */
export const removeFinalizer = async <T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  object: T,
  finalizer: string,
): Promise<void> => {
  const { finalizers = [] } = object.metadata;
  const others = finalizers.filter((each) => each !== finalizer);
  if (others.length < finalizers.length) await setFinalizers(client, type, object, others);
};

/** The list as a whole: at the version that was read, so that nobody else's entry is lost or comes back. */
const setFinalizers = <T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  { metadata }: T,
  finalizers: readonly string[],
): Promise<T> => {
  const body = { metadata: { finalizers, resourceVersion: metadata.resourceVersion } };
  return client.patch<T>(type, metadata, { type: 'merge', body });
};
