import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, incident, NOON, observation } from '../../test/support/incident.ts';
import type { SilenceAnswer } from '../alertmanager/index.ts';
import { type Guardrails, guardrails } from '../api/rollback-policy.ts';
import type { Observation } from './observation.ts';
import { needsPerson } from './phases.ts';
import { type Step, step } from './step.ts';

const silenced: SilenceAnswer = {
  is: 'Silenced',
  until: NOON + 3_600_000,
  id: 's-1',
  by: 'ann',
  comment: 'maintenance',
};
const taken = (silence: SilenceAnswer | undefined, policy: Partial<Guardrails> = {}, rest: Partial<Observation> = {}) =>
  step(incident(), observation({ silence, ...rest, policy: guardrails.parse({ mode: 'Auto', ...policy }) }), NOON);
const outcome = ({ status }: Step): string => `${status.phase}/${status.reason}${needsPerson({ status }) ? ' !' : ''}`;

describe('a guilty release whose alerts are silenced in Alertmanager', () => {
  it('waits for the end of the silence, says whose it is, and needs no person', () => {
    const found = taken(silenced);
    assert.equal(outcome(found), 'Judging/Silenced');
    assert.match(
      found.status.message ?? '',
      /^silence s-1 of Alertmanager by ann \(maintenance\) holds until 2026-01-01T13:00:00.000Z, then it is decided again; to roll release 2/,
    );
    assert.deepEqual([found.status.dueTime, found.again], [at(3600), 60_000]);
    assert.deepEqual(
      found.actions.map(({ kind }) => kind),
      ['WriteStatus', 'Report', 'Count'],
    );
    assert.equal(taken({ ...silenced, until: NOON + 2_000 }).again, 2_000);
  });

  it('is rolled back where somebody still gets to know of one alert', () => {
    assert.equal(outcome(taken({ is: 'Audible' })), 'RollingBack/ErrorRateIncreased');
  });

  it('needs a person where Alertmanager can not be asked: nothing is done on a guess, and nothing is missed', () => {
    const found = taken({ is: 'Unknown', message: "Alertmanager can't be asked: no whole answer within 5 s" });
    assert.equal(outcome(found), 'Judging/AlertmanagerUnreachable !');
    assert.match(found.status.message ?? '', /^Alertmanager can't be asked: .* 5 s; to roll release 2 back/);
  });

  it('is asked for before metricops acts by itself, and never before a person does', () => {
    const ask = (policy: Partial<Guardrails>, rest: Partial<Observation> = {}) => taken(undefined, policy, rest).ask;
    assert.equal(ask({}), 'Silence');
    assert.equal(ask({ mode: 'Approve', approval: { timeout: '1h', action: 'RollBack' } }), 'Silence');
    assert.equal(ask({ mode: 'Approve' }), undefined);
    assert.equal(ask({ mode: 'Approve', approval: { timeout: '1h', action: 'Close' } }), undefined);
    assert.equal(ask({ mode: 'DryRun' }), undefined);
    assert.equal(ask({}, { caution: 'a foreign rule' }), undefined);
  });
});
