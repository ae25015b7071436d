import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, digest, evidence, hold, incident, NOON, observation, release } from '../../test/support/incident.ts';
import type { Incident } from '../api/incident.ts';
import { endOf, isLiftedSince, supersededBy } from './ends.ts';

const createdAt = (seconds: number, spec: Partial<Incident['spec']> = {}): Incident => {
  const made = incident(undefined, spec);
  return { ...made, metadata: { ...made.metadata, creationTimestamp: at(seconds) } };
};

describe('the end of an incident', () => {
  it('is that it comes from a backup, where it is more than five minutes younger than its last evidence', () => {
    const spec = {
      evidence: [evidence({ lastReceivedTime: at(-60) }), evidence({ lastReceivedTime: at(0) }), evidence()],
    };
    assert.equal(endOf(createdAt(300, spec), observation()), undefined);
    assert.deepEqual(endOf(createdAt(300.001, spec), observation()), {
      reason: 'Restored',
      message: `the incident was created after its last evidence (${at(0)}): it comes from a backup`,
    });
  });

  it('is what a person answered, or that there is nothing to roll back', () => {
    assert.deepEqual(endOf(incident(), observation({ answer: 'Denied' }))?.reason, 'Denied');
    assert.deepEqual(endOf(incident(), observation({ answer: 'Accepted' })), {
      reason: 'ReleaseAccepted',
      message: 'a person accepted release 2',
    });
    assert.equal(endOf(incident(), observation({ missing: true }))?.reason, 'WorkloadMissing');
    assert.equal(endOf(incident(undefined, { evidence: [] }), observation()), undefined);
  });

  it('needs no suspect', () => {
    const { suspect: _, ...spec } = incident().spec;
    const bare = { ...incident(), spec };
    assert.equal(endOf(bare, observation({ missing: true }))?.reason, 'WorkloadMissing');
  });
});

describe('a release that supersedes an incident', () => {
  const running = (n: number) => ({ currentRelease: n, releases: [release(4), release(3), release(2), release(1)] });
  const target = { number: 1, sourceDigest: digest(1), snapshotRef: { name: 's1' } };

  it('is neither the suspect, nor the target, nor what the Hold rejects or goes back to', () => {
    assert.equal(supersededBy(incident(), observation({ history: running(2) })), undefined);
    assert.equal(supersededBy(incident(), observation({ history: running(3) })), 3);
    assert.equal(supersededBy(incident(), observation({ history: running(1) })), 1);
    assert.equal(supersededBy(incident({ target }), observation({ history: running(1) })), undefined);
    assert.equal(supersededBy(incident(), observation({ history: running(1), hold: hold() })), undefined);
    const both = hold();
    both.spec.rejectedDigests.push(digest(3));
    assert.equal(supersededBy(incident(), observation({ history: running(3), hold: both })), undefined);
    assert.equal(supersededBy(incident(), observation({ history: running(4), hold: both })), 4);
  });

  it('is none where nothing is recorded', () => {
    assert.equal(supersededBy(incident(), observation({ history: {} })), undefined);
    assert.equal(
      supersededBy(incident(), observation({ history: { currentRelease: 9, releases: [release(2)] } })),
      undefined,
    );
  });
});

describe('a lift that the incident did not see', () => {
  it('is one since a time, from that very moment on', () => {
    const lifted = observation({ suspect: release(2, { liftedTime: at(0) }) });
    assert.equal(isLiftedSince(lifted, NOON), true);
    assert.equal(isLiftedSince(lifted, NOON + 1), false);
    assert.equal(isLiftedSince(lifted, undefined), false);
    assert.equal(isLiftedSince(observation(), NOON), false);
    assert.equal(isLiftedSince(observation({ suspect: undefined }), NOON), false);
  });
});
