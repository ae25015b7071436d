import { resources } from './resources.ts';
import type { KubeClient, ResourceType } from './types.ts';

/**
 * Why an object of one of our kinds is being deleted together with something else: its kind, its namespace, or the
 * namespace of metricops. Nobody then asked to delete what the object stands for. undefined when there is no such
 * cause.
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
