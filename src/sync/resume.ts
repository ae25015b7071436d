import type { GitSync } from '../api/gitsync.ts';
import { ownerLabelOf } from '../api/gitsync-names.ts';
import { type KubeObject, keyOf, type ObjectKey, parseKey } from '../api/meta.ts';
import { KubeError } from '../kube/index.ts';
import { createLoopYielder } from '../loop-yielder.ts';
import { runningRelease } from '../snapshot/index.ts';
import type { Head } from '../source/heads.ts';
import { markOf } from '../ssa/marks.ts';
import { versionIn } from './hooks/run.ts';
import type { Handover } from './inventory/handover.ts';
import { type InventoryPorts, rebuildInventory } from './inventory/inventory.ts';
import { fingerprintOf, type NewsPorts, namespacesIn } from './nothing-new.ts';
import { isWorkload } from './plan/match-holds.ts';
import type { Plan } from './plan/types.ts';
import { areHooksPending } from './state/hook-run.ts';
import { inputsBefore, originOf } from './state/origin.ts';
import { type AppliedObject, appliedEarlier, type SyncState } from './state/sync-state.ts';
import { notedOf, type SentPorts, type Trace } from './state/trace.ts';

export interface ResumePorts extends NewsPorts, SentPorts, InventoryPorts {
  handover: Pick<Handover, 'resumed'>;
}

type Entry = NonNullable<NonNullable<GitSync['status']>['inventory']>['entries'][number];

/**
 * After a restart, without a render: where all that the last plan was made from is as the status says, and nobody
 * changed what it applied, the plan stands. Everything else is found out by the next plan.
 */
export const resume = async (sync: GitSync, state: SyncState, at: Head, ports: ResumePorts): Promise<void> => {
  if (state.resumed) return;
  state.resumed = true;
  const { plannedFrom, inventory } = sync.status ?? {};
  if (areHooksPending(state)) return;
  const inputs = inputsBefore(sync);
  if (!plannedFrom || !inventory || !inputs || !ports.sources.holds(sync, inputs)) return;
  const { entries } = inventory;
  const touched = namespacesIn(entries.map(({ id }) => parseKey(id)));
  // What a Hold waits for is found out by a plan.
  if (ports.holdController.inForce(touched).length > 0) return;
  const fingerprint = fingerprintOf(sync, state, touched, ports);
  const found = (await isAllOurs(sync, state, entries, ports)) ? await findAll(sync, entries, ports) : undefined;
  const origin = found && originOf(fingerprint, { objects: found.map(({ live }) => live), planned: [] }, ports);
  if (!found || origin !== plannedFrom.digest) {
    state.inventory.clear();
    delete state.unread;
    return;
  }
  for (const { entry, applied } of found) state.applied.set(entry.id, applied);
  state.ignoreDifferences = sync.spec.ignoreDifferences;
  const version = versionIn(sync, state, at.id);
  state.planned = { source: at.source, commit: at.id, version, fingerprint, inputs, origin };
  ports.handover.resumed(
    sync,
    entries.map(({ id }) => id),
    { commit: at.id, inputs },
  );
};

/** No object carries our label that the status does not name: a process may have ended between an apply and its status. */
const isAllOurs = async (
  sync: GitSync,
  state: SyncState,
  entries: readonly Entry[],
  ports: ResumePorts,
): Promise<boolean> => {
  const unread = await rebuildInventory(sync, state, [], ports);
  return unread.length === 0 && state.inventory.size === entries.length;
};

/** For the status, so that the next process can resume after this plan. */
export const originFor = async (made: Plan, fingerprint: string, ports: LivePorts & SentPorts): Promise<string> => {
  const objects: KubeObject[] = [];
  for (const { object } of made.desired) objects.push(isWorkload(object) ? await asItWillBe(object, ports) : object);
  return originOf(fingerprint, { objects, planned: made.desired }, ports);
};

/** With what people wrote on it in the cluster. */
const asItWillBe = async (workload: KubeObject, ports: LivePorts): Promise<KubeObject> => {
  const live = await liveOf(keyOf(workload), ports);
  const annotations = { ...live?.metadata.annotations, ...workload.metadata.annotations };
  return { ...workload, metadata: { ...workload.metadata, annotations } };
};

type LivePorts = Pick<InventoryPorts, 'discovery' | 'owned'>;

interface Found {
  entry: Entry;
  live: KubeObject;
  applied: AppliedObject;
}

/** As the cluster has them; undefined where one is not as it was applied, or nobody knows. */
const findAll = async (
  sync: GitSync,
  entries: readonly Entry[],
  { discovery, owned }: LivePorts,
): Promise<Found[] | undefined> => {
  const breathe = createLoopYielder();
  const found: Found[] = [];
  for (const entry of entries) {
    await breathe();
    const { sent, noted } = entry;
    if (sent === undefined || noted === undefined) return undefined;
    const live = await liveOf(parseKey(entry.id), { discovery, owned });
    if (!live || notedOf(sync, live) !== noted) return undefined;
    found.push({ entry, live, applied: appliedBefore(sync, live, { sent, noted }) });
  }
  return found;
};

const liveOf = async (key: ObjectKey, { discovery, owned }: LivePorts): Promise<KubeObject | undefined> => {
  try {
    const type = await discovery.findKind(key.group, key.kind);
    return type && (await owned.of(type)).get(key);
  } catch (error) {
    if (error instanceof KubeError) return undefined; // the plan says so
    throw error;
  }
};

/** Its hash is of a plan that this process did not make: the next one recalls it, see `recallApplied`. */
const appliedBefore = (sync: GitSync, live: KubeObject, trace: Trace): AppliedObject => {
  const running = isWorkload(live) ? runningRelease(live) : undefined;
  return appliedEarlier(live, {
    hash: '',
    mark: markOf(live, ownerLabelOf(sync)),
    trace,
    ...(running?.fromGit ? { sourceDigest: running.digest } : {}),
  });
};
