import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, digest, evidence, incident, NOON, observation, release } from '../../test/support/incident.ts';
import type { Incident } from '../api/incident.ts';
import { step } from './step.ts';
import { successorOf } from './successor.ts';

const hotfix = { currentRelease: 3, releases: [release(3), release(2), release(1)] };
const ringing = evidence({ startsAt: at(-60), labels: { alertname: 'Burn' } });
const successor = (
  own: Incident = incident(undefined, { evidence: [ringing] }),
  { others = [], history = hotfix }: { others?: Incident[]; history?: typeof hotfix } = {},
): Incident | undefined => successorOf(own, { incidents: [own, ...others], holds: [], history }, undefined, NOON);

describe('an alert that fires on when another release comes', () => {
  it('opens an incident of that release: Alertmanager does not send it again for hours', () => {
    const found = successor();
    assert.deepEqual(found?.spec.suspect, { number: 3, sourceDigest: digest(3) });
    assert.deepEqual(found.spec.evidence, [{ ...ringing, receivedTime: at(0), lastReceivedTime: at(0) }]);
  });

  it('opens it before the incident of the release before is closed: a crash between the two loses nothing', () => {
    const { actions } = step(
      incident(),
      observation({ history: hotfix, successor: successor(), verdict: undefined }),
      NOON,
    );
    assert.deepEqual(
      actions.map(({ kind }) => kind),
      ['CreateIncident', 'WriteStatus', 'Report'],
    );
  });

  it('opens it also where the release comes while another one is rolled back', () => {
    const status = { phase: 'Verifying', target: { number: 1, sourceDigest: digest(1), snapshotRef: { name: 's1' } } };
    const { actions } = step(
      incident(status as Incident['status']),
      observation({ history: hotfix, successor: successor() }),
      NOON,
    );
    assert.equal(actions[0]?.kind, 'CreateIncident');
  });

  it('opens none where the intake did, where the alert is over, or where only pods of the old release failed', () => {
    const opened = successor();
    assert.ok(opened);
    assert.equal(successor(undefined, { others: [opened] }), undefined);
    for (const rest of [{ status: 'resolved' }, { source: 'Rollout' }] as const)
      assert.equal(successor(incident(undefined, { evidence: [evidence(rest)] })), undefined);
  });

  it('opens none while the suspect is current', () =>
    assert.equal(successor(undefined, { history: { ...hotfix, currentRelease: 2 } }), undefined));
});
