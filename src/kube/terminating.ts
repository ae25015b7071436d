import { resources } from './resources.ts';
import type { KubeClient, ResourceType } from './types.ts';

/**
 * What is being deleted around an object of one of our kinds, in words: the kind, its namespace, or that of metricops
 * itself. Kubernetes deletes the object along, which is nobody's order to delete what it stands for. undefined when none.
 */
export const whatTerminates = async (
  { group, kind, plural }: ResourceType,
  namespaces: readonly string[],
  client: KubeClient,
): Promise<string | undefined> => {
  const definition = await client.get(resources.crds, { name: `${plural}.${group}` });
  if (!definition || definition.metadata.deletionTimestamp !== undefined) return `the kind ${kind} is being deleted`;
  for (const name of new Set(namespaces)) {
    const namespace = await client.get(resources.namespaces, { name });
    if (namespace?.metadata.deletionTimestamp !== undefined) return `namespace ${name} is being deleted`;
  }
  return undefined;
};
