import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { incident, NOON } from '../../test/support/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import { platformPolicySpec } from '../api/platform-policy.ts';
import type { WatchCache } from '../kube/index.ts';
import { observe } from './observe.ts';

const cache = <T extends KubeObject>(...objects: T[]): WatchCache<T> => ({
  get: ({ name }) => objects.find((o) => o.metadata.name === name),
  list: () => objects,
  onChange: () => () => {},
  ready: async () => {},
  stop: async () => {},
});

/** The namespaces, of all that the cluster has, whose alerting rules speak against a workload of namespace shop. */
const trusted = (trustedRuleNamespaces: readonly string[]): string[] => {
  const namespaces = ['shop', 'thief', 'monitoring'];
  const { question } = observe(
    incident(),
    {
      incidents: cache(),
      holds: cache(),
      histories: cache(),
      rollbackPolicies: cache(),
      platform: {
        current: () => platformPolicySpec.parse({ rollback: { trustedRuleNamespaces } }),
        onChange: () => () => {},
        ready: async () => {},
        stop: async () => {},
      },
      namespaces: cache(...namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }))),
      pods: cache(),
      replicaSets: cache(),
      workloads: { Deployment: cache(), StatefulSet: cache(), DaemonSet: cache() },
    },
    { refusal: undefined, unfit: new Map(), now: NOON },
  );
  return namespaces.filter((name) => question.isTrustedRule(`/rules/${name}.yaml`));
};

describe('what an incident is judged by', () => {
  it('is a rule of its own namespace, and of no other tenant', () => assert.deepEqual(trusted([]), ['shop']));

  it('is also a rule of a namespace that the platform trusts', () =>
    assert.deepEqual(trusted(['monitoring']), ['shop', 'monitoring']));
});
