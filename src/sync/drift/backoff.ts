import type { DriftEntry } from '../../api/gitsync.ts';
import { describeKey, parseKey } from '../../api/meta.ts';
import type { SyncState } from '../state/sync-state.ts';

/** The same change again within this time is a quarrel with its author, not another accident. */
const WINDOW_MS = 60_000;
/** So many corrections in a row are made without a delay. */
const PATIENCE = 5;
const LONGEST_MS = 300_000;

/** Remembers who was corrected and how often in a row. */
export const noteCorrection = (
  state: SyncState,
  { id, fieldManagers = [], changes }: DriftEntry,
  now: number,
): void => {
  const cause = { by: fieldManagers.join(', '), path: changes.map((c) => c.path).join(', ') };
  const last = state.corrections.get(id);
  const same = last?.by === cause.by && last.path === cause.path;
  const again = same && now - last.at < WINDOW_MS + pauseMs(last.times);
  state.corrections.set(id, { ...cause, times: again ? last.times + 1 : 1, at: now });
};

/** Whether to leave the object alone for now: two controllers that undo each other would do nothing else all day. */
export const isBackedOff = (state: SyncState, id: string, now: number): boolean => {
  const last = state.corrections.get(id);
  return last !== undefined && now - last.at < pauseMs(last.times);
};

/** Milliseconds until the first of the objects that are left alone may be corrected; undefined when there is none. */
export const backoffEndsIn = (state: SyncState, now: number): number | undefined => {
  const ends = [...state.drifted].flatMap((id) => {
    const last = state.corrections.get(id);
    return last && isBackedOff(state, id, now) ? [last.at + pauseMs(last.times) - now] : [];
  });
  return ends.length === 0 ? undefined : Math.min(...ends);
};

/** What is left alone for now, in words. */
export const driftConflictsOf = (state: SyncState, now: number): string[] =>
  [...state.drifted].flatMap((id) => {
    const last = state.corrections.get(id);
    if (!last || !isBackedOff(state, id, now)) return [];
    const who = last.by === '' ? 'somebody' : last.by;
    const does = last.path === '' ? 'keeps deleting it' : `keeps overwriting ${last.path}`;
    return `${describeKey(parseKey(id))}: ${who} ${does}: reverted ${last.times} times in a row, now backing off`;
  });

/** Nothing for the first five, then 1 s, 2 s, 4 s … to five minutes. */
const pauseMs = (times: number): number =>
  times < PATIENCE ? 0 : Math.min(LONGEST_MS, 1000 * 2 ** (times - PATIENCE));
