import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { AT, conditionWith, digestOf, history, hold, release } from '../../test/support/objects.ts';
import { API_VERSION } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { platformPolicySpec, unrestrictedPolicy } from '../api/platform-policy.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import { type RollbackPolicy, rollbackPolicySpec } from '../api/rollback-policy.ts';
import { conditionsOf, type Surroundings } from './readiness.ts';
import { createSelectors } from './selectors.ts';

const policy = (spec: object, name = 'p', createdDay = 1): RollbackPolicy => ({
  apiVersion: API_VERSION,
  kind: 'RollbackPolicy',
  metadata: { name, namespace: 'shop', creationTimestamp: `2026-01-0${createdDay}T00:00:00Z` },
  spec: rollbackPolicySpec.parse({ mode: 'Auto', ...spec }),
});
const web = { targetRef: { name: 'web' } };
const workload = (name: string, rest: { annotations?: object; labels?: Record<string, string> } = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name,
    namespace: 'shop',
    annotations: { 'metricops.dev/inject': 'true', ...rest.annotations },
    labels: rest.labels ?? {},
  },
});
const measured = (errors: string, podLabel = 'pod') => ({
  objectives: [
    { name: 'availability', target: '99', indicator: { ratio: { errors, total: 'rate(t[$window])', podLabel } } },
  ],
});
const good = measured('rate(e[$window])');
const objectiveRef = { apiVersion: 'sloth.slok.dev/v1', kind: 'PrometheusServiceLevel', name: 'web' };

/** It runs release 2; release 1 was good. */
const recorded = (name: string): ReleaseHistory =>
  history({
    currentRelease: 2,
    lastGoodRelease: 1,
    releases: [
      release(2, { outcome: 'Active', snapshotRef: { name: `${name}-2` } }),
      release(1, { goodTime: AT, readyTime: AT, snapshotRef: { name: `${name}-1` } }),
    ],
  });
/** Both conditions as `status reason: message`. */
const said = (one: RollbackPolicy, around: Partial<Surroundings> = {}): { ready: string; overridden: string } => {
  const [ready = '', overridden = ''] = conditionsOf(one, {
    policies: [one],
    workloads: [workload('web')],
    namespace: undefined,
    platform: unrestrictedPolicy,
    hasPrometheus: true,
    otherToolOf: () => undefined,
    selectors: createSelectors(),
    historyOf: ({ name }) => recorded(name),
    holds: [],
    measured: [],
    now: Date.parse('2026-01-02T00:00:00Z'),
    ...around,
  }).map(({ status, reason, message }) => `${status ? 'True' : 'False'} ${reason}: ${message}`);
  return { ready, overridden };
};

describe('Ready of a RollbackPolicy', () => {
  for (const [what, spec, around, expected] of [
    ['Auto rolls back', good, {}, 'True InForce: a burn of Deployment web leads to a rollback'],
    [
      'Auto without an indicator asks a person where the rule is of another namespace',
      {},
      {},
      'True InForce: a burn of Deployment web leads to a rollback if the alerting rule is of namespace shop, otherwise a person is asked',
    ],
    [
      'Auto without an indicator goes by the rules of namespaces that the platform trusts',
      {},
      { platform: platformPolicySpec.parse({ rollback: { trustedRuleNamespaces: ['monitoring'] } }) },
      /rollback if the alerting rule is of one of the namespaces shop, monitoring, otherwise/,
    ],
    ['Approve asks a person', { mode: 'Approve' }, {}, /^True InForce: .* when a person approves it$/],
    ['DryRun is ready, and says so', { mode: 'DryRun' }, {}, /^True ModeDryRun: .* only says what would be/],
    ['Off is ready, and says so', { mode: 'Off' }, {}, /^True ModeOff: .* is only recorded$/],
    [
      'the annotation of the workload changes the mode',
      {},
      { workloads: [workload('web', { annotations: { 'metricops.dev/rollback': 'off' } })] },
      /^True ModeOff: .*: mode Off, by the annotation metricops.dev\/rollback$/,
    ],
    [
      'the platform caps the mode',
      {},
      { platform: platformPolicySpec.parse({ rollback: { maxMode: 'DryRun' } }) },
      /^True ModeDryRun: .*: mode DryRun, by rollback.maxMode of the PlatformPolicy$/,
    ],
    [
      'Auto asks a person in a change freeze',
      { ...good, freeze: [{ schedule: '0 18 * * FRI', duration: '62h' }] },
      {},
      'True InForce: a burn of Deployment web leads to a rollback, but in a change freeze a person is asked',
    ],
    [
      'a change freeze has a time zone that is none',
      { ...good, freeze: [{ schedule: '0 18 * * FRI', duration: '62h', timeZone: 'Europe/Berln' }] },
      {},
      'False InvalidFreeze: freeze "0 18 * * FRI": there is no time zone "Europe/Berln"',
    ],
    [
      'a change freeze of the platform begins on no day',
      good,
      { platform: platformPolicySpec.parse({ rollback: { freeze: [{ schedule: '0 0 9-3 * *', duration: '1h' }] } }) },
      /^False InvalidFreeze: of the PlatformPolicy: freeze "0 0 9-3 \* \*": "9-3" is no day of the month/,
    ],
    ['the workload is missing', {}, { workloads: [] }, 'False TargetNotFound: Deployment web is not in the namespace'],
    [
      'the kind is not supported yet',
      { targetRef: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'web' } },
      {},
      /^False TargetKindNotSupported: releases of Rollout \(argoproj.io\/v1alpha1\) are not recorded/,
    ],
    [
      'an objective is of another tool',
      { objectives: [{ name: 'a', objectiveRef }] },
      {},
      /^False ObjectiveRefNotRead: objective a refers to PrometheusServiceLevel web/,
    ],
    [
      'an expression is no PromQL',
      measured('sum(rate(e[$window])'),
      {},
      /^False ExpressionRefused: indicator.ratio.errors of objective availability .* no PromQL from character/,
    ],
    ['an expression is sent as it is without podLabel', measured('whatever([$window]', ''), {}, /^True InForce/],
    [
      'there is no Prometheus',
      {},
      { hasPrometheus: false },
      /^False PrometheusUnreachable: .*METRICOPS_PROMETHEUS_URL/,
    ],
    [
      'the workload is not recorded',
      {},
      { workloads: [workload('web', { annotations: { 'metricops.dev/inject': 'false' } })] },
      /^False NotOptedIn: Deployment web: not opted in.*; kubectl -n shop annotate deployment\/web metricops.dev\/inject=true$/,
    ],
    [
      'the workload is paused',
      {},
      { workloads: [workload('web', { annotations: { 'metricops.dev/pause': 'true' } })] },
      /^False Paused: Deployment web: metricops.dev\/pause is set.*; metricops resume deployment\/web$/,
    ],
    [
      'another tool applies it',
      {},
      { otherToolOf: () => 'Flux' },
      /^False OwnedByOtherTool: Deployment web: Flux applies it/,
    ],
    [
      'no release is recorded',
      good,
      { historyOf: () => undefined },
      /^False NoHistory: Deployment web: no release of it is recorded yet; a release is recorded when/,
    ],
    [
      'the release is not recorded in full',
      good,
      {
        historyOf: () => ({
          ...recorded('web'),
          status: {
            conditions: [conditionWith('Recorded', { status: 'False', reason: 'SnapshotMissing', message: '9 MiB' })],
          },
        }),
      },
      /^False SnapshotMissing: Deployment web: release 2 is not recorded in full: 9 MiB$/,
    ],
    [
      'there is no release to go back to',
      good,
      { historyOf: () => history({ currentRelease: 1, releases: [release(1, { outcome: 'Active' })] }) },
      /^False NoGoodRelease: Deployment web: nothing to go back to: There is no other release\.$/,
    ],
    [
      'what runs is itself the result of a rollback',
      good,
      { holds: [hold('web', undefined, { rejectedDigests: [digestOf(3)] })] },
      /^True InForce: .* leads to a rollback; not by itself now: Deployment web: release 2 is itself the result/,
    ],
    [
      'Prometheus has no data',
      good,
      { measured: [{ type: 'Measured', status: false, reason: 'NoData', message: 'no samples' }] },
      'False NoData: no samples',
    ],
    [
      'no alert would reach it, also in mode DryRun',
      { mode: 'DryRun' },
      {
        measured: [
          { type: 'Measured', status: true, reason: 'ByAlertRule', message: '' },
          { type: 'AlertsReach', status: false, reason: 'NoAlertRule', message: 'no rule' },
        ],
      },
      'False NoAlertRule: no rule',
    ],
    [
      'Prometheus does not answer',
      good,
      { measured: [{ type: 'Measured', status: 'Unknown', reason: 'PrometheusUnreachable', message: 'away' }] },
      'True InForce: a burn of Deployment web leads to a rollback; not measured now: away',
    ],
  ] as const) {
    it(`says what a burn leads to: ${what}`, () => {
      const { ready } = said(policy({ ...web, ...spec }), around);
      if (typeof expected === 'string') assert.equal(ready, expected);
      else assert.match(ready, expected);
    });
  }

  it('counts the workloads that a selector guards, and names what keeps one of them out', () => {
    const workloads = [
      workload('web'),
      workload('api'),
      workload('old', { annotations: { 'metricops.dev/pause': 'true' } }),
    ];
    const { ready } = said(policy({ selector: {}, ...good }), { workloads });
    assert.match(
      ready,
      /^True InForce: a burn of 2 workloads leads to a rollback; not of all: Deployment old: metricops.dev\/pause/,
    );
  });

  it('is False where labels select nothing, and True for the default of a namespace that has no workloads yet', () => {
    const typo = policy({ selector: { matchLabels: { team: 'shpo' } } });
    assert.match(said(typo).ready, /^False TargetNotFound: no workload .* labels of spec.selector/);
    assert.match(said(policy({ selector: {} }), { workloads: [] }).ready, /^True InForce: guards no workload now/);
  });
});

describe('the workloads that a RollbackPolicy is ready for', () => {
  const shelf = [workload('web', { labels: { team: 'shop' } }), workload('api', { labels: { team: 'other' } })];

  it('are those with its labels', () => {
    const labelled = policy({ selector: { matchLabels: { team: 'shop' } }, ...good });
    const { ready, overridden } = said(labelled, { workloads: shelf });
    assert.match(ready, /^True InForce: a burn of 1 workload leads to a rollback$/);
    assert.match(overridden, /counts for 1 of 1 workloads/);
  });

  it('are all of the namespace without labels, whether they have some or not', () => {
    const bare = workload('bare');
    const { labels: _, ...metadata } = bare.metadata;
    const workloads = [...shelf, { ...bare, metadata }];
    assert.match(said(policy({ selector: {} }), { workloads }).overridden, /counts for 3 of 3 workloads/);
  });

  it('are the one of its kind and name', () => {
    const set = { ...workload('web', { annotations: { 'metricops.dev/pause': 'true' } }), kind: 'StatefulSet' };
    const workloads = [set, workload('api', { annotations: { 'metricops.dev/pause': 'true' } }), workload('web')];
    assert.match(said(policy(web), { workloads }).ready, /^True InForce: a burn of Deployment web leads/);
    const job = { ...workload('web'), apiVersion: 'batch/v1', kind: 'Job' };
    assert.match(said(policy({ selector: {} }), { workloads: [job] }).ready, /^True InForce: guards no workload now/);
  });

  for (const targetRef of [
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web' },
    { apiVersion: 'example.com/v1', kind: 'Deployment', name: 'web' },
  ])
    it(`are none of ${targetRef.apiVersion} ${targetRef.kind}`, () => {
      const { ready, overridden } = said(policy({ targetRef }));
      assert.match(ready, /^False TargetKindNotSupported: releases of /);
      assert.match(overridden, /^False NotOverridden: counts for 0 of 0 workloads/);
    });
});

describe('Overridden of a RollbackPolicy', () => {
  it('names the policy that counts, and why it does', () => {
    const [own, older, all] = [
      policy(web, 'own', 2),
      policy(web, 'older', 1),
      policy({ selector: { matchLabels: {} } }, 'all', 1),
    ];
    const policies = [own, older, all];
    const expected = 'Overridden: RollbackPolicy older counts for Deployment web: it is older';
    assert.deepEqual(said(own, { policies }), { ready: `False ${expected}`, overridden: `True ${expected}` });
    assert.match(said(older, { policies }).overridden, /^False NotOverridden: counts for 1 of 1 workloads/);
    assert.match(said(all, { policies }).overridden, /^True Overridden: .*older counts .*: it names it by targetRef$/);
    assert.match(
      said(policy(web, 'z', 1), { policies: [...policies, policy(web, 'z', 1)] }).ready,
      /is first by name$/,
    );
  });

  it('is False while one workload is left to it', () => {
    const [own, all] = [policy(web, 'own', 2), policy({ selector: {} }, 'all', 1)];
    const around = { policies: [own, all], workloads: [workload('web'), workload('api')] };
    assert.match(said(all, around).overridden, /^False NotOverridden: counts for 1 of 2 workloads/);
    assert.match(said(all, around).ready, /^True InForce: a burn of 1 workload leads/);
  });
});
