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
/**
 * Deployments by name, with what the annotation of each says, where it has one; of namespace shop where none is named.
 * @param measured what metrics say of callers
 */
const graph = (
  calls: Record<string, string | undefined>,
  dependenciesAcrossNamespaces = false,
  measured: Record<string, string[]> = {},
) => {
  const get: WatchCache['get'] = ({ namespace, name }): KubeObject | undefined => {
    const called = namespace === 'shop' ? name : `${namespace}/${name}`;
    const said = calls[called];
    const notes = said === undefined ? {} : { [annotations.dependsOn]: said };
    const metadata = { namespace: namespace ?? '', name, annotations: notes };
    return !(called in calls) ? undefined : { apiVersion: 'apps/v1', kind: 'Deployment', metadata };
  };
  const policy = platformPolicySpec.parse({ rollback: { dependenciesAcrossNamespaces } });
  const made = graphFrom({
    workloads: { Deployment: { ...none, get }, StatefulSet: none, DaemonSet: none },
    calls: { of: ({ name }) => (measured[name] ?? []).map(key) },
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

  it('is what metrics show of a workload without the annotation: the annotation wins, also where it is empty', () => {
    const annotated = { web: undefined, api: 'deployment/db', cart: '', db: undefined };
    const depends = graph(annotated, false, { web: ['api'], api: ['cart'], cart: ['db'] });
    assert.ok(depends('web', 'api') && depends('web', 'db'));
    assert.ok(!depends('api', 'cart') && !depends('cart', 'db'));
  });

  it('is of another namespace by metrics, too, only where the platform lets it count', () => {
    const measured = { web: ['auth/login'] };
    assert.equal(graph({ web: undefined }, false, measured)('web', 'auth/login'), false);
    assert.equal(graph({ web: undefined }, true, measured)('web', 'auth/login'), true);
  });

  it('is of another namespace only where the platform lets an annotation name it', () => {
    const calls = { web: 'auth/deployment/login' };
    assert.equal(graph(calls)('web', 'auth/login'), false);
    assert.equal(graph(calls, true)('web', 'auth/login'), true);
  });
});
