import { annotations } from '../api/annotations.ts';
import type { GitSync } from '../api/gitsync.ts';
import { describeKey, parseKey } from '../api/meta.ts';
import { type Discovery, type KubeClient, KubeError } from '../kube/index.ts';
import type { ApplyProblem } from './apply.ts';
import { ownerLabelOf } from './names.ts';
import { batchesOf } from './order.ts';
import { type OwnedObjects, ownerOf } from './owned.ts';
import { writerOf } from './writer.ts';

/**
 * Deletes what left Git, in the reverse of the order of application. What is not ours (any more), or says
 * `metricops.dev/prune: disabled`, stays and is forgotten; what can't be deleted stays tracked.
 * @returns keys that could not be deleted, each with a problem
 */
export const pruneAll = async (
  sync: GitSync,
  keys: readonly string[],
  ports: { client: KubeClient; discovery: Discovery; owned: OwnedObjects },
): Promise<ApplyProblem[]> => {
  const owner = ownerLabelOf(sync);
  const writer = writerOf(sync, ports.client);
  const problems: ApplyProblem[] = [];
  const entries = keys.map((key) => ({ key, parsed: parseKey(key) }));
  const shaped = entries.map((entry) => ({
    ...entry,
    object: { apiVersion: `${entry.parsed.group}/`, kind: entry.parsed.kind },
  }));
  for (const batch of batchesOf(shaped).reverse()) {
    await Promise.all(
      batch.map(async ({ key, parsed }) => {
        const type = await ports.discovery.findKind(parsed.group, parsed.kind);
        if (!type) return; // the kind is gone, and the object with it
        const live = (await ports.owned.of(type)).get(parsed);
        if (!live || ownerOf(live) !== owner) return;
        if (live.metadata.annotations?.[annotations.prune] === 'disabled') return;
        try {
          await writer.delete(type, parsed, live.metadata.uid === undefined ? {} : { uid: live.metadata.uid });
        } catch (error) {
          if (!(error instanceof KubeError)) throw error;
          problems.push({
            key,
            reason: 'PruneFailed',
            message: `${describeKey(parsed)}: ${error.message}`,
            permanent: false,
          });
        }
      }),
    );
  }
  return problems;
};
