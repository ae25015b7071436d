import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { duration, interval, parseDuration, parsePrometheusDuration, prometheusDuration } from './common.ts';

describe('a duration', () => {
  const MINUTE = 60_000;

  it('is what metav1.Duration of Go clients reads', () => {
    const cases = {
      '90s': 90_000,
      '10m': 10 * MINUTE,
      '1h30m': 90 * MINUTE,
      '1.5h': 90 * MINUTE,
      '250ms': 250,
      '0s': 0,
    };
    for (const [text, ms] of Object.entries(cases)) assert.equal(parseDuration(text), ms, text);
  });

  it('has no days, which Go does not know, and no unit left out', () => {
    for (const text of ['30d', '1d12h', '1w', '90', '', 's', '1h 30m', '-5m', '.5h', '1e3s']) {
      assert.equal(duration.safeParse(text).success, false, text);
      assert.throws(() => parseDuration(text), RangeError, text);
    }
  });

  it('that is an interval is at least five seconds', () => {
    for (const text of ['5s', '0.5h', '5000ms']) assert.ok(interval.safeParse(text).success, text);
    for (const text of ['4s', '4999ms', '0s']) assert.ok(!interval.safeParse(text).success, text);
  });
});

describe('a Prometheus duration', () => {
  it('has days, weeks and years, the largest unit first', () => {
    const hour = 3_600_000;
    const cases = { '5m': hour / 12, '1h30m': 1.5 * hour, '30d': 720 * hour, '1w2d': 216 * hour, '1y': 8760 * hour };
    for (const [text, ms] of Object.entries(cases)) assert.equal(parsePrometheusDuration(text), ms, text);
  });

  it('is nothing that PromQL refuses', () => {
    for (const text of ['1.5h', '30m1h', '5m5m', '', 'd', '10', '1h30']) {
      assert.equal(prometheusDuration.safeParse(text).success, false, text);
      assert.throws(() => parsePrometheusDuration(text), RangeError, text);
    }
  });
});
