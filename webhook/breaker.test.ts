import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createBreaker } from './breaker.ts';

const MINUTE = 60_000;
const exists = (): boolean => true;

const at = () => {
  let now = 1_000_000;
  const breaker = createBreaker({ clock: { now: () => now } });
  return {
    breaker,
    now: () => now,
    pass: (ms: number) => {
      now += ms;
    },
    fail: (namespace = 'shop', since = now) => breaker.failed(namespace, { words: 'ErrImagePull', since, by: 'pod-1' }),
  };
};

describe('the breaker', () => {
  it('opens at the first failure, and for that namespace only', () => {
    const { breaker, fail } = at();
    assert.equal(breaker.admits('shop'), true);
    assert.equal(fail(), true);
    assert.equal(fail(), false, 'it was open');
    assert.equal(breaker.admits('shop'), false);
    assert.equal(breaker.admits('other'), true);
    assert.equal(breaker.opening('shop')?.words, 'ErrImagePull');
  });

  it('tries one pod after a while, and closes when that one records', () => {
    const { breaker, fail, now, pass } = at();
    fail();
    pass(5 * MINUTE);
    assert.equal(breaker.worked('shop', now()), false, 'no trial began: that was an older pod');
    assert.deepEqual([breaker.admits('shop'), breaker.admits('shop')], [true, false]);
    assert.equal(breaker.worked('shop', now() - 1), false, 'an older pod says nothing of the trial');
    assert.equal(breaker.worked('shop', now()), true);
    assert.equal(breaker.admits('shop'), true);
  });

  it('waits twice as long after each trial that failed or came to nothing, an hour at most', () => {
    const { breaker, fail, pass } = at();
    fail();
    for (const pause of [5, 10, 20, 40, 60, 60]) {
      pass(pause * MINUTE - 1);
      assert.equal(breaker.admits('shop'), false);
      pass(1);
      assert.equal(breaker.admits('shop'), true);
      fail('shop', 0);
      assert.equal(breaker.opening('shop')?.openedAt, 1_000_000);
      if (pause === 10) {
        pass(MINUTE);
        breaker.open(exists); // nobody saw a pod of this trial
      } else fail();
    }
  });

  it('is closed by a pod whose start took longer than the trial', () => {
    const { breaker, fail, now, pass } = at();
    fail();
    pass(5 * MINUTE);
    breaker.admits('shop');
    const since = now();
    pass(2 * MINUTE);
    assert.equal(breaker.open(exists).length, 1);
    assert.equal(breaker.worked('shop', since), true);
  });

  it('closes where it was not us, unless another failure opened it, and forgets namespaces that are gone', () => {
    const { breaker, fail } = at();
    fail();
    assert.equal(breaker.acquit('shop', 'another'), false);
    assert.equal(breaker.acquit('shop', 'pod-1'), true);
    fail();
    fail('gone');
    assert.deepEqual(
      breaker.open((name) => name === 'shop').map(({ namespace }) => namespace),
      ['shop'],
    );
  });
});
