import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, evidence, incident, verdict } from '../../test/support/incident.ts';
import type { IncidentStatus } from '../api/incident.ts';
import type { Objective } from '../api/rollback-policy.ts';
import { withBudget } from './budget.ts';

const objective = (name: string, target = '99', window = '30d'): Objective => ({
  name,
  target,
  window,
  indicator: { ratio: { errors: 'e', total: 't', podLabel: '' } },
});
const found = (name: string, newErrorRatio?: string) => ({
  ...{ name, result: 'Guilty' as const, reason: 'ErrorRateIncreased', message: '' },
  ...(newErrorRatio === undefined ? {} : { newErrorRatio }),
});
/** Rolled back an hour after noon, closed later. */
const closed = (...objectives: ReturnType<typeof found>[]): IncidentStatus => ({
  phase: 'Recovered',
  rolledBackTime: at(3600),
  closedTime: at(7200),
  verdict: verdict('Guilty', { objectives }),
});
const began = (...rest: Parameters<typeof evidence>[0][]) => incident(undefined, { evidence: rest.map(evidence) });
const spent = (status: IncidentStatus, objectives: Objective[], from = began({ startsAt: at(0) })) =>
  withBudget(from, status, objectives).budgetSpentPercent;

describe('the error budget that an incident cost', () => {
  it('is that of its error ratio from the first alert to the rollback', () => {
    // An hour of 720, with ten times the errors that the target allows.
    assert.equal(spent(closed(found('a', '0.1')), [objective('a')]), '1.39');
    assert.equal(spent(closed(found('a', '0.1')), [objective('a', '99', '3d')]), '13.9');
    const early = began({ startsAt: at(1800) }, { startsAt: at(-3600) }, { receivedTime: at(0) });
    assert.equal(spent(closed(found('a', '0.1')), [objective('a')], early), '2.78');
    assert.equal(spent(closed(found('a', '0.1')), [objective('a')], began({ receivedTime: at(0) })), '1.39');
  });

  it('is that of the worst objective', () => {
    const status = closed(found('a', '0.01'), found('b', '0.1'), found('c'));
    assert.equal(spent(status, [objective('a'), objective('b'), objective('c'), objective('d')]), '1.39');
  });

  it('is none where the alerts began after the rollback', () => {
    assert.equal(spent(closed(found('a', '0.1')), [objective('a')], began({ startsAt: at(9999) })), '0');
  });

  it('is not said while the incident is open, without a rollback, or where nothing was measured', () => {
    const { closedTime: _, ...open } = closed(found('a', '0.1'));
    const { rolledBackTime: __, ...bare } = closed(found('a', '0.1'));
    const { verdict: ___, ...unjudged } = closed();
    for (const status of [open, bare, unjudged, closed(), closed(found('a'))])
      assert.equal(withBudget(began({ startsAt: at(0) }), status, [objective('a')]), status);
    const status = closed(found('a', '0.1'));
    assert.equal(withBudget(began({ startsAt: at(0) }), status, [{ name: 'a' }]), status);
  });
});
