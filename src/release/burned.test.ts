import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, digest, evidence, incident, NOON, release, verdict } from '../../test/support/incident.ts';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import { burnedBefore, burnedReleases } from './burned.ts';

const WEB = { kind: 'Deployment', name: 'web' } as const;
const releases = [release(3), release(2), release(1)];
/** Of an incident of release 2, which another release superseded while its alerts fired. */
const superseded: IncidentStatus = { phase: 'Dismissed', reason: 'Superseded', closedTime: at(-60) };
const burned = (
  status: IncidentStatus | undefined,
  spec: Partial<Incident['spec']> = {},
  known = releases,
): number[] => [...burnedReleases([incident(status, spec)], WEB, known).keys()];

describe('the releases that burned when they were current last', () => {
  it('are those whose incident found nothing out before another release came, and those whose incident is open', () => {
    assert.deepEqual(burned(superseded), [2]);
    assert.deepEqual(burned({ ...superseded, verdict: verdict('Inconclusive') }), [2]);
    assert.deepEqual(burned(undefined), [2]);
    assert.deepEqual(burned({ phase: 'Judging', reason: 'NeighboursBurn' }), [2]);
    const [why] = burnedReleases([incident(superseded)], WEB, releases).values();
    assert.equal(why, 'incident i');
  });

  it('are none that was not current any more when the alert began: the one after it was recorded late', () => {
    const until = (seconds: number) => [release(3), release(2, { supersededTime: at(seconds) }), release(1)];
    const began = { evidence: [evidence({ startsAt: at(-100) })] };
    assert.deepEqual(burned(superseded, began, until(-100)), []);
    assert.deepEqual(burned(superseded, began, until(-99)), [2]);
  });

  it('are none that came back after the alert began: it burned for the one before', () => {
    const began = { evidence: [evidence({ startsAt: at(-100) })] };
    const back = (seconds: number) => [release(3), release(2, { restoredTime: at(seconds) }), release(1)];
    assert.deepEqual(burned(superseded, began, back(-99)), []);
    assert.deepEqual(burned(superseded, began, back(-100)), [2]);
  });

  it('are none that was found NotGuilty, whose alerts ended, or whose incident ended in another way', () => {
    assert.deepEqual(burned({ ...superseded, verdict: verdict('NotGuilty') }), []);
    assert.deepEqual(burned(superseded, { evidence: [evidence({ status: 'resolved' })] }), []);
    for (const reason of ['NotBurning', 'HoldLifted', 'Restored'])
      assert.deepEqual(burned({ ...superseded, reason }), []);
  });

  it('are none that ran again since, or that a person accepted', () => {
    const back = (restoredTime: string) => [release(3), release(2, { restoredTime }), release(1)];
    assert.deepEqual(burned(superseded, {}, back(at(-59))), []);
    assert.deepEqual(burned(superseded, {}, back(at(-61))), [2]);
    assert.deepEqual(burned(superseded, {}, [release(2, { outcome: 'Accepted' })]), []);
  });

  it('are also the targets of rollbacks that burned as well', () => {
    const target = { number: 1, sourceDigest: digest(1), snapshotRef: { name: 's1' } };
    assert.deepEqual(burned({ ...superseded, target, misjudgedTime: at(-90) }).toSorted(), [1, 2]);
    assert.deepEqual(burned({ ...superseded, target }), [2]);
  });

  it('are of this workload only', () => {
    assert.deepEqual(burned(superseded, { workloadRef: { kind: 'StatefulSet', name: 'web' } }), []);
    assert.deepEqual(burned(superseded, { workloadRef: { kind: 'Deployment', name: 'api' } }), []);
  });
});

describe('the release that was current when the first alert began', () => {
  const ran = [
    release(3, { firstSeenTime: at(-300) }),
    release(2, { firstSeenTime: at(-900), supersededTime: at(-300) }),
    release(1, { firstSeenTime: at(-9000), supersededTime: at(-900) }),
  ];
  const burnedAt = (seconds: number): number[] => [
    ...burnedBefore(ran[0] ?? release(3), ran, NOON + seconds * 1000).keys(),
  ];

  it('burned before the suspect came, where it was another one', () => {
    assert.deepEqual([burnedAt(-301), burnedAt(-900), burnedAt(-901)], [[2], [2], [1]]);
  });

  it('is the suspect where its alert came after it', () => {
    assert.deepEqual([burnedAt(-300), burnedAt(-10)], [[], []]);
  });
});
