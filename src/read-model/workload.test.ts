import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  AT,
  at,
  conditionWith,
  digestOf,
  history,
  hold,
  incident,
  policy,
  release,
} from '../../test/support/objects.ts';
import type { KubeObject } from '../api/meta.ts';
import { workloadView } from './workload.ts';

const web = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const none = { object: undefined, history: undefined, holds: [], incidents: [], policies: [] };
const of = (objects: Partial<Parameters<typeof workloadView>[1]>) => workloadView(web, { ...none, ...objects });

describe('a workload', () => {
  it('of which nothing is recorded has no releases, and no policy', () => {
    const { releases, policy: guard, holds, incidents, currentRelease } = of({});
    assert.deepEqual([releases, guard, holds, incidents, currentRelease], [[], undefined, [], [], undefined]);
  });

  it('has its releases newest first, with which one runs and which one a rollback goes to', () => {
    const { releases, currentRelease, lastGoodRelease } = of({
      history: history({
        currentRelease: 3,
        lastGoodRelease: 2,
        releases: [
          release(3, { outcome: 'Active' }),
          release(2, { outcome: 'Good', readyTime: at(12.5) }),
          release(1, { outcome: 'Rejected', incidentRef: { name: 'web-1-abc' } }),
        ],
      }),
    });
    assert.deepEqual([currentRelease, lastGoodRelease], [3, 2]);
    assert.deepEqual(
      releases.map((one) => [
        one.number,
        one.isCurrent,
        one.isLastGood,
        one.wasReady,
        one.readyAfterMs,
        one.rejectedBy,
      ]),
      [
        [3, true, false, false, undefined, undefined],
        [2, false, true, true, 12_500, undefined],
        [1, false, false, false, undefined, 'web-1-abc'],
      ],
    );
  });

  it('no longer has its rejection after the release was accepted', () => {
    const releases = [release(1, { outcome: 'Accepted', incidentRef: { name: 'web-1-abc' } })];
    assert.equal(of({ history: history({ releases }) }).releases[0]?.rejectedBy, undefined);
  });

  it('has the policy that counts for it, with what the controller says of that', () => {
    const ready = conditionWith('Ready', { reason: 'InForce', message: 'a burn leads to a rollback' });
    const named = policy('own', { targetRef: { name: 'web' }, mode: 'Auto' }, [ready]);
    const policies = [policy('default', { selector: {} }), named, policy('other', { targetRef: { name: 'other' } })];
    const { policy: guard } = of({ policies });
    assert.deepEqual(guard, {
      namespace: 'shop',
      name: 'own',
      guards: { kind: 'Deployment', name: 'web' },
      mode: 'Auto',
      ready,
    });
  });

  it('is guarded by the policy that selects its labels', () => {
    const object: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace: 'shop', name: 'web', labels: { tier: 'front' } },
    };
    const policies = [policy('front', { selector: { matchLabels: { tier: 'front' } } })];
    assert.deepEqual(of({ object, policies }).policy?.guards, { labels: { tier: 'front' } });
    assert.equal(of({ policies }).policy, undefined);
  });

  it('has its own holds, whatever they say, and those that are going only while they count', () => {
    const acceptance = { action: 'Accept', rejectedDigests: undefined, target: undefined } as const;
    const gone = hold('gone');
    gone.metadata.deletionTimestamp = AT;
    const holds = [
      hold('web-1'),
      hold('web-2', undefined, { ...acceptance, acceptedDigests: [digestOf(1)] }),
      hold('db-1', undefined, { workloadRef: { kind: 'StatefulSet', name: 'web' } }),
      gone,
    ];
    assert.deepEqual(
      of({ holds }).holds.map(({ name, action, phase, target, digests, requestedBy }) => [
        name,
        action,
        phase,
        target,
        digests,
        requestedBy,
      ]),
      [
        ['web-1', 'Rollback', 'Pending', 2, [digestOf(3)], 'eve'],
        ['web-2', 'Accept', undefined, undefined, [digestOf(1)], 'eve'],
      ],
    );
  });

  it('has its open incidents, those that need a person first', () => {
    const asking = { phase: 'Judging', conditions: [conditionWith('NeedsPerson')] } as const;
    const incidents = [
      incident('closed', { phase: 'Recovered' }),
      incident('new', { phase: 'Judging' }, { createdTime: at(60) }),
      incident('asking', { ...asking, conditions: [...asking.conditions] }),
      incident('of-another', { phase: 'Judging' }, { workloadRef: { kind: 'Deployment', name: 'api' } }),
    ];
    assert.deepEqual(
      of({ incidents }).incidents.map(({ name, needsPerson }) => [name, needsPerson]),
      [
        ['asking', true],
        ['new', false],
      ],
    );
  });
});
