import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { verdict } from '../api/incident.ts';
import { replay } from './replay.ts';

/** As an Incident has it in its status. */
const STORED = {
  result: 'Guilty',
  reason: 'ErrorRateIncreased',
  message:
    'in the same minutes it fails 20.5 % of 210 requests, the release before it 0 % of 402 requests; the burn began with the release',
  time: '2026-01-01T12:01:00Z',
  objectives: [
    {
      name: 'availability',
      result: 'Guilty',
      reason: 'ErrorRateIncreased',
      message:
        'in the same minutes it fails 20.5 % of 210 requests, the release before it 0 % of 402 requests; the burn began with the release',
      score: 9,
      evidence: [
        {
          name: 'SideBySide',
          points: 6,
          message: 'in the same minutes it fails 20.5 % of 210 requests, the release before it 0 % of 402 requests',
        },
        { name: 'Onset', points: 3, message: 'the burn began with the release' },
      ],
      newErrorRatio: '0.2',
      newRequests: '500',
      oldErrorRatio: '0',
      oldRequests: '402',
      measured: {
        releasedTime: '2026-01-01T12:00:00Z',
        readyTime: '2026-01-01T12:00:20Z',
        alertTime: '2026-01-01T12:00:30Z',
        maxReleaseAge: '24h',
        minRequests: 20,
        minScore: 3,
        ratio: {
          threshold: '0.01',
          resolutionSeconds: 5,
          release: { errors: '100', requests: '500' },
          beside: {
            release: { errors: '43', requests: '210' },
            other: { errors: '0', requests: '402' },
          },
          before: { errors: '0', requests: '6000' },
          course: [
            { time: '2026-01-01T11:55:00.000Z', errors: '0', requests: '6000' },
            { time: '2026-01-01T12:00:00.000Z', errors: '100', requests: '902' },
          ],
        },
      },
      query: '(e) / (t)',
    },
  ],
};

describe('a stored verdict', () => {
  const stored = verdict.parse(STORED);

  it('is found again from the numbers that are stored with it, without Prometheus', () =>
    assert.deepEqual(replay(stored), stored));

  it('is another one where a number was another', () => {
    const [one] = stored.objectives ?? [];
    assert.ok(one?.measured?.ratio?.beside);
    const { ratio } = one.measured;
    const beside = {
      ...ratio.beside,
      release: { errors: '43', requests: '210' },
      other: { errors: '84', requests: '402' },
    };
    const changed = { ...one, measured: { ...one.measured, ratio: { ...ratio, beside } } };
    assert.equal(replay({ ...stored, objectives: [changed] }).reason, 'NoDifference');
  });

  it('stays as it is where nothing was measured', () => {
    const [one] = stored.objectives ?? [];
    assert.ok(one);
    const { measured: _, ...bare } = one;
    assert.deepEqual(replay({ ...stored, objectives: [bare] }).objectives, [bare]);
    const { objectives: __, ...early } = stored;
    assert.equal(replay(early), early);
  });
});
