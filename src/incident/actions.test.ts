import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, digest, incident, verdict } from '../../test/support/incident.ts';
import type { IncidentStatus } from '../api/incident.ts';
import { actionsOf } from './actions.ts';

const condition = (type: string, status: 'True' | 'False', reason = 'NoData', message = '') => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: at(0),
});
const proposal = (message: string): NonNullable<IncidentStatus['proposal']> => ({
  name: 'web-1',
  spec: {
    workloadRef: { kind: 'Deployment', name: 'web' },
    action: 'Rollback',
    origin: 'Incident',
    rejectedDigests: [digest(2)],
    message,
  },
});
const judging: IncidentStatus = {
  phase: 'Judging',
  reason: 'NoData',
  message: 'm',
  verdict: verdict('Inconclusive', { reason: 'NoData' }),
  proposal: proposal('a'),
  conditions: [condition('Judged', 'False')],
};
/** What is done to come from one status to another. */
const done = (before: IncidentStatus | undefined, to: IncidentStatus, createHold = false): string[] =>
  actionsOf(incident(before), { status: to, createHold, again: undefined }).map((action) =>
    action.kind === 'Count' ? `${action.counter} ${action.result}` : action.kind,
  );

describe('what is done for a status', () => {
  it('is nothing where only words and times of what is measured are new', () => {
    for (const same of [
      judging,
      { ...judging, verdict: verdict('Inconclusive', { reason: 'NoData', message: 'new words', time: at(9) }) },
      { ...judging, proposal: proposal('b') },
      {
        ...judging,
        conditions: [{ ...condition('Judged', 'False', 'NoData', 'new words'), lastTransitionTime: at(9) }],
      },
    ])
      assert.deepEqual(done(judging, same), []);
    assert.deepEqual(done(undefined, {}), []);
  });

  const objective = (result: 'Guilty' | 'NotGuilty', reason = 'NotBurning') => ({
    ...verdict('Guilty'),
    objectives: [{ name: 'a', result, reason, message: '' }],
  });
  for (const [what, before, after] of [
    ['its message', judging, { ...judging, message: 'other' }],
    ['a reason of the verdict', judging, { ...judging, verdict: verdict('Inconclusive', { reason: 'PartialData' }) }],
    [
      'a result of an objective',
      { ...judging, verdict: objective('Guilty') },
      { ...judging, verdict: objective('NotGuilty') },
    ],
    ['the proposed name', judging, { ...judging, proposal: { ...proposal('a'), name: 'web-2' } }],
    [
      'the proposed target',
      judging,
      { ...judging, proposal: { name: 'web-1', spec: { ...proposal('a').spec, rejectedDigests: [digest(3)] } } },
    ],
    ['that nothing is proposed', judging, { ...judging, proposal: undefined }],
    ['the status of a condition', judging, { ...judging, conditions: [condition('Judged', 'True')] }],
    ['the reason of a condition', judging, { ...judging, conditions: [condition('Judged', 'False', 'PartialData')] }],
  ] as [string, IncidentStatus, IncidentStatus][])
    it(`is to store it alone, where this is new: ${what}`, () =>
      assert.deepEqual(done(before, after), ['WriteStatus']));

  it('is to report it, too, where the phase is new', () => {
    assert.deepEqual(done(undefined, { phase: 'Judging', reason: 'NoData' }), ['WriteStatus', 'Report']);
  });

  it('is to report it once where a person comes to be needed, and again for another reason', () => {
    const needed = { ...judging, conditions: [condition('NeedsPerson', 'True')] };
    assert.deepEqual(done(judging, needed), ['WriteStatus', 'Report']);
    assert.deepEqual(done(needed, { ...needed, message: 'other' }), ['WriteStatus']);
    assert.deepEqual(done(needed, { ...needed, reason: 'Paused' }), ['WriteStatus', 'Report']);
    assert.deepEqual(done(needed, judging), ['WriteStatus'], 'no more');
  });

  it('is to count a verdict once, with the phase that comes of it', () => {
    const guilty = { ...judging, phase: 'RollingBack', verdict: verdict('Guilty'), holdRef: { name: 'h' } } as const;
    assert.deepEqual(done(judging, guilty), ['WriteStatus', 'Report', 'verdicts guilty']);
    assert.deepEqual(done({ ...judging, verdict: verdict('Guilty') }, guilty), ['WriteStatus', 'Report']);
  });

  it('is to count how a rollback begins and ends', () => {
    const rolling: IncidentStatus = { phase: 'RollingBack', reason: 'ErrorRateIncreased' };
    assert.deepEqual(done({ phase: 'Judging' }, rolling), ['WriteStatus', 'Report', 'rollbacks started']);
    assert.deepEqual(done({ phase: 'Judging' }, { ...rolling, holdRef: { name: 'h' } }), ['WriteStatus', 'Report']);
    const verifying: IncidentStatus = { phase: 'Verifying', reason: 'RolledBack' };
    assert.deepEqual(done(rolling, verifying), ['WriteStatus', 'Report']);
    const stuck = { ...verifying, reason: 'NotRecovered', conditions: [condition('NeedsPerson', 'True')] };
    assert.deepEqual(done(verifying, stuck), ['WriteStatus', 'Report', 'rollbacks notrecovered']);
    const asked = { ...rolling, conditions: [condition('NeedsPerson', 'True')] };
    assert.deepEqual(done(rolling, asked), ['WriteStatus', 'Report']);
    const ended = done(verifying, { phase: 'Recovered', reason: 'Recovered' });
    assert.deepEqual(ended, ['WriteStatus', 'Report', 'rollbacks recovered']);
  });

  it('is to create the Hold as it is proposed, after the status is stored', () => {
    const to: IncidentStatus = { ...judging, phase: 'RollingBack' };
    const actions = actionsOf(incident(judging), { status: to, createHold: true, again: undefined });
    assert.deepEqual(actions.slice(0, 2), [
      { kind: 'WriteStatus', incident: { ...incident(), status: to } },
      {
        kind: 'CreateHold',
        hold: {
          apiVersion: 'metricops.dev/v1alpha1',
          kind: 'Hold',
          metadata: { namespace: 'shop', name: 'web-1', finalizers: ['metricops.dev/lift'] },
          spec: proposal('a').spec,
        },
      },
    ]);
    assert.deepEqual(done(judging, judging, true), ['CreateHold'], 'again after a crash');
    assert.deepEqual(done({}, {}, true), [], 'nothing is proposed');
  });
});
