import type { GitSync } from '../../api/gitsync.ts';
import { keyOfSync, PRUNE_FINALIZER } from '../../api/gitsync-names.ts';
import { describeKey, parseKey } from '../../api/meta.ts';
import type { Occurred } from '../../api/occurrence.ts';
import {
  hasFinalizer,
  type KubeClient,
  KubeError,
  removeFinalizer,
  resources,
  whatTerminates,
} from '../../kube/index.ts';
import type { Log } from '../../telemetry/index.ts';
import { deleteHooks } from '../hooks/clean.ts';
import { inTurn } from '../objects/in-turn.ts';
import type { Kept } from '../plan/kept.ts';
import type { SyncState } from '../state/sync-state.ts';
import { type InventoryPorts, rebuildInventory } from './inventory.ts';
import { type Found, findAllOurs, type PrunePorts, pruneAll } from './prune.ts';
import { releaseOwnershipOf } from './release-ownership.ts';

/** Something of a GitSync that is being deleted can't be deleted. */
export class PruneError extends Error {
  override name = 'PruneError';
}

export interface RemovalPorts extends InventoryPorts, PrunePorts {
  occurred: Occurred;
  log: Log;
  /** Where the controller itself is installed. */
  systemNamespace: string;
}

/**
 * Kubernetes deletes a GitSync also where nobody wants its objects gone: with the kind, its namespace, or the whole
 * installation; and with its GitSyncSet, which may go with a kind of its own. And who suspends a GitSync before deleting
 * it takes its objects elsewhere, as with Flux.
 */
export const whyNoOrder = async (
  sync: GitSync,
  client: KubeClient,
  systemNamespace: string,
): Promise<string | undefined> => {
  if (sync.spec.suspend) return 'it was suspended';
  const { namespace = '', ownerReferences = [] } = sync.metadata;
  const ofSet = ownerReferences.some(({ kind, controller }) => controller && kind === resources.gitSyncSets.kind);
  return (
    (await whatTerminates(resources.gitSyncs, [namespace, systemNamespace], client)) ??
    (ofSet ? await whatTerminates(resources.gitSyncSets, [], client) : undefined)
  );
};

export const NAMED = 8;

/** What refuses it stays as it is: the end of a GitSync waits for nobody who may never come. */
export const releaseObjects = async (sync: GitSync, found: readonly Found[], ports: RemovalPorts): Promise<void> => {
  const one = async (each: Found): Promise<void> => {
    try {
      await inTurn(sync, each.key, ports, () => releaseOwnershipOf(sync, each.type, each.parsed, ports));
    } catch (error) {
      if (!(error instanceof KubeError) || error.status === 0) throw error;
      const message = `${describeKey(each.parsed)} stays, and still has the labels of this GitSync: ${error.message}`;
      ports.occurred({ regarding: sync, severity: 'warning', reason: 'ObjectsKept', action: 'Delete', message });
    }
  };
  await Promise.all(found.map(one));
};

/** What was not to be deleted is nobody's from now on, unless another GitSync takes it over. */
export const keepObjects = async (
  sync: GitSync,
  state: SyncState,
  kept: readonly Kept[],
  ports: RemovalPorts,
): Promise<void> => {
  const ending = kept.filter(({ reason }) => reason !== 'HandoverPending');
  const { found } = await findAllOurs(
    sync,
    state,
    ending.map(({ key }) => key),
    ports,
  );
  await releaseObjects(sync, found, ports);
  if (kept.length === 0) return;
  const named = kept.slice(0, NAMED).map(({ key }) => describeKey(parseKey(key)));
  const more = kept.length > NAMED ? ` and ${kept.length - NAMED} more` : '';
  const message = `deleted, and left in the cluster: ${named.join(', ')}${more}. Delete by hand what is not needed`;
  ports.occurred({ regarding: sync, severity: 'warning', reason: 'ObjectsKept', action: 'Delete', message });
};

export const settleObjects = async (sync: GitSync, state: SyncState, ports: RemovalPorts): Promise<void> => {
  const { deletionPolicy, prune } = sync.spec;
  const unread = await rebuildInventory(sync, state, [], ports);
  const keys = [...state.inventory.keys()];
  if (deletionPolicy === 'Delete' || (deletionPolicy === 'MirrorPrune' && prune)) {
    const { problems, kept } = await pruneAll(sync, state, { keys, commit: undefined }, ports);
    const [problem] = [...problems, ...unread, ...(await deleteHooks(sync, state, ports))];
    if (problem) throw new PruneError(problem.message);
    await keepObjects(sync, state, kept, ports);
    return;
  }
  const { found, problems } = await findAllOurs(sync, state, keys, ports);
  for (const { message } of [...problems, ...unread])
    ports.occurred({ regarding: sync, severity: 'warning', reason: 'ObjectsKept', action: 'Delete', message });
  // What another one asks for it inherits, with the ownership of the fields.
  await releaseObjects(
    sync,
    found.filter(({ key }) => !ports.handover.wantedBy(sync, key)),
    ports,
  );
};

/**
 * The GitSync is being deleted. What becomes of its objects says spec.deletionPolicy, unless its end was no order: then
 * they stay as they are. Needs no Git. Rejects while something that is to be deleted can't be.
 */
export const finalizeSync = async (sync: GitSync, state: SyncState, ports: RemovalPorts): Promise<void> => {
  const { client, occurred, log } = ports;
  if (!hasFinalizer(sync, PRUNE_FINALIZER)) return;
  const noOrder = await whyNoOrder(sync, client, ports.systemNamespace);
  if (noOrder !== undefined) {
    const message = `${noOrder}: all objects of this GitSync stay as they are`;
    log.info({ sync: keyOfSync(sync) }, message);
    occurred({ regarding: sync, severity: 'info', reason: 'ObjectsKept', action: 'Delete', message });
  } else await settleObjects(sync, state, ports);
  ports.signal.throwIfAborted();
  await removeFinalizer(client, resources.gitSyncs, sync, PRUNE_FINALIZER);
};
