import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isPending, keptFor } from './kept.ts';

describe('what left Git and is in the cluster still', () => {
  it('is there for good by a word of a person, and else until something happens', () => {
    const reasons = ['PruneOff', 'PruneDisabled', 'ReleaseHeld', 'PruneLimitExceeded', 'PruneBlocked'] as const;
    const pending = reasons.filter((reason) => keptFor(['a'], reason, '').some(isPending));
    assert.deepEqual(pending, ['ReleaseHeld', 'PruneLimitExceeded', 'PruneBlocked']);
  });

  it('says why, each for itself', () => {
    assert.deepEqual(keptFor(['a', 'b'], 'PruneOff', 'spec.prune is off'), [
      { key: 'a', reason: 'PruneOff', why: 'spec.prune is off' },
      { key: 'b', reason: 'PruneOff', why: 'spec.prune is off' },
    ]);
  });
});
