import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Release } from '../api/release-history.ts';
import { isKeptOut, isSince, withRejection } from './rejection.ts';

const at = (minute: number): string => `2026-03-01T12:${String(minute).padStart(2, '0')}:00Z`;
const release = (rest: Partial<Release> = {}): Release => ({
  number: 2,
  sourceDigest: `v1:${'2'.repeat(64)}`,
  workloadUID: 'u',
  images: [],
  firstSeenTime: at(0),
  outcome: 'Active',
  ...rest,
});
const rejected = release({ rejectedTime: at(5), rejectedCount: 1, incidentRef: { name: 'first' } });
const lifted = { ...rejected, liftedTime: at(10) };

describe('a release that a Hold keeps out', () => {
  for (const [what, before, hold, after] of [
    ['is what it was, where there is no Hold', rejected, undefined, rejected],
    [
      'is rejected once, for the incident',
      release(),
      { time: at(5), incident: 'first' },
      release({ rejectedTime: at(5), rejectedCount: 1, incidentRef: { name: 'first' } }),
    ],
    [
      'is rejected by a person, for no incident',
      release(),
      { time: at(5) },
      release({ rejectedTime: at(5), rejectedCount: 1 }),
    ],
    ['is not rejected again by the same Hold', rejected, { time: at(5), incident: 'first' }, rejected],
    ['keeps the incident of its first Hold', rejected, { time: at(7), incident: 'second' }, rejected],
    [
      'has the incident of a Hold that says it later',
      release({ rejectedTime: at(5), rejectedCount: 1 }),
      { time: at(5), incident: 'first' },
      release({ rejectedTime: at(5), rejectedCount: 1, incidentRef: { name: 'first' } }),
    ],
    ['is not rejected again by the Hold that was lifted', lifted, { time: at(5), incident: 'first' }, lifted],
    [
      'is rejected again by a Hold that was made after the lift',
      lifted,
      { time: at(11), incident: 'second' },
      { ...lifted, rejectedTime: at(11), rejectedCount: 2, incidentRef: { name: 'second' } },
    ],
    [
      'is rejected again by a Hold of the moment of the lift',
      lifted,
      { time: at(10), incident: 'second' },
      { ...lifted, rejectedTime: at(10), rejectedCount: 2, incidentRef: { name: 'second' } },
    ],
  ] as const)
    it(what, () => assert.deepEqual(withRejection(before, hold), after));

  it('forgets the incident of an earlier rejection where a person rejects it again', () => {
    assert.ok(!('incidentRef' in withRejection(lifted, { time: at(11) })));
  });
});

describe('whether a release is kept out', () => {
  for (const [what, one, expected] of [
    ['it was never rejected', release(), false],
    ['it was lifted before anybody rejected it', release({ liftedTime: at(5) }), false],
    ['it was rejected', rejected, true],
    ['it was rejected again after a lift', { ...rejected, liftedTime: at(4) }, true],
    ['it was lifted in the moment of its rejection', { ...rejected, liftedTime: at(5) }, false],
    ['it was lifted', lifted, false],
  ] as const)
    it(`is ${expected} where ${what}`, () => assert.equal(isKeptOut(one), expected));

  it('is decided by times, whatever their precision: a time is since itself, and none is since any', () => {
    assert.equal(isSince('2026-03-01T12:00:00.000Z', '2026-03-01T12:00:00Z'), true);
    assert.equal(isSince(at(1), at(2)), false);
    assert.equal(isSince(undefined, at(2)), false);
  });
});
