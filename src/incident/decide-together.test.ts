import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { digest, evidence, incident, NOON, observation, verdict } from '../../test/support/incident.ts';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { Observation } from './observation.ts';
import { type Companion, companionsOf } from './one-commit.ts';
import { step } from './step.ts';

const GUILTY: IncidentStatus = { phase: 'Judging', verdict: verdict('Guilty') };
const refused: IncidentStatus = {
  phase: 'RollingBack',
  reason: 'HoldFailed',
  message: 'quota exceeded',
  conditions: [
    {
      type: 'NeedsPerson',
      status: 'True',
      reason: 'HoldFailed',
      message: '',
      lastTransitionTime: '2026-01-01T12:00:00Z',
    },
  ],
};

/** An incident of a Deployment whose release came with a commit. */
const changedBy = (name: string, commit: string | undefined, status?: IncidentStatus): Incident => ({
  ...incident(status, {
    workloadRef: { kind: 'Deployment', name },
    evidence: [evidence()],
    suspect: { number: 2, sourceDigest: digest(2), ...(commit === undefined ? {} : { commit }) },
  }),
  metadata: { name: `${name}-1`, namespace: 'shop' },
});
const NONE = { dependsOn: () => false };
/** `web>api`: web depends on api. Of web: the state of each other one, and `first` where it is rolled back first. */
const companions = (
  others: readonly Incident[],
  {
    edges = [],
    commit = 'c',
    now = NOON,
  }: { edges?: readonly string[]; commit?: string | undefined; now?: number } = {},
) =>
  companionsOf(
    changedBy('web', commit, GUILTY),
    others,
    { dependsOn: (caller, callee) => edges.includes(`${caller.name}>${callee.name}`) },
    now,
  ).map(({ incident: { metadata }, state, isFirst }) => `${metadata.name} ${state}${isFirst ? ' first' : ''}`);

describe('several workloads that one commit changed', () => {
  it('are rolled back together: one that depends on another one before it', () => {
    const api = [changedBy('api', 'c', GUILTY)];
    assert.deepEqual(companions(api), ['api-1 Guilty']);
    assert.deepEqual(companions(api, { edges: ['web>api'] }), ['api-1 Guilty']);
    assert.deepEqual(companions(api, { edges: ['api>web'] }), ['api-1 Guilty first']);
  });

  it('are not waited for where their first verdict takes long', () =>
    assert.deepEqual(companions([changedBy('api', 'c')], { now: NOON + 5_000 }), []));

  for (const [status, state] of [
    [undefined, 'Unjudged'],
    [{ phase: 'RollingBack' }, 'RollingBack'],
    [{ phase: 'Verifying' }, 'Applied'],
    [refused, 'Failed'],
    [{ phase: 'Judging', verdict: verdict('Inconclusive') }, undefined],
    [{ ...GUILTY, conditions: refused.conditions }, undefined],
    [{ ...GUILTY, reason: 'Cooldown' }, undefined],
    [{ phase: 'Recovered' }, undefined],
  ] as const satisfies [IncidentStatus | undefined, Companion['state'] | undefined][])
    it(`count one of ${JSON.stringify(status?.phase)} ${status?.reason ?? ''} as ${state ?? 'none'}`, () =>
      assert.deepEqual(companions([changedBy('zoo', 'c', status)]), state ? [`zoo-1 ${state}`] : []));

  it('are none of another commit, and none where no commit is known', () => {
    assert.deepEqual(companions([changedBy('api', 'd', GUILTY)]), []);
    assert.deepEqual(companionsOf(changedBy('web', undefined), [changedBy('api', undefined)], NONE, NOON), []);
  });
});

describe('the rollback of one of them', () => {
  const companion = (state: Companion['state'], isFirst = false): Companion => ({
    incident: changedBy('api', 'c', state === 'Failed' ? refused : GUILTY),
    state,
    isFirst,
  });
  const taken = (rest: Partial<Observation>): string => {
    const { status, ask, actions } = step(incident(), observation(rest), NOON);
    const created = actions.some(({ kind }) => kind === 'CreateHold') ? ' and creates the Hold' : '';
    return ask ? `asks ${ask}` : `${status.phase}/${status.reason}${created}`;
  };

  it('begins when a dry run of all targets was not refused', () => {
    assert.equal(taken({ companions: [companion('Guilty')], refused: undefined }), 'asks Companions');
    assert.equal(
      taken({ companions: [companion('Guilty')], refused: [] }),
      'RollingBack/ErrorRateIncreased and creates the Hold',
    );
  });

  it('needs a person where a dry run was refused, and nothing is rolled back', () => {
    const { status, actions } = step(
      incident(),
      observation({ companions: [companion('Guilty')], refused: ['Deployment api: quota exceeded'] }),
      NOON,
    );
    assert.equal(status.reason, 'CommitNotRestored');
    assert.equal(status.message, 'nothing is rolled back, for a dry run was refused: Deployment api: quota exceeded');
    assert.ok(!actions.some(({ kind }) => kind === 'CreateHold'));
  });

  it('waits for what is judged in a moment, and for what depends on it until that is applied', () => {
    for (const one of [companion('Unjudged'), companion('Guilty', true), companion('RollingBack', true)])
      assert.equal(taken({ companions: [one], refused: [] }), 'Judging/WaitsForIncident');
    for (const one of [companion('Applied', true), companion('RollingBack')])
      assert.match(taken({ companions: [one] }), /^RollingBack/);
  });

  it('needs a person where another one was refused after all: nothing further is done', () => {
    const { status } = step(incident(), observation({ companions: [companion('Failed')], refused: [] }), NOON);
    assert.equal(status.reason, 'CommitNotRestored');
    assert.match(status.message ?? '', /api-1\) is not rolled back, so nothing further is done: quota exceeded$/);
  });

  it('asks for no dry run where it is alone', () =>
    assert.match(taken({ companions: [], refused: undefined }), /^RollingBack/));
});
