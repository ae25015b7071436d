import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, digest, evidence, incident, NOON, observation, verdict } from '../../test/support/incident.ts';
import type { Incident, IncidentStatus, ObjectiveVerdict, Verdict } from '../api/incident.ts';
import { comesBefore, type Waiting, waitingFor } from './arbiter.ts';
import { step } from './step.ts';

/** An incident of a Deployment of the same name. */
interface Burning {
  name: string;
  /** Seconds from noon to its first alert. */
  began?: number;
  commit?: string;
  status?: IncidentStatus | undefined;
}
const burning = ({ name, began = 0, commit, status }: Burning): Incident => ({
  ...incident(status, {
    workloadRef: { kind: 'Deployment', name },
    suspect: { number: 2, sourceDigest: digest(2), ...(commit === undefined ? {} : { commit }) },
    evidence: [evidence({ startsAt: at(began) })],
  }),
  metadata: { name: `${name}-1`, namespace: 'shop' },
});
const needsPerson: IncidentStatus = {
  phase: 'Judging',
  reason: 'AwaitingApproval',
  conditions: [
    { type: 'NeedsPerson', status: 'True', reason: 'AwaitingApproval', message: '', lastTransitionTime: at(0) },
  ],
};
const judged = (result: Verdict['result'], rest: IncidentStatus = {}): IncidentStatus => ({
  phase: 'Judging',
  verdict: verdict(result),
  ...rest,
});

/** `web>db`: web depends on db. */
const waiting = (own: Burning, others: readonly Burning[], ...edges: string[]): Waiting | undefined => {
  const all = [own, ...others].map(burning);
  const graph = {
    dependsOn: (caller: { name: string }, callee: { name: string }) => edges.includes(`${caller.name}>${callee.name}`),
  };
  return waitingFor(all[0] as Incident, all, graph);
};
const reasonFor = (...of: Parameters<typeof waiting>): string | undefined => waiting(...of)?.reason;

describe('several workloads that burn at once', () => {
  it('wait for what they depend on, whichever began first', () =>
    assert.deepEqual(waiting({ name: 'web', began: -30 }, [{ name: 'db' }], 'web>db'), {
      reason: 'WaitsForDependency',
      message: 'Deployment db, on which it depends, burns, too: incident shop/db-1 is decided first',
    }));

  it('wait for what they depend on also while a person is asked about that', () =>
    assert.match(
      waiting({ name: 'web' }, [{ name: 'db', status: needsPerson }], 'web>db')?.message ?? '',
      /is decided first, and needs a person: AwaitingApproval$/,
    ));

  for (const [what, db] of [
    ['it is not guilty', { status: judged('NotGuilty') }],
    ['its incident is closed', { status: { phase: 'Observed' } }],
    ['it burned more than ten minutes before', { began: -601 }],
  ] as const satisfies [string, Omit<Burning, 'name'>][])
    it(`do not wait for what they depend on where ${what}`, () =>
      assert.equal(waiting({ name: 'web' }, [{ name: 'db', ...db }], 'web>db'), undefined));

  it('never wait for what depends on them', () => {
    for (const status of [undefined, { phase: 'RollingBack' }] as const)
      assert.equal(waiting({ name: 'db' }, [{ name: 'web', began: -30, status }], 'web>db'), undefined);
  });

  it('wait for the rollback that is under way', () =>
    assert.deepEqual(waiting({ name: 'web' }, [{ name: 'cart', began: 30, status: { phase: 'Verifying' } }]), {
      reason: 'WaitsForIncident',
      message: 'incident shop/cart-1 rolls Deployment cart back: this one is measured again after that',
    }));

  it('wait for the one that began to burn first', () => {
    assert.equal(reasonFor({ name: 'web' }, [{ name: 'cart', began: -30 }]), 'WaitsForIncident');
    assert.equal(reasonFor({ name: 'web' }, [{ name: 'cart', began: 30 }]), undefined);
  });

  for (const [what, status] of [
    ['needs a person', needsPerson],
    ['waits for another one itself', { phase: 'Judging', reason: 'WaitsForIncident' }],
    ['waits for its cooldown', { phase: 'Judging', reason: 'Cooldown' }],
    ['is not guilty', judged('NotGuilty')],
  ] as const satisfies [string, IncidentStatus][])
    it(`do not wait for one that began first and ${what}`, () =>
      assert.equal(waiting({ name: 'web' }, [{ name: 'cart', began: -30, status }]), undefined));

  it('wait for nobody whose release came with the same commit: they are rolled back together', () => {
    const commit = 'c';
    const others = [
      { name: 'cart', began: -30, commit },
      { name: 'api', commit, status: { phase: 'RollingBack' } },
    ] as const;
    assert.equal(waiting({ name: 'web', commit }, others), undefined);
    assert.equal(reasonFor({ name: 'web', commit: 'd' }, others), 'WaitsForIncident');
  });

  it('wait for what they depend on, of the same commit, until that is guilty, too', () => {
    const db = { name: 'db', commit: 'c' };
    assert.equal(reasonFor({ name: 'web', commit: 'c' }, [db], 'web>db'), 'WaitsForDependency');
    assert.equal(reasonFor({ name: 'web', commit: 'c' }, [{ ...db, status: judged('Guilty') }], 'web>db'), undefined);
  });

  it('have one that waits for nobody, whatever their times are', () => {
    for (const times of [
      [0, 0, 0],
      [0, 400, 800],
      [5, -5, 700],
    ]) {
      const all = times.map((began, i) => ({ name: `w${i}`, began }));
      const free = all.filter(
        (own) =>
          waiting(
            own,
            all.filter((other) => other !== own),
          ) === undefined,
      );
      assert.ok(free.length >= 1, `${times}`);
    }
  });
});

describe('an incident that waits for another one', () => {
  const waits: Waiting = { reason: 'WaitsForIncident', message: 'incident shop/cart-1 rolls Deployment cart back' };
  const guilty = (rest: Partial<ObjectiveVerdict>): Verdict =>
    verdict('Guilty', {
      objectives: [{ name: 'a', result: 'Guilty', reason: 'ErrorRateIncreased', message: '', ...rest }],
    });
  const compared = guilty({ evidence: [{ name: 'SideBySide', points: 6, message: '' }] });
  const outcome = (rest: Parameters<typeof observation>[0]): string => {
    const { status } = step(incident(), observation({ waiting: waits, ...rest }), NOON);
    return `${status.phase}/${status.reason}`;
  };

  it('says so, and needs no person meanwhile', () => {
    assert.equal(outcome({}), 'Judging/WaitsForIncident');
    assert.equal(outcome({ verdict: verdict('Inconclusive'), opened: 0 }), 'Judging/WaitsForIncident');
  });

  it('does not wait where its own pods fail more than those of the release before it, in the same minutes', () => {
    assert.equal(outcome({ verdict: compared }), 'RollingBack/ErrorRateIncreased');
    assert.equal(comesBefore({ reason: 'WaitsForDependency' }, compared), false);
  });

  it('does not wait where the others were measured, and do not burn: but for what it depends on', () => {
    const alone = guilty({ evidence: [{ name: 'Onset', points: 3, message: '' }] });
    assert.equal(outcome({ verdict: alone }), 'RollingBack/ErrorRateIncreased');
    assert.equal(comesBefore({ reason: 'WaitsForDependency' }, alone), true);
  });

  it('does not wait where the release is not guilty, or the alerts are over', () => {
    assert.equal(
      outcome({ verdict: verdict('NotGuilty', { reason: 'NotBurning' }), opened: 0 }),
      'Dismissed/NotBurning',
    );
    assert.equal(outcome({ verdict: verdict('Inconclusive'), firing: false }), 'Dismissed/ErrorRateIncreased');
  });
});
