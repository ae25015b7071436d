import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { release } from '../../test/support/incident.ts';
import { API_VERSION } from '../api/annotations.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import { type RollbackPolicy, rollbackPolicySpec } from '../api/rollback-policy.ts';
import { measuredAround } from './measured-around.ts';

const WEB = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const indicator = { ratio: { errors: 'e[$window]', total: 't[$window]' } };
const policyOf = (name: string, objectives: object[] = [{ name: 'a', target: '99', indicator }]): RollbackPolicy => ({
  apiVersion: API_VERSION,
  kind: 'RollbackPolicy',
  metadata: { namespace: 'shop', name },
  spec: rollbackPolicySpec.parse({ targetRef: { kind: 'Deployment', name }, objectives }),
});
const historyOf = (name: string, commit: string, currentRelease = 2): ReleaseHistory => ({
  apiVersion: API_VERSION,
  kind: 'ReleaseHistory',
  metadata: { namespace: 'shop', name: `deployment-${name}` },
  spec: {
    workloadRef: { kind: 'Deployment', name },
    currentRelease,
    releases: [release(2, { commit }), release(1, { commit: 'c1' })],
  },
});

describe('which workloads are asked whether they burn, too', () => {
  const around = (policies: RollbackPolicy[], histories: ReleaseHistory[], commit?: string): string[] =>
    of(policies, histories, commit).map(({ name }) => name);
  /** `web>db`: web depends on db. */
  const of = (policies: RollbackPolicy[], histories: ReleaseHistory[], commit?: string, edges: string[] = []) =>
    measuredAround(
      WEB,
      commit === undefined ? undefined : { commit },
      {
        rollbackPolicies: { list: () => policies },
        histories: { get: ({ name }) => histories.find(({ metadata }) => metadata.name === name) },
      },
      { dependsOn: (caller, callee) => edges.includes(`${caller.name}>${callee.name}`) },
    );

  it('are the others of the namespace that have an indicator, eight at most', () => {
    const others = Array.from({ length: 9 }, (_, i) => policyOf(`web-${i}`));
    const withoutIndicator = policyOf('api', [{ name: 'a' }]);
    assert.deepEqual(
      around([policyOf('web'), withoutIndicator, ...others.toReversed()], []),
      others.slice(0, 8).map(({ metadata }) => metadata.name),
    );
  });

  it('are last those that the same commit released: they are as suspect, and only where they burn counts', () => {
    const policies = [policyOf('api'), policyOf('db'), policyOf('ui')];
    const histories = [historyOf('api', 'c2'), historyOf('db', 'c1')];
    assert.deepEqual(
      of(policies, histories, 'c2').map(({ name, isAsSuspect }) => `${name} ${isAsSuspect}`),
      ['db false', 'ui false', 'api true'],
    );
  });

  it('are first what the workload depends on, and nothing that depends on it', () => {
    const found = of(
      ['cart', 'db', 'front'].map((name) => policyOf(name)),
      [],
      undefined,
      ['web>db', 'front>web'],
    );
    assert.deepEqual(
      found.map(({ name, isDependency }) => `${name} ${isDependency}`),
      ['db true', 'cart false'],
    );
  });

  it('are what the workload depends on also where the same commit released it: what fails there fails here', () => {
    const found = of([policyOf('api')], [historyOf('api', 'c2')], 'c2', ['web>api']);
    assert.deepEqual(
      found.map(({ name, isAsSuspect }) => `${name} ${isAsSuspect}`),
      ['api false'],
    );
  });

  it('are as suspect also when they are rolled back by now: they burned a moment ago', () => {
    const found = of([policyOf('api')], [historyOf('api', 'c2', 1)], 'c2');
    assert.deepEqual(
      found.map(({ isAsSuspect }) => isAsSuspect),
      [true],
    );
  });

  it('are all of them where nobody knows the commit', () => {
    const [policies, histories] = [[policyOf('api')], [historyOf('api', '')]];
    for (const commit of ['', undefined]) assert.deepEqual(around(policies, histories, commit), ['api']);
  });
});
