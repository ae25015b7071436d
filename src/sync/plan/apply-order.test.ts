import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../api/meta.ts';
import { batchesOf, isBuiltIn, stageOf, waveOf } from './apply-order.ts';

const of = (apiVersion: string, kind: string, annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name: kind.toLowerCase(), annotations },
});

const kindsInOrder = (...objects: KubeObject[]): string[] =>
  batchesOf(objects.map((object) => ({ object }))).map((batch) => batch.map(({ object }) => object.kind).join('+'));

describe('order of application', () => {
  it('has what others need first: definitions, namespaces, roles, configuration, then workloads', () => {
    const order = kindsInOrder(
      of('networking.k8s.io/v1', 'Ingress'),
      of('apps/v1', 'Deployment'),
      of('v1', 'Service'),
      of('v1', 'ConfigMap'),
      of('rbac.authorization.k8s.io/v1', 'RoleBinding'),
      of('v1', 'ServiceAccount'),
      of('rbac.authorization.k8s.io/v1', 'ClusterRole'),
      of('v1', 'Namespace'),
      of('apiextensions.k8s.io/v1', 'CustomResourceDefinition'),
    );
    assert.deepEqual(order, [
      'CustomResourceDefinition',
      'Namespace',
      'ClusterRole',
      'ServiceAccount',
      'RoleBinding',
      'ConfigMap',
      'Service',
      'Deployment',
      'Ingress',
    ]);
  });

  it('has custom resources after the built-in kinds, and among these the webhooks last', () => {
    const order = kindsInOrder(
      of('cert-manager.io/v1', 'Certificate'),
      of('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration'),
      of('apps/v1', 'Deployment'),
    );
    assert.deepEqual(order, ['Deployment', 'MutatingWebhookConfiguration', 'Certificate']);
  });

  it('puts objects of one kind into one batch, to be applied side by side', () => {
    assert.deepEqual(kindsInOrder(of('v1', 'ConfigMap'), of('v1', 'Secret'), of('v1', 'ConfigMap')), [
      'Secret',
      'ConfigMap+ConfigMap',
    ]);
  });

  it('takes a built-in kind that it does not know for built in', () => {
    assert.equal(stageOf(of('resource.k8s.io/v1', 'DeviceClass')), 1);
    assert.equal(stageOf(of('k8s.io.example.com/v1', 'Widget')), 2);
  });

  it('takes a custom kind that is called like a built-in one for custom', () => {
    assert.equal(stageOf(of('cluster.example.com/v1', 'Namespace')), 2);
    assert.deepEqual(kindsInOrder(of('mesh.example.com/v1', 'Service'), of('apps/v1', 'Deployment')), [
      'Deployment',
      'Service',
    ]);
  });
});

describe('a built-in kind', () => {
  for (const [apiVersion, expected] of [
    ['v1', true],
    ['apps/v1', true],
    ['batch/v1', true],
    ['networking.k8s.io/v1', true],
    ['myapps/v1', false],
    ['appsx/v1', false],
    ['apps.example.com/v1', false],
    ['x.k8s.io.example.com/v1', false],
    ['k8sxio/v1', false],
  ] as const)
    it(`is ${expected ? '' : 'not '}of ${apiVersion}`, () => assert.equal(isBuiltIn(apiVersion), expected));

  it('comes after all others where nobody knows it', () => {
    const order = kindsInOrder(
      of('resource.k8s.io/v1', 'DeviceClass'),
      of('v1', 'ResourceQuota'),
      of('v1', 'Namespace'),
    );
    assert.deepEqual(order, ['Namespace', 'ResourceQuota', 'DeviceClass']);
  });
});

describe('the wave of an object', () => {
  const wave = (annotations: Record<string, string>): number => waveOf(of('v1', 'ConfigMap', annotations));

  it('is 0 when nobody says one', () => {
    assert.equal(wave({}), 0);
    assert.equal(waveOf({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bare' } }), 0);
  });

  it('may have many digits, and spaces around it', () => {
    assert.equal(wave({ 'metricops.dev/wave': '-120' }), -120);
    assert.equal(wave({ 'metricops.dev/wave': ' 7 ' }), 7);
  });

  it('is what either annotation says, ours before the one of Argo CD', () => {
    assert.equal(wave({ 'metricops.dev/wave': '2' }), 2);
    assert.equal(wave({ 'argocd.argoproj.io/sync-wave': '-5' }), -5);
    assert.equal(wave({ 'metricops.dev/wave': '+1', 'argocd.argoproj.io/sync-wave': '7' }), 1);
  });

  it('is 0 when it is not a whole number', () => {
    for (const text of ['', 'first', '1.5', '1e3', '99999999999'])
      assert.equal(wave({ 'metricops.dev/wave': text }), 0, text);
  });
});
