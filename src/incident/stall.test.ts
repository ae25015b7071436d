import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { errorId, withoutStall, withStall } from './stall.ts';

describe('an incident that can not go on', () => {
  const id = errorId('shop/web', new TypeError('x is not a function'));

  it('says so once, with the id that the log has, until it goes on', () => {
    const stalled = withStall({ phase: 'Judging' }, id, '2026-01-01T12:00:00Z');
    assert.deepEqual(
      stalled?.conditions?.map((c) => [c.type, c.status, c.reason]),
      [['Stalled', 'True', 'InternalError']],
    );
    assert.match(stalled?.conditions?.[0]?.message ?? '', new RegExp(`id ${id}\\.$`));
    assert.equal(withStall(stalled ?? {}, id, '2026-01-01T12:00:10Z'), undefined);
    assert.deepEqual(withoutStall(stalled ?? {}), { phase: 'Judging', conditions: [] });
  });
});
