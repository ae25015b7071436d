import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { DriftEntry } from '../../api/gitsync.ts';
import { newSyncState, type SyncState } from '../state/sync-state.ts';
import { backoffEndsIn, driftConflictsOf, isBackedOff, noteCorrection } from './backoff.ts';

const ID = 'shop_limits__ConfigMap';
const MINUTE = 60_000;

const edit = (by: string | undefined = 'rate-tuner', path = '/data/rps', id = ID): DriftEntry => ({
  id,
  ...(by === '' ? {} : { fieldManagers: [by] }),
  changes: [{ path, applied: '"100"', live: '"7"' }],
});

/** A state in which the same was put right so often, one right after the other, from 0 on. */
const corrected = (times: number, entry = edit()): SyncState => {
  const state = newSyncState();
  for (let n = 0; n < times; n += 1) noteCorrection(state, entry, 0);
  state.drifted.add(entry.id);
  return state;
};
/** For how long the object is left alone from 0 on. */
const pauseAfter = (times: number): number | undefined => backoffEndsIn(corrected(times), 0);

describe('a conflict about a field', () => {
  it('begins with the fifth correction of the same cause in a row', () => {
    assert.deepEqual([1, 2, 3, 4].map(pauseAfter), [undefined, undefined, undefined, undefined]);
    assert.equal(isBackedOff(corrected(4), ID, 0), false);
    assert.equal(isBackedOff(corrected(5), ID, 0), true);
  });

  it('pauses twice as long each time, five minutes at most', () => {
    assert.deepEqual([5, 6, 7, 8, 13, 14, 100].map(pauseAfter), [1000, 2000, 4000, 8000, 256_000, 300_000, 300_000]);
  });

  it('lets the next correction through when the pause is over', () => {
    const state = corrected(5);
    assert.equal(isBackedOff(state, ID, 999), true);
    assert.equal(isBackedOff(state, ID, 1000), false);
    assert.deepEqual(driftConflictsOf(state, 1000), []);
  });

  it('is none between edits by different managers, or of different fields', () => {
    const state = newSyncState();
    for (let n = 0; n < 20; n += 1) noteCorrection(state, edit(n % 2 === 0 ? 'kubectl-edit' : 'rate-tuner'), n);
    for (let n = 0; n < 20; n += 1) noteCorrection(state, edit('rate-tuner', `/data/${n % 2}`), n);
    assert.equal(isBackedOff(state, ID, 20), false);
  });

  it('is none where the same is corrected once in a long while', () => {
    const state = newSyncState();
    for (let n = 0; n < 20; n += 1) noteCorrection(state, edit(), n * 2 * MINUTE);
    assert.equal(isBackedOff(state, ID, 38 * MINUTE), false);
  });

  it('goes on where the opponent is back within a minute of the pause, and is forgotten after that', () => {
    const back = corrected(14);
    noteCorrection(back, edit(), 300_000 + MINUTE - 1);
    assert.equal(backoffEndsIn(back, 300_000 + MINUTE - 1), 300_000);
    const late = corrected(14);
    noteCorrection(late, edit(), 300_000 + MINUTE);
    assert.equal(isBackedOff(late, ID, 300_000 + MINUTE), false);
  });

  it('is about one object: another one is corrected at once', () => {
    const other = 'shop_banner__ConfigMap';
    const state = corrected(9);
    noteCorrection(state, edit('rate-tuner', '/data/rps', other), 0);
    state.drifted.add(other);
    assert.deepEqual([isBackedOff(state, ID, 0), isBackedOff(state, other, 0)], [true, false]);
  });

  it('ends first where it began first', () => {
    const other = 'shop_banner__ConfigMap';
    const state = corrected(9);
    for (let n = 0; n < 6; n += 1) noteCorrection(state, edit('rate-tuner', '/data/rps', other), 500);
    state.drifted.add(other);
    assert.equal(backoffEndsIn(state, 1000), 1500);
  });

  it('asks for no other look where the opponent gave in', () => {
    const state = corrected(9);
    state.drifted.clear();
    assert.equal(backoffEndsIn(state, 0), undefined);
    assert.deepEqual(driftConflictsOf(state, 0), []);
  });

  it('is described, also where an object is deleted again and again', () => {
    assert.deepEqual(driftConflictsOf(corrected(6), 0), [
      'ConfigMap shop/limits: rate-tuner keeps overwriting /data/rps: reverted 6 times in a row, now backing off',
    ]);
    assert.match(
      driftConflictsOf(corrected(5, edit('', '')), 0)[0] ?? '',
      /^ConfigMap shop\/limits: somebody keeps deleting it: /,
    );
  });
});
