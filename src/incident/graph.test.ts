import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { platformPolicySpec } from '../api/platform-policy.ts';
import type { WatchCache } from '../kube/index.ts';
import { graphFrom } from './graph.ts';

const none: WatchCache = {
  get: () => undefined,
  list: () => [],
  onChange: () => () => {},
  ready: async () => {},
  stop: async () => {},
};
const key = (text: string) => {
  const [name = '', namespace = 'shop'] = text.split('/').toReversed();
  return { kind: 'Deployment' as const, namespace, name };
};
/** Deployments by name, with what each depends on; of namespace shop where none is named. */
const graph = (calls: Record<string, string>, dependenciesAcrossNamespaces = false) => {
  const get: WatchCache['get'] = ({ namespace, name }): KubeObject | undefined => {
    const said = calls[namespace === 'shop' ? name : `${namespace}/${name}`];
    const metadata = { namespace: namespace ?? '', name, annotations: { [annotations.dependsOn]: said ?? '' } };
    return said === undefined ? undefined : { apiVersion: 'apps/v1', kind: 'Deployment', metadata };
  };
  const policy = platformPolicySpec.parse({ rollback: { dependenciesAcrossNamespaces } });
  const made = graphFrom({
    workloads: { Deployment: { ...none, get }, StatefulSet: none, DaemonSet: none },
    platform: { current: () => policy, onChange: () => () => {}, ready: async () => {}, stop: async () => {} },
  });
  return (caller: string, callee: string): boolean => made.dependsOn(key(caller), key(callee));
};

describe('what a workload depends on', () => {
  it('is what its annotation names, and what those name', () => {
    const depends = graph({ web: 'deployment/api', api: 'deployment/db', db: '' });
    assert.ok(depends('web', 'api') && depends('web', 'db') && depends('api', 'db'));
    assert.ok(!depends('db', 'web') && !depends('web', 'web') && !depends('gone', 'web'));
  });

  it('is nothing that depends on it, too', () => {
    const depends = graph({ web: 'deployment/api', api: 'deployment/web,deployment/db', db: '' });
    assert.ok(!depends('web', 'api') && !depends('api', 'web') && depends('web', 'db'));
  });

  it('is of another namespace only where the platform lets an annotation name it', () => {
    const calls = { web: 'auth/deployment/login' };
    assert.equal(graph(calls)('web', 'auth/login'), false);
    assert.equal(graph(calls, true)('web', 'auth/login'), true);
  });
});
