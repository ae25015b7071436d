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

  it('has the same id for the same error of the same incident only', () => {
    assert.match(id, /^[0-9a-f]{8}$/);
    assert.equal(errorId('shop/web', new TypeError('x is not a function')), id);
    assert.notEqual(errorId('shop/api', new TypeError('x is not a function')), id);
    assert.notEqual(errorId('shop/web', new TypeError('y is not a function')), id);
  });

  it('keeps its other conditions, and the time since which it is stalled', () => {
    const judged = {
      type: 'Judged',
      status: 'True',
      reason: 'ErrorRateIncreased',
      message: '',
      lastTransitionTime: '2026-01-01T11:00:00Z',
    } as const;
    const first = withStall({ conditions: [judged] }, id, '2026-01-01T12:00:00Z');
    const second = withStall(first ?? {}, 'other', '2026-01-01T12:00:10Z');
    assert.deepEqual(
      second?.conditions?.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
      [
        ['Judged', '2026-01-01T11:00:00Z'],
        ['Stalled', '2026-01-01T12:00:00Z'],
      ],
    );
    assert.deepEqual(withoutStall(second ?? {}), { conditions: [judged] });
  });

  it('is written no more once it goes on', () => {
    for (const status of [{}, { conditions: [] }]) assert.equal(withoutStall(status), status);
  });
});
