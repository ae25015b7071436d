import { annotations, labels } from '../../api/annotations.ts';
import { parseDuration } from '../../api/common.ts';
import type { GitSync, HookEntry } from '../../api/gitsync.ts';
import { ownerLabelOf } from '../../api/gitsync-names.ts';
import { describeKey, type KubeObject, keyOf, type ObjectKey, parseKey } from '../../api/meta.ts';
import type { PlatformPolicySpec } from '../../api/platform-policy.ts';
import type { Clock } from '../../clock.ts';
import { type Discovery, isConflict, type KubeClient, type ResourceType } from '../../kube/index.ts';
import { refusalOfObject } from '../../policy/platform.ts';
import { writerOf } from '../../policy/writer.ts';
import { type InTurnPorts, inTurn } from '../objects/in-turn.ts';
import { appliedOwnerOf } from '../objects/owned-objects.ts';
import { type ApplyProblem, problemOf, unknownKind } from '../objects/problem.ts';
import { isAtWork, type Standing, standingOf } from './ended.ts';
import type { Hook } from './hook.ts';
import { preparedHook } from './prepare.ts';
import { isOver } from './run.ts';

export interface HookPorts extends InTurnPorts {
  client: KubeClient;
  clock: Clock;
  discovery: Discovery;
  policy: () => PlatformPolicySpec;
  /** Aborted when this process may no longer write. */
  signal: AbortSignal;
}

/**
 * A hook after one look at it, and since when it waits for what was there before it; a problem where it could not be made,
 * which is tried again.
 */
export type Step = { entry: HookEntry; since?: string | undefined } | { problem: ApplyProblem };

const GONE: Standing = {
  state: 'Failed',
  reason: 'Deleted',
  message: 'it was deleted before its end was seen: whether it did its work is not known',
};
const RENAMED: Standing = {
  state: 'Failed',
  reason: 'Renamed',
  message: 'each render names it otherwise: give it a name that stays',
};

/**
 * Makes the hook, or finds out how it stands. One that is there for this run is never made a second time, whoever made it;
 * one of an earlier run gives way when it has ended.
 * @param mark see `markOf`
 */
export const takeStep = async (
  sync: GitSync,
  { hook, entry, mark }: { hook: Hook; entry: HookEntry; mark: string },
  ports: HookPorts,
): Promise<Step> => {
  const { key, object } = hook;
  const refused = refusalOfObject(sync, object, ports.policy());
  if (refused) return { problem: { key, ...refused, permanent: true } };
  const planned = { key, object, hash: '' };
  try {
    const type = await ports.discovery.find(object.apiVersion, object.kind);
    if (!type || (type.namespaced && object.metadata.namespace === undefined))
      return { problem: await unknownKind(planned, ports.discovery) };
    return await inTurn(sync, key, ports, () => look(sync, type, { hook, entry, mark }, ports));
  } catch (error) {
    return { problem: await problemOf(planned, ports.discovery)(error) };
  }
};

/** A hook that is not in this rendering: a chart may make up its name. One that runs is seen to its end. */
export const followUnknown = async (sync: GitSync, entry: HookEntry, key: string, ports: HookPorts): Promise<Step> => {
  const now = ports.clock.now();
  if (entry.state !== 'Running') return { entry: ended(entry, RENAMED, now) };
  const found = await findHook(sync, parseKey(key), ports);
  return { entry: found ? seen(entry, found.live, now) : ended(entry, GONE, now) };
};

const look = async (
  sync: GitSync,
  type: ResourceType,
  { hook, entry, mark }: { hook: Hook; entry: HookEntry; mark: string },
  ports: HookPorts,
): Promise<Step> => {
  const { clock, client } = ports;
  const writer = writerOf(sync, client);
  const live = await writer.get(type, hook.object.metadata);
  if (live?.metadata.annotations?.[annotations.hookRun] === mark && isHookOf(sync, live))
    return { entry: seen(entry, live, clock.now()) };
  if (!live && entry.state === 'Running') return { entry: ended(entry, GONE, clock.now()) };
  if (live) {
    if (!isOurs(sync, live)) return { problem: notOurs(hook) };
    if (live.metadata.deletionTimestamp !== undefined) return untilGone(sync, entry, live.metadata, clock.now());
    if (isAtWork(live, clock.now())) {
      const message = 'waits for the Job of an earlier run, which has not ended';
      return { entry: { ...entry, message }, since: live.metadata.creationTimestamp };
    }
    ports.signal.throwIfAborted();
    await deleteHook(writer, type, live);
  }
  ports.signal.throwIfAborted();
  try {
    const made = await writer.create(type, preparedHook(sync, hook.object, mark));
    return { entry: seen(entry, made, clock.now()) };
  } catch (error) {
    // What is being deleted is not gone yet, or a watchdog of an earlier leader made it in between.
    if (!isConflict(error)) throw error;
    return { entry: { ...entry, message: WAITS_FOR_END } };
  }
};

/** What has a finalizer may never go. */
const untilGone = (
  { spec }: GitSync,
  entry: HookEntry,
  { deletionTimestamp: since = '', finalizers = [] }: KubeObject['metadata'],
  now: number,
): Step => {
  if (now - Date.parse(since) <= parseDuration(spec.timeout))
    return { entry: { ...entry, message: WAITS_FOR_END }, since };
  const by = finalizers.length > 0 ? `: it waits for ${finalizers.join(', ')}` : '';
  const message = `what was there under its name is being deleted since ${since}, longer than ${spec.timeout}${by}`;
  return { entry: ended(entry, { state: 'Failed', reason: 'Terminating', message }, now) };
};

const WAITS_FOR_END = 'waits until what was there under its name is gone';

export const deleteHook = (
  writer: KubeClient,
  type: ResourceType,
  { metadata: { uid, name, namespace } }: KubeObject,
): Promise<void> =>
  writer.delete(type, { name, ...(namespace !== undefined && { namespace }) }, uid === undefined ? {} : { uid });

/** By what it was made with: a label alone anybody may put on something else. */
export const isHookOf = (sync: GitSync, { metadata }: KubeObject): boolean =>
  metadata.labels?.[labels.hookOf] === ownerLabelOf(sync) && metadata.annotations?.[annotations.hookRun] !== undefined;

/** It may have been applied as an ordinary object, before it was a hook. */
const isOurs = (sync: GitSync, live: KubeObject): boolean =>
  isHookOf(sync, live) || appliedOwnerOf(live) === ownerLabelOf(sync);

const notOurs = ({ key, object }: Hook): ApplyProblem => {
  const message = `hook ${describeKey(keyOf(object))}: this GitSync did not make the object that is there: delete that, or rename the hook`;
  return { key, reason: 'HookRefused', message, permanent: true };
};

export const isRunning = (live: KubeObject, now: number): boolean =>
  live.metadata.deletionTimestamp === undefined && isAtWork(live, now);

const seen = (entry: HookEntry, live: KubeObject, now: number): HookEntry => {
  const standing = standingOf(live, now);
  const { message: _, ...before } = entry;
  const started = {
    ...before,
    startTime: entry.startTime ?? live.metadata.creationTimestamp ?? new Date(now).toISOString(),
  };
  return isOver(standing.state) ? ended(started, standing, now) : { ...started, state: standing.state };
};

const ended = (entry: HookEntry, { state, reason, message }: Standing, now: number): HookEntry => ({
  ...entry,
  state,
  finishTime: new Date(now).toISOString(),
  ...(reason === undefined ? {} : { reason: reason.slice(0, 128) }),
  ...(message === undefined ? {} : { message: message.slice(0, 512) }),
});

/** It can't be made for good. */
export const neverMade = (entry: HookEntry, { reason, message }: ApplyProblem, now: number): HookEntry =>
  ended(entry, { state: 'Failed', reason, message }, now);

/** Of an object that a status names, as it is there. */
export const findHook = async (
  sync: GitSync,
  key: ObjectKey,
  { client, discovery }: Pick<HookPorts, 'client' | 'discovery'>,
): Promise<{ type: ResourceType; live: KubeObject } | undefined> => {
  const type = await discovery.findKind(key.group, key.kind);
  const live = type && (await writerOf(sync, client).get(type, key));
  return live && isHookOf(sync, live) ? { type, live } : undefined;
};
