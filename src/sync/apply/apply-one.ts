import { applyRuleOf } from '../../api/apply-rule.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { ownerLabelOf } from '../../api/gitsync-names.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { ResourceType } from '../../kube/index.ts';
import { refusalOfObject } from '../../policy/platform.ts';
import { noteWatch } from '../drift/unwatched.ts';
import { inTurn } from '../objects/in-turn.ts';
import { appliedOwnerOf } from '../objects/owned-objects.ts';
import { type ApplyProblem, notAdopted, ownedByAnother, unknownKind } from '../objects/problem.ts';
import { isUnreadable, type Reads, readsOf } from '../objects/reads.ts';
import type { PlannedObject } from '../plan/types.ts';
import { applyFirst, inherit, takeOver } from './adopt.ts';
import { applyOrCompare } from './apply-or-compare.ts';
import { askEachTime } from './foreign-objects.ts';
import { isLeftAlone, isPaused, leaveAlone } from './left-alone.ts';
import { prepare } from './prepare.ts';
import { recordOutstanding, recordRelease } from './record-release.ts';
import type { ApplyContext, ApplyPorts } from './types.ts';

/** One object, under its lock and in its turn; a problem where it could not be applied. */
export const applyOne = async (
  sync: GitSync,
  planned: PlannedObject,
  context: ApplyContext,
  given: ApplyPorts,
): Promise<ApplyProblem | undefined> => {
  const { key, object } = planned;
  if (applyRuleOf(object) === 'Ignore') return leaveAlone(context.state, key);
  const refused = refusalOfObject(sync, object, given.policy());
  if (refused) return { key, ...refused, permanent: true };
  const type = await given.discovery.find(object.apiVersion, object.kind);
  // Served only since the render, which could not know its scope: placed at the next try.
  if (!type || (type.namespaced && object.metadata.namespace === undefined))
    return unknownKind(planned, given.discovery);
  const read = async (): Promise<Reads> => {
    const reads = await readsOf(sync, type, given);
    noteWatch(context.state, type, reads, given.clock.now());
    return reads;
  };
  const reads = await read();
  try {
    return await applyAs(sync, type, planned, { ...context, reads }, given);
  } catch (error) {
    // Not the account's right to write it, perhaps, but ours to read it, which went while a watch showed it.
    if (!reads.watched || !isUnreadable(sync, error) || (await given.owned.mayList(type))) throw error;
    return applyAs(sync, type, planned, { ...context, reads: await read() }, given);
  }
};

/** @param reads how the kind may be read now */
const applyAs = async (
  sync: GitSync,
  type: ResourceType,
  planned: PlannedObject,
  { reads, ...context }: ApplyContext & { reads: Reads },
  given: ApplyPorts,
): Promise<ApplyProblem | undefined> => {
  const { key, object } = planned;
  // What the controller may not read, everything below asks as the account that writes it.
  const ports = reads.watched ? given : { ...given, client: reads.client, foreign: askEachTime(reads.client) };
  const work = async (): Promise<ApplyProblem | undefined> => {
    const live = await reads.get(object.metadata);
    const owner = appliedOwnerOf(live);
    if (owner !== undefined && owner !== ownerLabelOf(sync)) {
      const other = ports.ownerOf(owner);
      if (other && (isPaused(live) || !ports.handover.mayTake(sync, other, key))) return ownedByAnother(planned, owner);
      await inherit(sync, type, object, owner, ports);
    }
    if (owner === undefined) {
      const isThere = async () => (live ?? (await ports.client.get(type, object.metadata))) !== undefined;
      if (applyRuleOf(object) === 'CreateOnly' && (await isThere())) return leaveAlone(context.state, key);
      // A label without the apply that it tells of: no list of what nobody owns has it.
      const refused = await takeOver(sync, type, object, { now: live !== undefined }, ports);
      if (refused !== undefined) return notAdopted(planned, refused);
    }
    if (isLeftAlone(object, live)) return void context.state.drifted.delete(key);
    return applyOurs(sync, type, planned, { ...context, live }, ports);
  };
  return inTurn(sync, key, ports, work);
};

/** What may be applied; whether another tool has it after all, a first apply finds out. */
const applyOurs = async (
  sync: GitSync,
  type: ResourceType,
  planned: PlannedObject,
  context: ApplyContext & { live: KubeObject | undefined },
  ports: ApplyPorts,
): Promise<ApplyProblem | undefined> => {
  const { object, digests } = planned;
  // A Hold was enforced between plan and apply: what it put there stays.
  if (digests && ports.isRejectedNow(object, digests.sourceDigest)) return undefined;
  const { object: prepared, recording } = prepare(sync, planned, { ...context, owner: ownerLabelOf(sync) }, ports);
  await recordOutstanding(planned.key, context.state, ports);
  let seen: KubeObject | undefined;
  const apply = async (force: boolean): Promise<KubeObject | undefined> => {
    seen = await applyOrCompare(sync, type, planned, { ...context, prepared, force }, ports);
    return seen;
  };
  const refused =
    appliedOwnerOf(context.live) === undefined
      ? await applyFirst(sync, type, object, apply, ports)
      : void (await apply(true));
  if (refused !== undefined) {
    context.state.applied.delete(planned.key);
    return notAdopted(planned, refused);
  }
  await recordRelease(planned.key, { recording, applied: seen }, context.state, ports);
  return undefined;
};
