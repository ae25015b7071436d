import { annotations } from '../api/annotations.ts';
import type { GitSync } from '../api/gitsync.ts';
import { describeKey, type KubeObject, keyOf } from '../api/meta.ts';
import { apiVersionOf, type KubeClient, type ResourceType } from '../kube/index.ts';
import type { ForeignObjects } from './foreign.ts';
import { isToolsManager, migrated } from './managed-fields.ts';
import { managerOf } from './names.ts';
import { replaceManagedFields, writerOf } from './writer.ts';

/**
 * Before an object is applied for the first time: another tool's is taken over where Git says so, with the ownership of
 * its fields, so that what that tool wrote and Git does not have goes away.
 * @returns why it is not taken over, in words; undefined when it may be applied
 */
export const takeOver = async (
  sync: GitSync,
  type: ResourceType,
  object: KubeObject,
  { client, foreign }: { client: KubeClient; foreign: ForeignObjects },
): Promise<string | undefined> => {
  const tool = await foreign.toolOf(type, keyOf(object));
  if (tool === undefined) return undefined;
  const told = sync.spec.adopt || object.metadata.annotations?.[annotations.adopt] === 'true';
  if (!told) {
    return `${describeKey(keyOf(object))} is applied by ${tool}: stop that, then annotate it in Git with ${annotations.adopt}=true, or set spec.adopt`;
  }
  const live = await client.get(type, object.metadata);
  const entries =
    live &&
    migrated(live, { from: isToolsManager(tool), to: { manager: managerOf(sync), apiVersion: apiVersionOf(type) } });
  if (live && entries) await replaceManagedFields(writerOf(sync, client), type, live, entries);
  return undefined;
};
