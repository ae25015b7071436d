import { annotations, labels } from '../../api/annotations.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { managerOf } from '../../api/gitsync-names.ts';
import { isConflict, type KubeClient, type Name, type ResourceType } from '../../kube/index.ts';
import { writerOf } from '../../policy/writer.ts';
import { entriesOf } from '../../ssa/managed-fields.ts';

/** What metricops writes on the objects that it applies. */
const OUR_NOTES = [
  annotations.sourceDigest,
  annotations.commit,
  annotations.appliedHash,
  annotations.snapshot,
  annotations.upgradeHook,
];

const TRIES = 5;

/**
 * The object becomes nobody's: our label, our annotations and our entries in managedFields go, all else stays as it is.
 * @param client of the controller; written is with the rights of the GitSync
 */
export const releaseOwnershipOf = async (
  sync: GitSync,
  type: ResourceType,
  name: Name,
  { client, signal }: { client: KubeClient; signal: AbortSignal },
): Promise<void> => {
  for (let tries = 1; ; tries += 1) {
    const live = await client.get(type, name);
    if (!live) return;
    const others = entriesOf(live).filter(({ manager }) => manager !== managerOf(sync));
    const body = {
      metadata: {
        resourceVersion: live.metadata.resourceVersion,
        labels: { [labels.sync]: null },
        annotations: Object.fromEntries(OUR_NOTES.map((note) => [note, null])),
        managedFields: others.length > 0 ? others : [{}], // an empty list would change nothing
      },
    };
    signal.throwIfAborted();
    try {
      await writerOf(sync, client).patch(type, name, { type: 'merge', body });
      return;
    } catch (error) {
      if (!isConflict(error) || tries >= TRIES) throw error;
    }
  }
};
