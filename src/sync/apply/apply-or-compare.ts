import { isDeepStrictEqual } from 'node:util';
import { annotations } from '../../api/annotations.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { ownerLabelOf } from '../../api/gitsync-names.ts';
import type { KubeObject } from '../../api/meta.ts';
import { mayBeWritten, type ResourceType } from '../../kube/index.ts';
import { markOf } from '../../ssa/marks.ts';
import type { PlannedObject } from '../plan/types.ts';
import { notedOf, sentOf } from '../state/trace.ts';
import { compare, send } from './send.ts';
import type { ApplyContext, ApplyPorts } from './types.ts';

/** Sends the object, or, where differences are only reported, asks what sending it would change. */
export const applyOrCompare = async (
  sync: GitSync,
  type: ResourceType,
  planned: PlannedObject,
  context: ApplyContext & { live: KubeObject | undefined; prepared: KubeObject; force: boolean },
  ports: ApplyPorts,
): Promise<KubeObject | undefined> => {
  const { key } = planned;
  const { state, live, all, prepared, force } = context;
  if (isOnlyReported(sync, planned, live, context)) {
    const { difference, seen } = await compare(sync, type, prepared, all, ports);
    const known = state.reported.get(key) ?? sync.status?.drift?.find(({ id }) => id === key);
    if (difference && !isDeepStrictEqual(difference, known)) context.onReported(difference);
    if (difference) state.reported.set(key, difference);
    else state.reported.delete(key);
    remember(sync, planned, { ...context, seen }, ports);
    return seen;
  }
  const how = { all, drifted: state.drifted.has(key), force };
  const { result, corrected } = await send(sync, type, prepared, how, ports).catch((error: unknown) => {
    // Whether it was applied, nobody knows: the next plan does not take what was applied before for what is there.
    if (mayBeWritten(error)) state.applied.delete(key);
    throw error;
  });
  if (corrected) context.onCorrected(corrected);
  state.reported.delete(key);
  remember(sync, planned, { ...context, seen: result }, ports);
  return result;
};

const remember = (
  sync: GitSync,
  planned: PlannedObject,
  { state, seen, all, live }: Pick<ApplyContext, 'state' | 'all'> & Record<'seen' | 'live', KubeObject | undefined>,
  ports: ApplyPorts,
): void => {
  const { key, hash, digests } = planned;
  state.drifted.delete(key);
  state.untouched.delete(key);
  state.applied.set(key, {
    hash,
    mark: seen ? markOf(seen, ownerLabelOf(sync)) : '',
    resourceVersion: seen?.metadata.resourceVersion ?? '',
    generation: seen?.metadata.generation ?? 0,
    at: ports.clock.now(),
    uid: seen?.metadata.uid ?? '',
    trace: { sent: sentOf(sync, planned, { live, all }, ports), noted: seen ? notedOf(sync, seen) : '' },
    ...(digests === undefined ? {} : { sourceDigest: digests.sourceDigest }),
  });
};

/** With drift Report, what Git says now is what was applied already: a difference is then somebody else's change. */
const isOnlyReported = (
  { spec, status }: GitSync,
  { key, hash }: PlannedObject,
  live: KubeObject | undefined,
  { state, commit }: ApplyContext,
): boolean => {
  if (spec.drift !== 'Report') return false;
  if (live) return live.metadata.annotations?.[annotations.appliedHash] === hash;
  const applied = state.applied.get(key);
  if (applied) return applied.hash === hash;
  // Deleted, and an earlier process may have applied it.
  return status?.lastAppliedRevision?.endsWith(`@${commit}`) === true && state.inventory.has(key);
};
