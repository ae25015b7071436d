import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, digest, hold, incident, NOON, observation, release } from '../../test/support/incident.ts';
import type { RollbackHold } from '../api/hold.ts';
import type { IncidentStatus } from '../api/incident.ts';
import { type Guardrails, guardrails } from '../api/rollback-policy.ts';
import type { Observation } from './observation.ts';
import { needsPerson } from './phases.ts';
import { type Step, step } from './step.ts';

const MINUTE = 60;
const back = { currentRelease: 1, releases: [release(2), release(1)] };
const made = hold({ phase: 'Held' });
const own: RollbackHold = { ...made, spec: { ...made.spec, origin: 'Incident', incidentRef: { name: 'i' } } };
/** Release 2 was rolled back to release 1 ten minutes ago. */
const verifying: IncidentStatus = {
  phase: 'Verifying',
  reason: 'RolledBack',
  message: '',
  target: { number: 1, sourceDigest: digest(1), snapshotRef: { name: 's1' } },
  holdRef: { name: 'h' },
  proposal: { name: 'h', spec: own.spec },
  rolledBackTime: at(-10 * MINUTE),
  timeline: [{ phase: 'Verifying', time: at(-10 * MINUTE), message: '' }],
};
const figures = 'availability: 20 % of 6000 requests fail, the error budget burns above 1 %';
const seen = (rest: Partial<Observation> = {}, policy: Partial<Guardrails> = {}): Observation =>
  observation({
    history: back,
    hold: own,
    restored: true,
    burning: true,
    restoredRatio: { burns: true, message: figures },
    ...rest,
    policy: guardrails.parse({ mode: 'Auto', verifyTimeout: '10m', ...policy }),
  });
const taken = (observed: Observation, status = verifying, after = 0): Step =>
  step(incident(status), observed, NOON + after * 1000);
const outcome = ({ status }: Step): string => `${status.phase}/${status.reason}${needsPerson({ status }) ? ' !' : ''}`;
const done = ({ actions }: Step): string[] =>
  actions.map((action) => ('counter' in action ? `${action.counter} ${action.result}` : action.kind));

describe('a restored release that burns the error budget as well', () => {
  it('shows that the verdict was wrong: the figures, and the command that runs the newer release again', () => {
    const found = taken(seen());
    assert.equal(outcome(found), 'Verifying/Misjudged !');
    assert.equal(
      found.status.message,
      `release 1 burns the error budget as well (${figures}): the verdict on release 2 was wrong; to run release 2 again: metricops lift deployment/web -n shop`,
    );
    assert.equal(found.status.misjudgedTime, at(0));
    assert.deepEqual(done(found), ['WriteStatus', 'Report', 'rollbacks misjudged']);
    assert.equal(found.status.timeline?.at(-1)?.reason, 'Misjudged');
  });

  it('is offered with another command where no GitSync applies the workload', () => {
    const { message } = taken(seen({ isOfGitSync: false })).status;
    assert.match(message ?? '', /again: metricops rollback deployment\/web -n shop --to 2$/);
  });

  it('is measured by itself only when its time to recover is over', () => {
    const early = taken(seen({ restoredRatio: undefined }, { verifyTimeout: '11m' }));
    assert.deepEqual([outcome(early), early.ask], ['Verifying/RolledBack', undefined]);
    assert.equal(taken(seen({ restoredRatio: undefined })).ask, 'Restored');
  });

  for (const [what, rest, expected] of [
    ['too few requests can be counted', { restoredRatio: 'Unknown' }, 'Verifying/NotRecovered !'],
    [
      'it fails no more than the threshold',
      { restoredRatio: { burns: false, message: '' } },
      'Verifying/NotRecovered !',
    ],
    ['nobody can say whether it burns', { burning: 'Unknown' }, 'Verifying/NotRecovered !'],
    ['its pods are not ready', { restored: false }, 'Verifying/RolloutFailed !'],
  ] as [string, Partial<Observation>, string][])
    it(`is not claimed where ${what}`, () => {
      const found = taken(seen(rest));
      assert.deepEqual([outcome(found), found.status.misjudgedTime], [expected, undefined]);
    });

  it('is found late where it had too few requests at first, is reported then, and is not counted twice', () => {
    const late = taken(seen({ restoredRatio: 'Unknown' }));
    assert.ok(done(late).includes('rollbacks notrecovered'));
    const found = taken(seen(), late.status, MINUTE);
    assert.deepEqual(done(found), ['WriteStatus', 'Report', 'rollbacks misjudged']);
    assert.equal(found.status.timeline?.at(-1)?.reason, 'Misjudged');
    const unknown = taken(seen({ burning: 'Unknown' }), found.status, 2 * MINUTE);
    assert.deepEqual([outcome(unknown), done(unknown)], ['Verifying/Misjudged !', []], 'what was found stays found');
  });

  it('closes as misjudged when the burn ends after all: the rollback did not end it', () => {
    const ended = taken(seen({ burning: false }), taken(seen()).status, 3600);
    assert.equal(outcome(ended), 'Dismissed/Misjudged');
    assert.match(
      ended.status.message ?? '',
      /release 2 is still held; to run it again: metricops lift deployment\/web -n shop$/,
    );
  });

  it('is forgotten when a person sends the Hold to another release', () => {
    const elsewhere = { ...own, spec: { ...own.spec, target: { ...own.spec.target, sourceDigest: digest(9) } } };
    const moved = taken(seen({ hold: elsewhere }), taken(seen()).status, MINUTE);
    assert.deepEqual([outcome(moved), moved.status.misjudgedTime], ['RollingBack/ReleaseHeld', undefined]);
  });
});

describe('a policy with onMisjudged: PutBack', () => {
  const policy = { onMisjudged: 'PutBack' } as const;
  const counted = { sharedLimits: [] };

  it('lets the newer release run again: the intent is stored before the Hold is deleted', () => {
    const found = taken(seen(counted, policy));
    assert.equal(outcome(found), 'Verifying/Misjudged');
    assert.deepEqual(found.status.correction, { action: 'PutBack', time: at(0) });
    assert.match(found.status.message ?? '', /the verdict on release 2 was wrong; release 2 runs again, on probation$/);
    assert.deepEqual(done(found), ['WriteStatus', 'LiftHold', 'Report', 'rollbacks misjudged', 'rollbacks corrected']);
    const lifted = found.actions.find((action) => action.kind === 'LiftHold');
    assert.equal(lifted?.hold.metadata.name, 'h');
  });

  it('is carried out after a crash, and over when the Hold is gone', () => {
    const { status } = taken(seen(counted, policy));
    assert.deepEqual(done(taken(seen({}, policy), status)), ['LiftHold']);
    const leaving = { ...own, metadata: { ...own.metadata, deletionTimestamp: at(1) } };
    assert.deepEqual(done(taken(seen({ hold: leaving }, policy), status)), []);
    const over = taken(seen({ hold: undefined }, policy), status);
    assert.equal(outcome(over), 'Dismissed/Misjudged');
    assert.match(over.status.message ?? '', /release 2 runs again, on probation; look for another cause$/);
  });

  it('asks for the limits of the namespace and the cluster before', () => {
    assert.equal(taken(seen({ sharedLimits: undefined }, policy)).ask, 'Limits');
  });

  const limit = { where: 'the cluster', rollbacks: 29, max: 30, field: 'maxPerHourInCluster' };
  for (const [what, rest, more, why] of [
    ['the mode is not Auto', {}, { mode: 'Approve' }, 'the mode is Approve'],
    [
      'a change freeze holds',
      {},
      { freeze: [{ schedule: '0 12 * * *', duration: '1h', timeZone: 'UTC' }] },
      'a change freeze holds',
    ],
    ['the workload is paused', { paused: true }, {}, 'metricops.dev/pause is set on the workload'],
    ['the Hold is a person’s', { hold: made }, {}, 'a person made or changed its Hold'],
    ['no GitSync applies it', { isOfGitSync: false }, {}, 'no GitSync applies the workload'],
    [
      'the release was lifted before',
      { suspect: release(2, { liftedTime: at(-9000) }) },
      {},
      'release 2 was lifted once already',
    ],
    [
      'its own rollback was the last of the hour',
      { rollbacks: [NOON - 60_000, NOON - 90_000] },
      {},
      '3 rollbacks in the last hour; maxPerHour is 3',
    ],
    [
      'its own rollback was the last of the cluster',
      { sharedLimits: [limit] },
      {},
      '30 rollbacks in the cluster in the last hour; spec.rollback.maxPerHourInCluster of the PlatformPolicy is 30',
    ],
  ] as [string, Partial<Observation>, Partial<Guardrails>, string][])
    it(`asks a person where ${what}`, () => {
      const found = taken(seen({ ...counted, ...rest }, { ...policy, ...more }));
      assert.equal(outcome(found), 'Verifying/Misjudged !');
      assert.ok(found.status.message?.endsWith(`; not by itself, for ${why}`), found.status.message);
      assert.equal(found.status.correction, undefined);
    });

  it('has a place left one rollback earlier', () => {
    const room = { rollbacks: [NOON - 60_000], sharedLimits: [{ ...limit, rollbacks: 28 }] };
    assert.equal(outcome(taken(seen(room, policy))), 'Verifying/Misjudged');
  });

  it('goes on by itself when there is a place again', () => {
    const full = taken(seen({ ...counted, rollbacks: [NOON - 60_000, NOON - 90_000] }, policy));
    const later = taken(seen(counted, policy), full.status, 3600);
    assert.deepEqual([outcome(later), later.status.correction?.time], ['Verifying/Misjudged', at(3600)]);
    assert.deepEqual(done(later), ['WriteStatus', 'LiftHold', 'Report', 'rollbacks corrected']);
  });
});
