import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { deadPortsOf, decidingPartOf, indexSelectors, isFoundBy, isSelector } from './selectors.ts';

const web = (labels: object = { app: 'web', tier: 'front' }): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'shop', name: 'web' },
  spec: { template: { metadata: { labels }, spec: { containers: [{ name: 'c', ports: [{ name: 'http' }] }] } } },
});
const object = (apiVersion: string, kind: string, spec: unknown, namespace = 'shop', name = 'x'): KubeObject => ({
  apiVersion,
  kind,
  metadata: { namespace, name },
  spec,
});
const service = (selector: unknown, ports: object[] = []): KubeObject => object('v1', 'Service', { selector, ports });
const budget = (selector: unknown): KubeObject => object('policy/v1', 'PodDisruptionBudget', { selector });
const network = (podSelector: unknown): KubeObject => object('networking.k8s.io/v1', 'NetworkPolicy', { podSelector });
const scaler = (target: object): KubeObject =>
  object('autoscaling/v2', 'HorizontalPodAutoscaler', {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', ...target },
  });
const binding = (subjects: unknown, namespace: string | undefined = 'shop', rest: object = {}): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding',
  metadata: { name: 'x', ...(namespace === '' ? {} : { namespace }) },
  roleRef: { kind: 'Role', name: 'reader' },
  subjects,
  ...rest,
});
const account = (name: string, namespace = 'shop') => ({ kind: 'ServiceAccount', name, namespace });
const group = (name: string) => ({ kind: 'Group', name });
const expression = (operator: string, values?: string[], key = 'app') => ({
  matchExpressions: [{ key, operator, values }],
});

describe('what finds the pods of a workload', () => {
  for (const [what, selector, found] of [
    ['a Service with a part of its labels', service({ app: 'web' }), true],
    ['a Service with another label', service({ app: 'web', tier: 'back' }), false],
    ['a Service without a selector', service(undefined), false],
    ['a Service with selector: null', service(null), false],
    ['a Service with an empty selector', service({}), false],
    ['a Service of another namespace', object('v1', 'Service', { selector: { app: 'web' } }, 'other'), false],
    [
      'a Service of a kind of Knative',
      object('serving.knative.dev/v1', 'Service', { selector: { app: 'web' } }),
      false,
    ],
    ['a budget by label', budget({ matchLabels: { tier: 'front' } }), true],
    ['a budget for every pod', budget({}), true],
    ['a budget for none', budget(undefined), false],
    ['a policy for every pod', network({}), true],
    ['a policy by another label', network({ matchLabels: { app: 'api' } }), false],
    ['an In', network(expression('In', ['api', 'web'])), true],
    ['an In without it', network(expression('In', ['api'])), false],
    ['a NotIn', network(expression('NotIn', ['api'])), true],
    ['a NotIn of a label that is not there', network(expression('NotIn', ['api'], 'zone')), true],
    ['an Exists', network(expression('Exists')), true],
    ['an Exists of another label', network(expression('Exists', undefined, 'zone')), false],
    ['a DoesNotExist', network(expression('DoesNotExist')), false],
    ['a DoesNotExist of another label', network(expression('DoesNotExist', undefined, 'zone')), true],
    ['an operator of the future', network(expression('Resembles', ['web'])), false],
    ['an operator of the future of another label', network(expression('Resembles', ['web'], 'zone')), false],
    ['an autoscaler of it', scaler({}), true],
    ['an autoscaler of another group', scaler({ apiVersion: 'argoproj.io/v1alpha1' }), false],
    ['an autoscaler of another one', scaler({ name: 'api' }), false],
    ['an autoscaler of another kind', scaler({ kind: 'StatefulSet' }), false],
    ['a binding of their account', binding([account('default'), account('api')]), true],
    ['a binding of the account of that name in another namespace', binding([account('default', 'other')]), false],
    ['a binding of another account', binding([account('api')]), false],
    ['a binding in another namespace', binding([account('default')], 'other'), false],
    ['a binding of a group that it is in', binding([group('system:serviceaccounts:shop')]), true],
    ['a binding of another group', binding([group('system:serviceaccounts:other')]), false],
    ['a binding in the whole cluster', binding([account('default')], ''), true],
    ['a binding in the whole cluster of another account', binding([account('api')], ''), false],
    ['a binding of nobody', binding(undefined), false],
    ['a binding of Knative', binding([account('default')], 'shop', { apiVersion: 'knative.dev/v1' }), false],
    ['a ConfigMap', object('v1', 'ConfigMap', { selector: { app: 'web' } }), false],
  ] as const) {
    it(`${found ? 'is' : 'is not'} ${what}`, () => {
      assert.equal(isFoundBy(web(), selector), found);
      assert.deepEqual(indexSelectors([selector])(web()), found ? [selector] : []);
    });
  }

  it('is listed once, however many labels the pods have', () => {
    const twice = binding([account('default'), group('system:serviceaccounts')]);
    const all = [service({ app: 'web' }), budget({}), network({ matchLabels: { tier: 'front' } }), scaler({}), twice];
    assert.equal(indexSelectors(all)(web()).length, all.length);
  });

  it('leads nowhere by a port whose name no container declares', () => {
    const ports = [{ targetPort: 'http' }, { targetPort: 'grpc' }, { targetPort: 8080 }, { port: 1 }];
    assert.deepEqual(deadPortsOf(service({ app: 'web' }, ports), web()), ['grpc']);
  });

  it('has ports by name only if it is a Service', () => {
    const ports = [{ targetPort: 'grpc' }];
    assert.deepEqual(deadPortsOf(object('policy/v1', 'PodDisruptionBudget', { ports }), web()), []);
    assert.deepEqual(deadPortsOf(object('v1', 'ConfigMap', { ports }), web()), []);
  });
});

describe('what of a selector decides', () => {
  const part = (one: KubeObject): string => JSON.stringify(decidingPartOf(one));

  it('is whom it selects, and its ports by name', () => {
    const one = service({ app: 'web' }, [{ port: 80, targetPort: 'http' }]);
    assert.equal(part(service({ app: 'web' }, [{ port: 8080, targetPort: 'http' }])), part(one));
    assert.equal(part(service({ app: 'web' }, [{ targetPort: 9090 }, { targetPort: 'http' }])), part(one));
    assert.notEqual(part(service({ app: 'api' }, [{ targetPort: 'http' }])), part(one));
    assert.notEqual(part(service({ app: 'web' }, [{ targetPort: 'grpc' }])), part(one));
  });

  it('is its kind, its namespace and its name as well', () => {
    const one = object('policy/v1', 'PodDisruptionBudget', { selector: {} });
    for (const other of [
      object('policy/v1', 'PodDisruptionBudget', { selector: {} }, 'other'),
      object('policy/v1', 'PodDisruptionBudget', { selector: {} }, 'shop', 'y'),
      object('networking.k8s.io/v1', 'NetworkPolicy', { podSelector: {} }),
    ])
      assert.notEqual(part(other), part(one));
  });

  it('is nothing of what selects nobody', () => {
    const other = object('v1', 'ConfigMap', {});
    assert.deepEqual([isSelector(other), isSelector(budget({}))], [false, true]);
    assert.equal(part(other), JSON.stringify(['ConfigMap', 'shop', 'x', null]));
  });
});
