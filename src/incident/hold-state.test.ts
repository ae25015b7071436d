import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, digest, hold, incident } from '../../test/support/incident.ts';
import { following, stateOf } from './hold-state.ts';

const condition = (type: string, status: 'True' | 'False', message: string) => ({
  ...{ type, status, message, reason: 'HoldFailed', lastTransitionTime: at(0) },
});

describe('the state of a Hold', () => {
  const conditions = [condition('Held', 'False', 'refused'), condition('Contested', 'True', 'by ci')];

  it('is what the controller says of it', () => {
    const state = { phase: 'Failed', message: 'refused', contested: 'by ci' };
    assert.deepEqual(stateOf(hold({ phase: 'Failed', conditions })), state);
    const calm = [condition('Contested', 'False', 'by ci')];
    assert.deepEqual(stateOf(hold({ phase: 'Held', conditions: calm })), {
      phase: 'Held',
      message: '',
      contested: undefined,
    });
  });

  it('is Pending before the controller said anything, and after somebody edited it', () => {
    const pending = { phase: 'Pending', message: '', contested: undefined };
    assert.deepEqual(stateOf(hold()), pending);
    assert.deepEqual(stateOf(hold({ phase: 'Held', conditions }, 2)), { ...pending, contested: 'by ci' });
    const bare = hold({ phase: 'Held' });
    delete bare.metadata.generation;
    assert.equal(stateOf(bare).phase, 'Held');
  });
});

describe('where an incident goes with a Hold', () => {
  it('is the target of the Hold, with what was known of it', () => {
    const target = { number: 1, sourceDigest: digest(1), snapshotRef: { name: 's1' } };
    assert.deepEqual(following(incident(), hold()), { holdRef: { name: 'h' }, target });
    const known = { ...target, commit: 'c0ffee' };
    assert.deepEqual(following(incident({ target: known }), hold()).target, known);
    assert.deepEqual(following(incident({ target: { ...known, sourceDigest: digest(9) } }), hold()).target, target);
  });
});
