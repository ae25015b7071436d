import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Hold } from '../api/hold.ts';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import { expiredOf } from './expiry.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const minutesAgo = (n: number): string => new Date(NOW - n * 60_000).toISOString();
const closed = (name: string, minutes: number, rest: Partial<IncidentStatus> = {}): Incident =>
  ({
    metadata: { name },
    status: { phase: 'Dismissed', closedTime: minutesAgo(minutes), ...rest },
  }) as Incident;
const noise = Array.from({ length: 50 }, (_, i) => closed(`noise-${i}`, 1));
const expired = (more: Incident[], holds: Hold[] = [], coolDownMinutes = 10): string[] =>
  expiredOf([...noise, ...more], holds, () => coolDownMinutes * 60_000, NOW).map(({ metadata }) => metadata.name);

describe('closed incidents', () => {
  it('expire when there are 50 newer ones; open ones never', () => {
    assert.deepEqual(expired([closed('old', 5)]), ['old']);
    assert.deepEqual(expired([{ ...closed('open', 5), status: { phase: 'Judging' } }]), []);
  });

  it('stay while rollbacks are counted from them', () => {
    const rolledBack = { phase: 'Recovered' as const, rolledBackTime: minutesAgo(20) };
    assert.deepEqual(expired([closed('limit', 15, rolledBack)]), []);
    const long = { ...rolledBack, rolledBackTime: minutesAgo(90) };
    assert.deepEqual(expired([closed('limit', 80, long)], [], 120), []);
    assert.deepEqual(expired([closed('limit', 80, long)]), ['limit']);
  });

  it('stay while a correction is counted, which came after the rollback', () => {
    const correction = { action: 'PutBack' as const, time: minutesAgo(50) };
    const corrected = { phase: 'Dismissed' as const, rolledBackTime: minutesAgo(65), correction };
    assert.deepEqual(expired([closed('limit', 45, corrected)]), []);
  });

  it('stay while a Hold names them', () => {
    const hold = { spec: { incidentRef: { name: 'reason' } } } as Hold;
    assert.deepEqual(expired([closed('reason', 500), closed('old', 500)], [hold]), ['old']);
  });

  it('expire in the order in which they were closed, however they are listed', () => {
    const names = expiredOf([closed('old', 5), ...noise, closed('older', 6)], [], () => 0, NOW).map(
      ({ metadata }) => metadata.name,
    );
    assert.deepEqual(names, ['old', 'older']);
  });

  it('expire an hour after their rollback, to the moment, where no cool-down is longer', () => {
    const rolledBack = (minutes: number) => ({ phase: 'Recovered' as const, rolledBackTime: minutesAgo(minutes) });
    assert.deepEqual(expired([closed('limit', 50, rolledBack(59.9))]), []);
    assert.deepEqual(expired([closed('limit', 50, rolledBack(60))]), ['limit']);
  });

  it('expire whatever Holds there are without an incident', () => {
    assert.deepEqual(expired([closed('old', 5)], [{ spec: {} } as Hold]), ['old']);
  });
});
