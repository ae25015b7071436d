import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { incident, NOON } from '../../test/support/incident.ts';
import { API_VERSION, annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { platformPolicySpec } from '../api/platform-policy.ts';
import { type RollbackPolicy, rollbackPolicySpec } from '../api/rollback-policy.ts';
import type { Question } from '../judge/index.ts';
import type { WatchCache } from '../kube/index.ts';
import { observe } from './observe.ts';

const cache = <T extends KubeObject>(...objects: T[]): WatchCache<T> => ({
  get: ({ name }) => objects.find((o) => o.metadata.name === name),
  list: () => objects,
  onChange: () => () => {},
  ready: async () => {},
  stop: async () => {},
});

const NAMESPACES = ['shop', 'thief', 'monitoring'];

/** What Prometheus is asked of an incident of Deployment shop/web. */
const asked = (
  rollback: { trustedRuleNamespaces?: readonly string[] },
  { policies = [], deployments = [] }: { policies?: RollbackPolicy[]; deployments?: KubeObject[] } = {},
): Question =>
  observe(
    incident(),
    {
      incidents: cache(),
      holds: cache(),
      histories: cache(),
      rollbackPolicies: cache(...policies),
      platform: {
        current: () => platformPolicySpec.parse({ rollback }),
        onChange: () => () => {},
        ready: async () => {},
        stop: async () => {},
      },
      namespaces: cache(...NAMESPACES.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }))),
      syncs: cache(),
      pods: cache(),
      replicaSets: cache(),
      workloads: { Deployment: cache(...deployments), StatefulSet: cache(), DaemonSet: cache() },
    },
    { refusal: undefined, unfit: new Map(), now: NOON },
  ).question();

/** The namespaces, of all that the cluster has, whose alerting rules speak against a workload of namespace shop. */
const trusted = (trustedRuleNamespaces: readonly string[]): string[] => {
  const question = asked({ trustedRuleNamespaces });
  return NAMESPACES.filter((name) => question.isTrustedRule(`/rules/${name}.yaml`));
};

const policyOf = (name: string): RollbackPolicy => ({
  apiVersion: API_VERSION,
  kind: 'RollbackPolicy',
  metadata: { name, namespace: 'shop' },
  spec: rollbackPolicySpec.parse({
    targetRef: { name },
    objectives: [{ name: 'a', target: '99', indicator: { ratio: { errors: 'e[$window]', total: 't[$window]' } } }],
  }),
});
const deployment = (name: string, dependsOn: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'shop', annotations: { [annotations.dependsOn]: dependsOn } },
});

describe('what an incident is judged by', () => {
  it('is a rule of its own namespace, and of no other tenant', () => assert.deepEqual(trusted([]), ['shop']));

  it('is also a rule of a namespace that the platform trusts', () =>
    assert.deepEqual(trusted(['monitoring']), ['shop', 'monitoring']));

  it('is what else of the namespace burns, what it depends on first, and nothing that depends on it', () => {
    const { around } = asked(
      {},
      {
        policies: ['cart', 'db', 'front', 'web'].map(policyOf),
        deployments: [deployment('web', 'deployment/db'), deployment('front', 'deployment/web')],
      },
    );
    assert.deepEqual(
      around.map(({ name, isDependency }) => `${name} ${isDependency}`),
      ['db true', 'cart false'],
    );
  });
});
