import { isSwitchedOn } from '../../api/annotation-values.ts';
import { annotations, labelOfManager } from '../../api/annotations.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { managerOf } from '../../api/gitsync-names.ts';
import { describeKey, type KubeObject, keyOf } from '../../api/meta.ts';
import { apiVersionOf, isConflict, type KubeClient, type ResourceType } from '../../kube/index.ts';
import { writerOf } from '../../policy/writer.ts';
import { entriesOf, isApplyOf, migrated } from '../../ssa/managed-fields.ts';
import { replaceManagedFields } from '../../ssa/replace-managed-fields.ts';
import { isToolsManager, toolOf } from '../../ssa/tools.ts';
import type { ForeignObjects } from './foreign-objects.ts';

export interface AdoptPorts {
  client: KubeClient;
  foreign: ForeignObjects;
}

/**
 * Before an object is applied for the first time: another tool's is taken over where Git says so, with the ownership of
 * its fields, so that what that tool wrote and Git does not have goes away.
 * @param now nothing that was known before counts
 * @returns why it is not taken over, in words; undefined when it may be applied
 */
export const takeOver = async (
  sync: GitSync,
  type: ResourceType,
  object: KubeObject,
  { now }: { now: boolean },
  { client, foreign }: AdoptPorts,
): Promise<string | undefined> => {
  const tool = await foreign.toolOf(type, keyOf(object), now);
  if (tool === undefined) return undefined;
  const told = sync.spec.adopt || isSwitchedOn(object.metadata, annotations.adopt);
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

/** What a GitSync that is gone left behind becomes this one's, with the fields that it owned. */
export const inherit = async (
  sync: GitSync,
  type: ResourceType,
  { metadata }: KubeObject,
  owner: string,
  { client }: AdoptPorts,
): Promise<void> => {
  const live = await client.get(type, metadata);
  const to = { manager: managerOf(sync), apiVersion: apiVersionOf(type) };
  const entries = live && migrated(live, { from: (entry) => labelOfManager(entry.manager) === owner, to });
  if (live && entries) await replaceManagedFields(writerOf(sync, client), type, live, entries);
};

/**
 * The first apply of an object that nobody was known to apply. What is known may be older than the object, so this one
 * takes nothing from anybody; if it met another tool, it is taken back, and the tool's object is taken over or refused.
 * @returns why it is not taken over, in words; undefined when it is applied
 */
export const applyFirst = async (
  sync: GitSync,
  type: ResourceType,
  object: KubeObject,
  apply: (force: boolean) => Promise<KubeObject | undefined>,
  ports: AdoptPorts,
): Promise<string | undefined> => {
  const met = await apply(false).then(isOthers, trueIfConflict);
  if (!met) return undefined;
  const refused = await takeOver(sync, type, object, { now: true }, ports);
  if (refused === undefined) {
    await apply(true);
    return undefined;
  }
  const live = await ports.client.get(type, object.metadata);
  if (live && entriesOf(live).some(isApplyOf(managerOf(sync)))) {
    const { apiVersion, kind, metadata } = object;
    const { name, namespace } = metadata;
    const nothing = { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
    await writerOf(sync, ports.client).apply(type, nothing, { fieldManager: managerOf(sync), force: true });
  }
  return refused;
};

const isOthers = (result: KubeObject | undefined): boolean => {
  if (!result) return false;
  const tool = toolOf(result);
  return tool !== undefined && entriesOf(result).some(isToolsManager(tool));
};

const trueIfConflict = (error: unknown): boolean => {
  if (!isConflict(error)) throw error;
  return true;
};
