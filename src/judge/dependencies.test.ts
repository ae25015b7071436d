import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type Measurement, measurement } from '../api/incident.ts';
import { weigh } from './weigh.ts';

const NOON = Date.parse('2026-01-01T12:00:00Z');
const at = (seconds: number): string => new Date(NOON + seconds * 1000).toISOString();
const counts = (errors: number, requests: number) => ({ errors: String(errors), requests: String(requests) });

/** A release of noon that fails a fifth of its requests since then, beside others that burn. */
const found = (neighbours: Measurement['neighbours'], beside?: [number, number]) =>
  weigh(
    measurement.parse({
      releasedTime: at(0),
      readyTime: at(5),
      alertTime: at(20),
      maxReleaseAge: '24h',
      minRequests: 20,
      minScore: 3,
      neighbours,
      ratio: {
        threshold: '0.01',
        resolutionSeconds: 5,
        release: counts(200, 1000),
        before: counts(0, 3000),
        ...(beside ? { beside: { release: counts(...beside), other: counts(0, 1000) } } : {}),
        course: [
          { time: at(-300), ...counts(0, 3000) },
          { time: at(0), ...counts(200, 1000) },
        ],
      },
    }),
  );

describe('a release whose workload depends on what burns, too', () => {
  it('is left open: what fails there fails here', () => {
    const { result, reason, message, evidence } = found([{ name: 'db', errorRatio: '0.5', dependency: true }]);
    assert.deepEqual([result, reason], ['Inconclusive', 'DependencyBurns']);
    assert.match(message, /^db, on which it depends, burns, too; /);
    assert.deepEqual(
      evidence?.map(({ name, points }) => `${name} ${points}`),
      ['BeforeAfter 2', 'Onset 3', 'Dependencies -3'],
    );
  });

  it('counts it apart from other workloads that burn', () => {
    const { result, message } = found([{ name: 'db', dependency: true }, { name: 'cart' }]);
    assert.equal(result, 'Inconclusive');
    assert.match(message, /db, on which it depends, .*1 other workload of the namespace burns, too: cart/);
  });

  it('is guilty all the same where its pods fail more than those of the release before it, in the same minutes', () =>
    assert.equal(found([{ name: 'db', dependency: true }], [200, 1000]).result, 'Guilty'));
});
