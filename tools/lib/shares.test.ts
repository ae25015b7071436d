import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { sharesOf } from './shares.ts';

const weights: Record<string, number> = { a: 5, b: 4, c: 3, d: 3, e: 1 };
const shares = (files: string, count: number): string[] =>
  sharesOf([...files], count, (file) => weights[file] ?? 0).map((share) => share.join(''));

describe('files in shares', () => {
  it('have about the same weight, in the order of names', () => assert.deepEqual(shares('edcba', 2), ['ad', 'bce']));

  it('are all there, each once', () =>
    assert.deepEqual([...shares('abcde', 3).join('')].toSorted(), ['a', 'b', 'c', 'd', 'e']));

  it('are no more than there are files', () => {
    assert.deepEqual(shares('ab', 4), ['a', 'b']);
    assert.deepEqual(shares('', 2), []);
  });
});
