import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { AT, at, conditionWith, digestOf, history, hold, policy, release } from '../../test/support/objects.ts';
import { annotations, labels } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { platformPolicySpec, unrestrictedPolicy } from '../api/platform-policy.ts';
import { type PathObjects, rollbackPath } from './rollback-path.ts';

const web = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const NOW = Date.parse(at(3600));
const indicator = { ratio: { errors: 'e[$window]', total: 't[$window]' } };
const objectives = [{ name: 'availability', target: '99', indicator }];

/** Applied by a GitSync, opted in; it runs release 2. */
const running = (notes: Record<string, string> = {}, manager = 'metricops/shop/app'): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'shop',
    labels: { [labels.sync]: 'shop.app' },
    annotations: { [annotations.inject]: 'true', [annotations.sourceDigest]: digestOf(2), ...notes },
    managedFields: [
      {
        manager,
        operation: 'Apply',
        fieldsV1: { 'f:spec': { 'f:template': { 'f:spec': {} } } },
      },
    ],
  },
  spec: { template: { spec: { containers: [{ name: 'web', image: 'example.com/web:v2' }] } } },
});
const recorded = history({
  currentRelease: 2,
  lastGoodRelease: 1,
  releases: [
    release(2, { outcome: 'Active', snapshotRef: { name: 's-2' } }),
    release(1, { goodTime: AT, readyTime: AT, snapshotRef: { name: 's-1' } }),
  ],
});
const inForce = policy('web', { targetRef: { name: 'web' }, mode: 'Auto', objectives }, [
  conditionWith('Ready', { reason: 'InForce' }),
]);
const well: PathObjects = {
  workload: running(),
  namespace: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
  coverage: { workload: web, pods: 3, injected: 3, why: undefined },
  history: recorded,
  holds: [],
  policies: [inForce],
  platform: unrestrictedPolicy,
};
const path = (more: Partial<PathObjects> = {}) => rollbackPath(web, { ...well, ...more }, NOW);
const results = (more: Partial<PathObjects> = {}): string =>
  path(more)
    .filter(({ result }) => result !== 'ok')
    .map(({ name, result, message }) => `${name} ${result}: ${message}`)
    .join('; ');

describe('whether a burn of a workload would lead to a rollback', () => {
  it('is yes, with where it would go and which alerts reach it', () => {
    assert.deepEqual(
      path().map(({ result, message }) => `${result}: ${message}`),
      [
        'ok: opted in: its releases are recorded',
        'ok: the recorder is in all 3 pods',
        'ok: release 2 runs and is recorded',
        'ok: an alert with namespace="shop" reaches it by its labels: deployment="web"; or metricops_policy="web"',
        'ok: RollbackPolicy web judges it: 1 of 1 objectives with an indicator',
        'ok: mode Auto: a guilty release is rolled back',
        'ok: no other tool would undo a rollback',
        'ok: a rollback goes to release 1',
      ],
    );
  });

  it('names what it depends on', () => {
    const workload = running({ [annotations.dependsOn]: 'deployment/db' });
    const said = path({ workload }).find(({ name }) => name === 'dependencies');
    assert.deepEqual(
      [said?.result, said?.message],
      ['ok', 'it depends on deployment/db: what burns there is not its fault'],
    );
  });

  it('leaves out what the person may not see', () => {
    assert.deepEqual(
      path({ coverage: undefined, namespace: undefined }).map(({ name }) => name),
      ['optedIn', 'recorded', 'alerts', 'policy', 'mode', 'owner', 'target'],
    );
  });

  it('says each way in which an alert may name it', () => {
    const guard = policy('web', {
      targetRef: { name: 'web' },
      objectives: [{ name: 'a', alerts: { matchLabels: { slo: 'web', severity: 'page' } } }],
    });
    const workload = running({ [annotations.alerts]: 'service=web' });
    const said = path({ workload, policies: [guard] }).find(({ name }) => name === 'alerts');
    assert.match(
      said?.message ?? '',
      /deployment="web"; or service="web"; or metricops_policy="web"; or slo="web", severity="page"$/,
    );
  });

  const alone = conditionWith('Recorded', { status: 'False', message: 'its snapshot has 9 MiB' });
  const unpinned = conditionWith('ImagesPinned', { status: 'False', message: 'image web:v2 has no digest' });
  const unknown = conditionWith('DependenciesKnown', { status: 'False', message: 'Deployment shop/no does not exist' });
  const notReady = conditionWith('Ready', { status: 'False', reason: 'ExpressionRefused', message: 'no metric' });
  const records = recorded.spec;
  const withCurrent = (more: object) => ({
    ...recorded,
    spec: { ...records, releases: (records.releases ?? []).map((r) => (r.number === 2 ? { ...r, ...more } : r)) },
  });
  const cases: [string, Partial<PathObjects>, RegExp][] = [
    ['without an opt-in', { workload: running({ [annotations.inject]: 'false' }) }, /^optedIn failed: not opted in/],
    ['no pod runs', { coverage: { workload: web, pods: 0, injected: 0, why: undefined } }, /^recorder warning: no pod/],
    [
      'a pod has no recorder',
      { coverage: { workload: web, pods: 3, injected: 2, why: 'hostNetwork' } },
      /^recorder warning: 1 of 3 pods run without the recorder: hostNetwork$/,
    ],
    [
      'no pod has the recorder',
      { coverage: { workload: web, pods: 3, injected: 0, why: undefined } },
      /^recorder failed: 3 of 3 pods run without the recorder$/,
    ],
    [
      'nothing is recorded',
      { history: undefined },
      /^recorded failed: no release .*; target failed: nothing to go back/,
    ],
    [
      'it is not recorded in full',
      { history: { ...recorded, status: { conditions: [alone] } } },
      /^recorded failed: .* 9 MiB$/,
    ],
    [
      'it depends on something that is not there',
      {
        workload: running({ [annotations.dependsOn]: 'deployment/no' }),
        history: { ...recorded, status: { conditions: [unknown] } },
      },
      /^dependencies warning: Deployment shop\/no does not exist$/,
    ],
    [
      'it depends on what may not count',
      { workload: running({ [annotations.dependsOn]: 'deployment/db,auth/deployment/login' }) },
      /^dependencies warning: auth\/deployment\/login does not count: it is of another namespace$/,
    ],
    [
      'an image is not pinned',
      { history: { ...recorded, status: { conditions: [unpinned] } } },
      /^recorded warning: .* no digest$/,
    ],
    [
      'a rollout has just begun',
      { workload: running({ [annotations.sourceDigest]: digestOf(3) }) },
      /^recorded warning: release 2 is recorded, and what is rolled out now is not yet$/,
    ],
    ['without a policy', { policies: [] }, /^policy warning: no RollbackPolicy .*; mode failed: mode DryRun/],
    [
      'the policy can not do what it says',
      { policies: [{ ...inForce, status: { conditions: [notReady] } }] },
      /^policy failed: RollbackPolicy web: no metric \(ExpressionRefused\)$/,
    ],
    [
      'the controller has not answered',
      { policies: [{ ...inForce, status: {} }] },
      /^policy warning: .* not answered yet$/,
    ],
    [
      'a person has to agree',
      { workload: running({ [annotations.rollback]: 'Approve' }) },
      /^mode warning: mode Approve/,
    ],
    [
      'the platform allows less',
      { platform: platformPolicySpec.parse({ rollback: { maxMode: 'Off' } }) },
      /^mode failed: mode Off: a burn is only recorded$/,
    ],
    [
      'a change freeze holds',
      {
        policies: [
          policy(
            'web',
            {
              targetRef: { name: 'web' },
              mode: 'Auto',
              objectives,
              freeze: [{ schedule: '0 0 * * *', duration: '24h', timeZone: 'UTC', reason: 'audit' }],
            },
            [conditionWith('Ready', { reason: 'InForce' })],
          ),
        ],
      },
      /^mode warning: mode Auto, but a change freeze \(audit\) holds.*: a person has to agree$/,
    ],
    [
      'it is paused',
      { workload: running({ [annotations.pause]: 'true' }) },
      /^mode failed: metricops.dev\/pause is set/,
    ],
    ['Argo CD applies it', { workload: running({}, 'argocd-controller') }, /owner failed: Argo CD applies it/],
    [
      'it is what a rollback brought',
      { holds: [hold('web', undefined, { rejectedDigests: [digestOf(3)] })] },
      /^target warning: release 2 is itself the result of a rollback/,
    ],
    [
      'it is irreversible',
      { history: withCurrent({ irreversible: 'a migration' }) },
      /^target warning: .*\(a migration\)/,
    ],
    [
      'there is no other release',
      { history: { ...recorded, spec: { ...records, releases: (records.releases ?? []).slice(0, 1) } } },
      /^target failed: nothing to go back to: There is no other release\.$/,
    ],
  ];
  for (const [what, objects, expected] of cases)
    it(`is said in words where ${what}`, () => {
      assert.match(results(objects), expected);
    });

  it('comes with what to do where it fails', () => {
    for (const [, objects] of cases)
      for (const { result, name, next, message } of path(objects))
        if (result === 'failed' && ['optedIn', 'mode', 'policy'].includes(name)) assert.ok(next, message);
  });
});
