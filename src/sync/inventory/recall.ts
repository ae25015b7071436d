import type { GitSync } from '../../api/gitsync.ts';
import { ownerLabelOf } from '../../api/gitsync-names.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { PlatformPolicySpec } from '../../api/platform-policy.ts';
import { type Discovery, KubeError } from '../../kube/index.ts';
import { createLoopYielder } from '../../loop-yielder.ts';
import { refusalOfObject } from '../../policy/platform.ts';
import { markOf } from '../../ssa/marks.ts';
import type { OwnedKind, OwnedObjects } from '../objects/owned-objects.ts';
import type { Plan, PlannedObject } from '../plan/types.ts';
import { type AppliedObject, appliedEarlier, type SyncState } from '../state/sync-state.ts';
import { groupDigests, groupOfKey, notedOf, type SentPorts, sentOf, type Trace } from '../state/trace.ts';

export interface RecallPorts extends SentPorts {
  discovery: Discovery;
  owned: OwnedObjects;
  policy: () => PlatformPolicySpec;
}

/** A planned object as it is in the cluster, with the trace that it would have, had this process applied it. */
interface Found {
  planned: PlannedObject;
  live: KubeObject | undefined;
  trace: Trace;
}

/**
 * After a restart: what an earlier process applied, and nobody changed since, is not applied again. What somebody did
 * change has drifted, as if it had been seen. The status says what was applied, the watched copies what is there: no
 * request for an object.
 * @returns the plan without what needs no apply
 */
export const recallApplied = async (sync: GitSync, state: SyncState, made: Plan, ports: RecallPorts): Promise<Plan> => {
  const found = hasTraces(sync) ? await findAll(sync, made, ports) : [];
  state.recalled = true;
  const verdicts = verdictsOn(sync, found);
  const recalled = new Set<string>();
  for (const { planned, live, trace } of found) {
    const verdict = verdicts(planned.key, trace);
    if (verdict === undefined) continue;
    if (verdict === 'changed') state.drifted.add(planned.key);
    else recalled.add(planned.key);
    state.applied.set(planned.key, appliedBefore(sync, { planned, live, trace }, verdict));
  }
  return { ...made, apply: made.apply.filter(({ key }) => !recalled.has(key)) };
};

/** As this process would know it, had it made that apply. What was changed since has no mark that a watch could show. */
const appliedBefore = (sync: GitSync, { planned, live, trace }: Found, verdict: 'same' | 'changed'): AppliedObject => {
  const same = verdict === 'same' && live;
  return appliedEarlier(live, {
    hash: planned.hash,
    mark: same ? markOf(live, ownerLabelOf(sync)) : '',
    trace: same ? trace : { ...trace, noted: '' },
    ...(planned.digests && { sourceDigest: planned.digests.sourceDigest }),
  });
};

const hasTraces = ({ status }: GitSync): boolean =>
  (status?.inventoryDigests?.length ?? 0) > 0 || entriesOf(status).some(({ noted }) => noted !== undefined);

const entriesOf = (status: GitSync['status']) => status?.inventory?.entries ?? [];

/** Objects that the controller may watch and the platform allows; the apply of others says what is wrong. */
const findAll = async (sync: GitSync, { apply, desired }: Plan, ports: RecallPorts): Promise<Found[]> => {
  const breathe = createLoopYielder();
  const found: Found[] = [];
  for (const planned of apply) {
    const { object } = planned;
    await breathe();
    const kind = await watchedKind(object, ports);
    if (!kind || refusalOfObject(sync, object, ports.policy())) continue;
    const live = kind.get(object.metadata);
    const sent = sentOf(sync, planned, { live, all: desired }, ports);
    found.push({ planned, live, trace: { sent, noted: live ? notedOf(sync, live) : '' } });
  }
  return found;
};

const watchedKind = async (
  { apiVersion, kind }: KubeObject,
  { discovery, owned }: RecallPorts,
): Promise<OwnedKind | undefined> => {
  try {
    const type = await discovery.find(apiVersion, kind);
    return type && (await owned.of(type));
  } catch (error) {
    if (error instanceof KubeError) return undefined; // its apply says so
    throw error;
  }
};

/** `changed` only where the same was sent before: what has to be sent anyway says nothing about who changed it. */
const verdictsOn = ({ status }: GitSync, found: readonly Found[]) => {
  const { inventoryDigests } = status ?? {};
  if (inventoryDigests) {
    const now = groupDigests(new Map(found.map(({ planned, trace }) => [planned.key, trace])));
    return (key: string): 'same' | undefined =>
      inventoryDigests[groupOfKey(key)] === now[groupOfKey(key)] ? 'same' : undefined;
  }
  const before = new Map(entriesOf(status).map((entry) => [entry.id, entry]));
  return (key: string, { sent, noted }: Trace): 'same' | 'changed' | undefined => {
    const entry = before.get(key);
    if (entry?.noted === undefined || entry.sent !== sent) return undefined;
    return entry.noted === noted ? 'same' : 'changed';
  };
};
