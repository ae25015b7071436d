import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createIndex } from './index-by-key.ts';

describe('an index of watched objects', () => {
  const setUp = () => createIndex<string>((text) => text.split(' '));

  it('finds objects by each of their keys, as they are now', () => {
    const index = setUp();
    index.set('1', 'red round');
    index.set('2', 'red');
    assert.deepEqual([...index.of('red')], ['1', '2']);
    index.set('1', 'blue round');
    assert.deepEqual([[...index.of('red')], [...index.of('blue')], [...index.of('round')]], [['2'], ['1'], ['1']]);
    index.set('2', undefined);
    assert.deepEqual([...index.of('red')], []);
  });

  it('looks at no other object to answer: 4,000 that change beside it cost nothing', () => {
    let read = 0;
    const index = createIndex<string>((text) => {
      read += 1;
      return [text];
    });
    for (let i = 0; i < 4_000; i += 1) index.set(String(i), `repository-${i}`);
    read = 0;
    for (let i = 0; i < 4_000; i += 1) assert.deepEqual([...index.of(`repository-${i}`)], [String(i)]);
    assert.equal(read, 0);
  });
});
