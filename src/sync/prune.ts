import { annotations } from '../api/annotations.ts';
import type { GitSync } from '../api/gitsync.ts';
import { describeKey, type KubeObject, type ObjectKey, parseKey } from '../api/meta.ts';
import {
  type Discovery,
  isKindGone,
  type KubeClient,
  KubeError,
  type ResourceType,
  type Turns,
} from '../kube/index.ts';
import { ownerLabelOf } from './names.ts';
import { batchesOf, waveOf } from './order.ts';
import { type OwnedObjects, ownerOf } from './owned.ts';
import type { ApplyProblem } from './problem.ts';
import { readsOf } from './reads.ts';
import { messageOf } from './rights.ts';
import type { SyncState } from './state.ts';
import { writerOf } from './writer.ts';

export interface PrunePorts {
  client: KubeClient;
  discovery: Discovery;
  owned: OwnedObjects;
  turns: Turns;
}

interface Found {
  key: string;
  parsed: ObjectKey;
  type: ResourceType;
  object: KubeObject;
}

/**
 * Deletes what left Git, in the reverse of the order of application. What is not ours (any more), or says
 * `metricops.dev/prune: disabled`, stays; what can't be deleted stays tracked.
 * @returns keys that could not be deleted, each with a problem, and those that may not be
 */
export const pruneAll = async (
  sync: GitSync,
  { applied }: Pick<SyncState, 'applied'>,
  keys: readonly string[],
  ports: PrunePorts,
): Promise<{ problems: ApplyProblem[]; protectedKeys: string[] }> => {
  const looked = await Promise.all(
    keys.map((key) => findOurs(sync, key, applied.has(key), ports).catch(pruneFailed(key))),
  );
  const problems = looked.filter((f) => f !== undefined && 'reason' in f);
  const found = looked.filter((f) => f !== undefined && 'type' in f);
  const [kept, gone] = [found.filter(isProtected), found.filter((f) => !isProtected(f))];
  const waves = Map.groupBy(gone, ({ object }) => waveOf(object));
  for (const wave of [...waves.keys()].toSorted((a, b) => b - a)) {
    for (const batch of batchesOf(waves.get(wave) ?? []).reverse()) {
      const outcomes = await Promise.all(batch.map((one) => deleteOne(sync, one, ports)));
      problems.push(...outcomes.filter((p) => p !== undefined));
    }
  }
  return { problems, protectedKeys: kept.map(({ key }) => key) };
};

const isProtected = ({ object }: Found): boolean => object.metadata.annotations?.[annotations.prune] === 'disabled';

const findOurs = async (
  sync: GitSync,
  key: string,
  isApplied: boolean,
  ports: PrunePorts,
): Promise<Found | undefined> => {
  const parsed = parseKey(key);
  const type = await ports.discovery.findKind(parsed.group, parsed.kind);
  if (!type) return undefined; // the kind is gone, and the object with it
  // What was applied a moment ago, the watch may not show yet.
  const reads = await readsOf(sync, type, ports);
  const live =
    (await reads.get(parsed)) ?? (isApplied && reads.watched ? await ports.client.get(type, parsed) : undefined);
  if (!live || ownerOf(live) !== ownerLabelOf(sync)) return undefined;
  return { key, parsed, type, object: live };
};

const deleteOne = async (
  sync: GitSync,
  { key, parsed, type, object }: Found,
  ports: PrunePorts,
): Promise<ApplyProblem | undefined> => {
  const { uid } = object.metadata;
  const writer = writerOf(sync, ports.client);
  try {
    await ports.turns(sync.metadata.namespace ?? '', () =>
      writer.delete(type, parsed, uid === undefined ? {} : { uid }),
    );
    return undefined;
  } catch (error) {
    return pruneFailed(key)(error);
  }
};

const pruneFailed =
  (key: string) =>
  (error: unknown): ApplyProblem | undefined => {
    if (!(error instanceof KubeError)) throw error;
    if (isKindGone(error)) return undefined;
    return {
      key,
      reason: 'PruneFailed',
      message: `${describeKey(parseKey(key))}: ${messageOf(error)}`,
      permanent: false,
    };
  };
