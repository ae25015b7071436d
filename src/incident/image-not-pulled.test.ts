import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, digest, hold, incident, NOON, observation, release } from '../../test/support/incident.ts';
import type { RollbackHold } from '../api/hold.ts';
import type { IncidentStatus } from '../api/incident.ts';
import { type Guardrails, guardrails } from '../api/rollback-policy.ts';
import type { Observation } from './observation.ts';
import { needsPerson } from './phases.ts';
import { type Step, step } from './step.ts';

const made = hold({ phase: 'Held' });
const own: RollbackHold = { ...made, spec: { ...made.spec, origin: 'Incident', incidentRef: { name: 'i' } } };
const releases = [release(2), release(1), release(3)];
/** Release 2 was rolled back to release 1 so many seconds ago; release 3 was good before that. */
const verifying = (seconds = 30): IncidentStatus => ({
  phase: 'Verifying',
  reason: 'RolledBack',
  message: '',
  target: { number: 1, sourceDigest: digest(1), snapshotRef: { name: 's1' } },
  holdRef: { name: 'h' },
  proposal: { name: 'h', spec: own.spec },
  rolledBackTime: at(-seconds),
  timeline: [{ phase: 'Verifying', time: at(-seconds), message: '' }],
});
const seen = (rest: Partial<Observation> = {}, policy: Partial<Guardrails> = {}): Observation =>
  observation({
    history: { currentRelease: 1, releases },
    hold: own,
    unpulled: { container: 'web', reason: 'ErrImagePull' },
    target: { release: release(3) },
    ...rest,
    policy: guardrails.parse({ mode: 'Auto', ...policy }),
  });
const taken = (observed: Observation, status = verifying(), after = 0): Step =>
  step(incident(status), observed, NOON + after * 1000);
const outcome = ({ status }: Step): string => `${status.phase}/${status.reason}${needsPerson({ status }) ? ' !' : ''}`;
const done = ({ actions }: Step): string[] =>
  actions.map((action) => ('counter' in action ? `${action.counter} ${action.result}` : action.kind));
const failed = "container web of release 1 can't get its image (ErrImagePull)";

describe('a restored release whose pods do not get their image', () => {
  it('needs a person 30 s after the rollback, with both ways on', () => {
    assert.equal(outcome(taken(seen(), verifying(29))), 'Verifying/RolledBack');
    const found = taken(seen());
    assert.equal(outcome(found), 'Verifying/ImagePullFailed !');
    const further = 'to go one release further back: metricops rollback deployment/web -n shop --to 3';
    const newest = 'to run release 2 again: metricops lift deployment/web -n shop';
    assert.equal(found.status.message, `${failed}; ${further}; ${newest}`);
  });

  it('says so where there is nothing older', () => {
    const none = { release: undefined, reason: 'NoGoodRelease', message: 'There is no other release.' } as const;
    assert.match(taken(seen({ target: none })).status.message ?? '', /; there is no older release to go to; /);
  });

  it('is verified as any other once they get it', () => {
    const waiting = taken(seen()).status;
    assert.equal(outcome(taken(seen({ unpulled: undefined }), waiting, 5)), 'Verifying/RolledBack');
    const restored = { unpulled: undefined, restored: true, burning: false };
    assert.equal(outcome(taken(seen(restored), waiting, 60)), 'Recovered/Recovered');
  });
});

describe('a policy with onImagePullError: OlderRelease', () => {
  const policy = { onImagePullError: 'OlderRelease' } as const;

  it('goes one release further back: the intent is stored before the Hold is changed', () => {
    const found = taken(seen({}, policy));
    assert.equal(outcome(found), 'Verifying/ImagePullFailed');
    assert.deepEqual(found.status.correction, { action: 'OlderRelease', time: at(0) });
    assert.equal(found.status.message, `${failed}; going back to release 3`);
    assert.deepEqual(done(found), ['WriteStatus', 'ChangeHold', 'Report', 'rollbacks corrected']);
    const change = found.actions.find((action) => action.kind === 'ChangeHold');
    assert.deepEqual(change?.hold.spec.rejectedDigests, [digest(2), digest(1)], 'what can not start must not run');
    assert.deepEqual([change?.hold.metadata.name, change?.hold.spec.target.sourceDigest], ['h', digest(3)]);
    assert.equal(change?.hold.spec.origin, 'Incident');
  });

  it('asks about the needs of its pods, and about the limits, before', () => {
    assert.equal(taken(seen({ isTargetFit: false }, policy)).ask, 'Target');
    assert.equal(taken(seen({ sharedLimits: undefined }, policy)).ask, 'Limits');
  });

  it('is carried out after a crash, and followed when the Hold goes there', () => {
    const { status } = taken(seen({}, policy));
    const again = taken(seen({}, policy), status, 1);
    assert.deepEqual([done(again), again.status.correction?.time], [['ChangeHold'], at(0)]);
    const target = { release: 3, sourceDigest: digest(3), snapshotRef: { name: 's3' } };
    const there = taken(seen({ hold: { ...own, spec: { ...own.spec, target } } }, policy), status, 1);
    assert.deepEqual([outcome(there), there.status.target?.number], ['RollingBack/ReleaseHeld', 3]);
  });

  it('happens once: what fails after that needs a person', () => {
    const target = { release: 3, sourceDigest: digest(3), snapshotRef: { name: 's3' } };
    const further: IncidentStatus = { ...verifying(), target: { ...target, number: 3 } };
    const corrected = { ...further, correction: { action: 'OlderRelease' as const, time: at(-60) } };
    const there = { hold: { ...own, spec: { ...own.spec, target } }, history: { currentRelease: 3, releases } };
    const again = taken(seen(there, policy), corrected);
    assert.deepEqual(
      [outcome(again), again.actions.some(({ kind }) => kind === 'ChangeHold')],
      ['Verifying/ImagePullFailed !', false],
    );
  });

  const irreversible = [
    release(2),
    release(1, { irreversible: 'a migration' }),
    release(3, { supersededTime: at(-4000) }),
  ];
  for (const [what, rest, more, why] of [
    ['the mode is not Auto', {}, { mode: 'Approve' }, 'the mode is Approve'],
    ['the Hold is a person’s', { hold: made }, {}, 'a person made or changed its Hold'],
    [
      'a release between was irreversible',
      {
        history: { currentRelease: 1, releases: irreversible },
        target: { release: release(3, { supersededTime: at(-4000) }) },
      },
      {},
      'release 1 is irreversible (a migration)',
    ],
    ['the limit is reached', { rollbacks: [NOON - 1, NOON - 2] }, {}, '3 rollbacks in the last hour; maxPerHour is 3'],
    [
      'there is nothing older',
      { target: { release: undefined, reason: 'NoGoodRelease', message: 'There is no other release.' } },
      {},
      'There is no other release.',
    ],
  ] as [string, Partial<Observation>, Partial<Guardrails>, string][])
    it(`asks a person where ${what}`, () => {
      const found = taken(seen(rest, { ...policy, ...more }));
      assert.equal(outcome(found), 'Verifying/ImagePullFailed !');
      assert.ok(found.status.message?.endsWith(`; not by itself, for ${why}`), found.status.message);
      assert.equal(found.status.correction, undefined);
    });
});

describe('a policy with onImagePullError: PutBack', () => {
  const policy = { onImagePullError: 'PutBack' } as const;

  it('lets the newer release run again, and closes when its Hold is gone', () => {
    const found = taken(seen({}, policy));
    assert.deepEqual(done(found), ['WriteStatus', 'LiftHold', 'Report', 'rollbacks corrected']);
    assert.equal(found.status.message, `${failed}; release 2 runs again, on probation`);
    const over = taken(seen({ hold: undefined }, policy), found.status, 5);
    assert.equal(outcome(over), 'Dismissed/ImagePullFailed');
    assert.match(
      over.status.message ?? '',
      /release 1 could not start: release 2 runs again, on probation; fix forward$/,
    );
  });

  it('asks a person where no GitSync applies the workload', () => {
    const found = taken(seen({ isOfGitSync: false }, policy));
    assert.match(
      found.status.message ?? '',
      /again: metricops rollback deployment\/web -n shop --to 2; not by itself, for no GitSync/,
    );
  });
});
