import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { renderTimeline } from './timeline.ts';

describe('renderTimeline', () => {
  it('orders by time and shows the length of each leg', () => {
    const text = renderTimeline([
      { at: 5500, what: 'alert' },
      { at: 1000, what: 'push' },
    ]);
    assert.equal(
      text,
      ['       AT        LEG  WHAT', '    0.0 s             push', '    4.5 s     +4.5 s  alert'].join('\n'),
    );
  });

  it('has only its heading when nothing happened', () => {
    assert.equal(renderTimeline([]), '       AT        LEG  WHAT');
  });
});
