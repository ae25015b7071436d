import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Release } from '../api/release-history.ts';
import { evict, MAX_RELEASES } from './evict.ts';

const release = (number: number, outcome: Release['outcome'] = 'Superseded'): Release => ({
  number,
  sourceDigest: `v1:${number.toString(16).padStart(64, '0')}`,
  workloadUID: 'u',
  images: [],
  firstSeenTime: '2026-03-01T12:00:00Z',
  outcome,
});
const releases = (count: number, outcomeOf: (number: number) => Release['outcome'] = () => 'Superseded'): Release[] =>
  Array.from({ length: count }, (_, i) => release(i + 1, outcomeOf(i + 1)));
const numbers = (left: readonly Release[]): number[] => left.map(({ number }) => number);
const down = (from: number, to: number): number[] => Array.from({ length: from - to + 1 }, (_, i) => from - i);

describe('a history that is too long', () => {
  it('loses the oldest releases that nobody needs, and has the newest first', () => {
    assert.deepEqual(numbers(evict(releases(52), ({ number }) => number === 1)), [...down(52, 4), 1]);
    assert.deepEqual(numbers(evict(releases(MAX_RELEASES), () => false)), down(50, 1));
  });

  it('has up to a hundred where all are needed, and then loses the oldest rejected one', () => {
    const rejected = (number: number): Release['outcome'] => (number % 10 === 0 ? 'Rejected' : 'Superseded');
    assert.equal(evict(releases(100, rejected), () => true).length, 100);
    assert.deepEqual(numbers(evict(releases(101, rejected), () => true)), [...down(101, 11), ...down(9, 1)]);
  });

  it('loses the oldest of a hundred that are needed where none of them is rejected', () => {
    assert.deepEqual(numbers(evict(releases(101), () => true)), down(101, 2));
  });
});
