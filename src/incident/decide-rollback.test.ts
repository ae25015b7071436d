import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, evidence, incident, NOON, observation, release, verdict } from '../../test/support/incident.ts';
import type { RestorableRelease } from '../api/release-history.ts';
import { guardrails } from '../api/rollback-policy.ts';
import type { Observation } from './observation.ts';
import { step } from './step.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const decided = (rest: Partial<Observation> = {}, policy: object = {}) => {
  const observed = observation({ policy: guardrails.parse({ mode: 'Auto', ...policy }), ...rest });
  const { status, again } = step(incident(), observed, NOON);
  return { ...status, again };
};
const outcome = (rest: Partial<Observation>, policy: object = {}): string => {
  const { phase, reason } = decided(rest, policy);
  return `${phase}/${reason}`;
};

describe('a guilty release', () => {
  it('is rolled back to the target, with all that is known of that', () => {
    const target = release(1, { revision: 'r1', commit: 'c0ffee' });
    const status = decided({ target: { release: target } });
    assert.deepEqual(status.target, {
      number: 1,
      sourceDigest: target.sourceDigest,
      snapshotRef: { name: 's1' },
      revision: 'r1',
      commit: 'c0ffee',
    });
    assert.equal(status.message, 'rolling release 2 back to release 1: because');
    assert.deepEqual([status.mode, status.verdict?.result, status.again], ['Auto', 'Guilty', 1000]);
    assert.deepEqual(Object.keys(decided().target ?? {}), ['number', 'sourceDigest', 'snapshotRef']);
  });

  it('stays where another tool would undo it, or the mode says so, in words that say what would have been done', () => {
    assert.equal(
      decided({ otherTool: 'Flux' }).message,
      'Flux would undo it; would have rolled release 2 back to release 1',
    );
    assert.equal(decided({}, { mode: 'DryRun' }).message, 'would have rolled release 2 back to release 1: because');
  });

  it('waits for a person who creates the proposed Hold, in the mode Approve or by a caution', () => {
    const asked = decided({}, { mode: 'Approve' });
    const to = `to roll release 2 back to release 1, create Hold ${asked.proposal?.name} as status.proposal has it`;
    assert.equal(asked.message, `the mode is Approve; ${to}`);
    assert.equal(decided({ caution: 'a foreign rule' }).message, `a foreign rule; ${to}`);
  });

  it('waits for a person where it is irreversible, or one that ran since the target is', () => {
    const ran = release(1, { supersededTime: at(-3000) });
    const migrated = { irreversible: 'PreSync hook Job migrate' };
    const behind = (releases: RestorableRelease[]) =>
      decided({ target: { release: ran }, history: { currentRelease: 2, releases } });
    const asked = behind([release(2, { ...migrated, firstSeenTime: at(-600) }), ran]);
    assert.equal(asked.reason, 'Irreversible');
    assert.match(
      asked.message ?? '',
      /^release 2 is irreversible \(PreSync hook Job migrate\); to roll release 2 back/,
    );
    const between = release(3, { ...migrated, firstSeenTime: at(-2000), supersededTime: at(-600) });
    assert.equal(behind([release(2, { firstSeenTime: at(-600) }), between, ran]).reason, 'Irreversible');
    const older = { ...ran, ...migrated };
    assert.equal(behind([release(2, { firstSeenTime: at(-600) }), older]).reason, 'ErrorRateIncreased');
  });

  describe('within the limits of its policy', () => {
    const one = { maxPerHour: 1, cooldown: '1s' };

    it('is rolled back an hour after the last rollback that counts, and not a moment earlier', () => {
      assert.equal(outcome({ rollbacks: [NOON - HOUR] }, one), 'RollingBack/ErrorRateIncreased');
      assert.equal(outcome({ rollbacks: [NOON - HOUR + 1] }, one), 'Judging/TooManyRollbacks');
      const { message } = decided({ rollbacks: [NOON - MINUTE] }, one);
      assert.equal(message, '1 rollbacks in the last hour; maxPerHour is 1');
      assert.equal(
        outcome({ rollbacks: [NOON - MINUTE] }, { ...one, maxPerHour: 2 }),
        'RollingBack/ErrorRateIncreased',
      );
    });

    it('is rolled back when the cool-down after the last one is over, and not a moment earlier', () => {
      const policy = { maxPerHour: 9, cooldown: '10m' };
      const times = (last: number): Partial<Observation> => ({
        rollbacks: [NOON - 30 * MINUTE, last, NOON - 20 * MINUTE],
      });
      assert.equal(outcome(times(NOON - 10 * MINUTE), policy), 'RollingBack/ErrorRateIncreased');
      const early = decided(times(NOON - 10 * MINUTE + 1), policy);
      assert.deepEqual([early.phase, early.reason, early.again], ['Judging', 'Cooldown', 1]);
      const waiting = decided(times(NOON - MINUTE), policy);
      assert.equal(waiting.again, 30_000);
      assert.equal(waiting.message, `the last rollback was too short a time ago; waiting until ${at(540)}`);
    });

    describe('whose alerts fire on for a while after a rollback', () => {
      const objective = {
        name: 'availability',
        target: '99',
        indicator: { ratio: { errors: 'e', total: 't', podLabel: '' } },
      };
      const burning = { objectives: [{ name: 'availability', result: 'Guilty' as const, reason: '', message: '' }] };
      const decidedAfter = (minutes: number, labels: Record<string, string> = {}, rest: Partial<Observation> = {}) => {
        const observed = observation({
          objectives: [objective],
          verdict: verdict('Guilty', burning),
          rollbacks: [NOON - minutes * MINUTE],
          ...rest,
          policy: guardrails.parse({ mode: 'Auto', cooldown: '1m' }),
        });
        const { status } = step(incident(undefined, { evidence: [evidence({ labels })] }), observed, NOON);
        return status;
      };

      it('waits for their short window, the evaluation and the group interval, and says so', () => {
        assert.equal(decidedAfter(11).reason, 'ErrorRateIncreased');
        const early = decidedAfter(10);
        assert.equal(early.reason, 'Cooldown');
        const why = 'alerts may fire for 660s after a rollback (short window 300s + alertDelay 360s)';
        assert.equal(early.message, `${why}; waiting until ${at(60)}`);
      });

      it('waits longer where only the alert of a slower window fires', () => {
        const slow = { metricops_objective: 'availability', window: '21600s' };
        assert.equal(decidedAfter(35, slow).reason, 'Cooldown');
        assert.equal(decidedAfter(36, slow).reason, 'ErrorRateIncreased');
        assert.equal(decidedAfter(11, { ...slow, metricops_objective: 'other' }).reason, 'ErrorRateIncreased');
      });

      it('has the cooldown of its policy alone where nobody knows the window', () => {
        assert.equal(decidedAfter(1, {}, { objectives: [] }).reason, 'ErrorRateIncreased');
        assert.equal(decidedAfter(1, {}, { verdict: verdict('Guilty') }).reason, 'ErrorRateIncreased');
      });
    });

    it('waits for a person where the namespace or the cluster has had its rollbacks of the hour', () => {
      const of = (rollbacks: number) => [
        { where: 'namespace shop', rollbacks: 9, max: 10, field: 'maxPerHourInNamespace' },
        { where: 'the cluster', rollbacks, max: 30, field: 'maxPerHourInCluster' },
      ];
      assert.equal(outcome({ sharedLimits: of(29) }), 'RollingBack/ErrorRateIncreased');
      assert.equal(outcome({ sharedLimits: of(30) }), 'Judging/TooManyRollbacks');
      const words =
        '30 rollbacks in the cluster in the last hour; spec.rollback.maxPerHourInCluster of the PlatformPolicy is 30';
      assert.equal(decided({ sharedLimits: of(30) }).message, words);
    });

    it('has no cool-down before its first rollback, however long that is', () => {
      assert.equal(outcome({}, { cooldown: '999999h' }), 'RollingBack/ErrorRateIncreased');
    });
  });
});
