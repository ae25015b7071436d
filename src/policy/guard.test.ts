import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { API_VERSION } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { platformPolicySpec, unrestrictedPolicy } from '../api/platform-policy.ts';
import { type RollbackPolicy, rollbackPolicySpec } from '../api/rollback-policy.ts';
import { guardingPolicyAmong, guardOf, guardrailsOf } from './guard.ts';

const policy = (spec: object, name = 'p', createdDay = 1, namespace = 'shop'): RollbackPolicy => ({
  apiVersion: API_VERSION,
  kind: 'RollbackPolicy',
  metadata: { name, namespace, creationTimestamp: `2026-01-0${createdDay}T00:00:00Z` },
  spec: rollbackPolicySpec.parse({ ...('targetRef' in spec || 'selector' in spec ? {} : { selector: {} }), ...spec }),
});
const web = { targetRef: { name: 'web' } };
const key = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const workload = (annotations: Record<string, string> = {}, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', annotations, labels },
});
const annotated = (rollback: string): KubeObject => workload({ 'metricops.dev/rollback': rollback });
const capped = (rollback: object) => platformPolicySpec.parse({ rollback });

describe('the policy that guards a workload', () => {
  const winner = (policies: RollbackPolicy[], labels: Record<string, string> = {}): string | undefined =>
    guardingPolicyAmong(policies)(key, workload({}, labels))?.metadata.name;

  it('is one that names it, before one that selects it, however old that is', () => {
    assert.equal(winner([policy({ selector: {} }, 'default', 1), policy(web, 'own', 9)]), 'own');
  });

  it('is the oldest of those that name it, then the first by name, in whatever order they are listed', () => {
    const [a, b, c] = [policy(web, 'a', 2), policy(web, 'b', 1), policy(web, 'c', 1)];
    for (const listed of [
      [a, b, c],
      [c, b, a],
      [b, a, c],
    ])
      assert.equal(winner(listed), 'b');
  });

  it('is one that selects its labels; without labels one selects every workload of its namespace', () => {
    const shop = policy({ selector: { matchLabels: { team: 'shop', tier: 'web' } } }, 'shop', 1);
    const all = policy({ selector: {} }, 'all', 2);
    assert.equal(winner([shop, all], { team: 'shop', tier: 'web', more: 'x' }), 'shop');
    assert.equal(winner([shop, all], { team: 'shop' }), 'all');
    assert.equal(winner([shop], { team: 'shop' }), undefined);
  });

  it('is none of another namespace, another kind, or another API that has a Deployment', () => {
    assert.equal(winner([policy(web, 'p', 1, 'other'), policy({ selector: {} }, 'q', 1, 'other')]), undefined);
    assert.equal(winner([policy({ targetRef: { kind: 'StatefulSet', name: 'web' } })]), undefined);
    assert.equal(winner([policy({ targetRef: { apiVersion: 'example.com/v1', name: 'web' } })]), undefined);
  });

  it('is no selection of a workload that is not there: its labels are unknown', () => {
    const labelled = policy({ selector: { matchLabels: { team: 'shop' } } });
    assert.equal(guardingPolicyAmong([labelled])(key, undefined), undefined);
  });

  it('guards a workload that is not there (yet) when it names it', () => {
    const own = policy({ ...web, mode: 'Auto' });
    assert.deepEqual(guardOf(key, undefined, [own], unrestrictedPolicy).policy, own);
    assert.equal(guardOf(key, undefined, [own], unrestrictedPolicy).guardrails.mode, 'Auto');
  });
});

describe('what may be done to a workload', () => {
  it('is what its policy says, or the default', () => {
    assert.equal(guardrailsOf(policy({ mode: 'Auto' }), undefined, unrestrictedPolicy).mode, 'Auto');
    assert.equal(guardrailsOf(undefined, undefined, unrestrictedPolicy).mode, 'DryRun');
  });

  it('is what the annotation says before that, in any case, where the word is known', () => {
    const mode = (word: string): string =>
      guardrailsOf(policy({ mode: 'Auto' }), annotated(word), unrestrictedPolicy).mode;
    assert.deepEqual(['Approve', 'approve', 'DRYRUN', 'dryRun', 'off', ' Auto '].map(mode), [
      'Approve',
      'Approve',
      'DryRun',
      'DryRun',
      'Off',
      'Auto',
    ]);
    assert.equal(mode('yes'), 'DryRun');
  });

  it("is never more than the platform's cap, not even by annotation", () => {
    const platform = capped({ maxMode: 'Approve', minCooldown: '30m', maxPerHour: 2 });
    const guarded = guardrailsOf(policy({ cooldown: '1m', maxPerHour: 9 }), annotated('Auto'), platform);
    assert.deepEqual([guarded.mode, guarded.cooldown, guarded.maxPerHour], ['Approve', '30m', 2]);
    assert.equal(guardrailsOf(policy({ mode: 'Off' }), undefined, platform).mode, 'Off');
    assert.equal(guardrailsOf(policy({ cooldown: '2h' }), undefined, platform).cooldown, '2h');
  });

  it('waits in the change freezes of the platform and in its own', () => {
    const [ours, theirs] = ['0 0 1 * *', '0 0 2 * *'].map((schedule) => ({ schedule, duration: '1h' }));
    const { freeze } = guardrailsOf(policy({ freeze: [ours] }), annotated('Auto'), capped({ freeze: [theirs] }));
    assert.deepEqual(
      freeze.map(({ schedule }) => schedule),
      ['0 0 2 * *', '0 0 1 * *'],
    );
  });

  it('keeps logs as evidence unless its policy or the platform says no', () => {
    const kept = (own: object, platform: object = {}): boolean | undefined =>
      guardrailsOf(policy(own), undefined, platformPolicySpec.parse(platform)).evidence?.logs;
    const no = { evidence: { logs: false } };
    assert.deepEqual([kept({}), kept({ evidence: {} }), kept(no)], [true, true, false]);
    assert.deepEqual([kept({}, no), kept({ evidence: { logs: true } }, no)], [false, false]);
  });

  it('is the default where the workload has no annotations', () => {
    const { annotations: _, ...metadata } = workload().metadata;
    assert.equal(guardrailsOf(policy({ mode: 'Auto' }), { ...workload(), metadata }, unrestrictedPolicy).mode, 'Auto');
  });

  it('keeps a cool-down that is as long as the least one, in the words of its policy', () => {
    const { cooldown } = guardrailsOf(policy({ cooldown: '60m' }), undefined, capped({ minCooldown: '1h' }));
    assert.equal(cooldown, '60m');
  });
});

describe('an approval that times out', () => {
  const own = (action: string) => policy({ mode: 'Approve', approval: { timeout: '1h', action } });
  const actionOf = (action: string, maxMode: string): string | undefined =>
    guardrailsOf(own(action), workload(), capped({ maxMode })).approval?.action;

  it('rolls back only where the platform lets a burn do that by itself', () => {
    assert.equal(actionOf('RollBack', 'Auto'), 'RollBack');
    assert.equal(actionOf('RollBack', 'Approve'), undefined);
    assert.equal(actionOf('Close', 'Approve'), 'Close');
  });
});
