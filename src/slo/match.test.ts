import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import type { ServiceLevelObjective } from '../api/slo.ts';
import { createMatcher, type MatchInput } from './match.ts';

const slo = (namespace: string, name: string, matchLabels?: Record<string, string>): ServiceLevelObjective =>
  ({
    metadata: { namespace, name },
    spec: { targetRef: { kind: 'Deployment', name }, ...(matchLabels ? { alerts: { matchLabels } } : {}) },
  }) as ServiceLevelObjective;
const workload = (namespace: string, name: string, annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name, annotations },
});
const match = (labels: Record<string, string>, input: Partial<MatchInput>): string[] =>
  createMatcher({ objectives: [], workloads: [], namespaceOf: () => undefined, withoutNamespace: false, ...input })(
    labels,
  ).map((m) => `${m.workload.namespace}/${m.workload.name}${m.objective ? ' by objective' : ''}`);

describe('the workloads of an alert', () => {
  const claimed = { 'metricops.dev/alerts': 'team=shop' };
  const input = {
    objectives: [slo('shop', 'checkout', { team: 'shop' }), slo('thief', 'nothing', { team: 'shop' })],
    workloads: [workload('shop', 'cart', claimed), workload('thief', 'web', claimed), workload('shop', 'other')],
  };

  it('are those of the namespace that it names, by objective and by annotation', () => {
    assert.deepEqual(match({ namespace: 'shop', team: 'shop' }, input), ['shop/checkout by objective', 'shop/cart']);
    assert.deepEqual(match({ namespace: 'thief', team: 'shop' }, input), ['thief/nothing by objective', 'thief/web']);
    assert.deepEqual(match({ namespace: 'nowhere', team: 'shop' }, input), []);
  });

  it('are none when it names no namespace: nobody claims what may be of anybody', () => {
    assert.deepEqual(match({ team: 'shop' }, input), []);
  });

  it('are all that claim it where the platform says that its alerts name no namespace', () => {
    const all = ['shop/checkout by objective', 'thief/nothing by objective', 'shop/cart', 'thief/web'];
    assert.deepEqual(match({ team: 'shop' }, { ...input, withoutNamespace: true }), all);
    assert.deepEqual(match({ metricops_slo: 'checkout' }, { ...input, withoutNamespace: true }), []);
  });

  it('are named once, by their objective', () => {
    const both = {
      objectives: [slo('shop', 'cart')],
      workloads: [workload('shop', 'cart', { ...claimed, 'metricops.dev/rollback': 'auto' })],
    };
    const labels = { namespace: 'shop', metricops_slo: 'cart', deployment: 'cart', team: 'shop' };
    assert.deepEqual(match(labels, both), ['shop/cart by objective']);
  });

  it('are those that opted in, where it names them only', () => {
    const named = { namespace: 'shop', deployment: 'web' };
    assert.deepEqual(match(named, { workloads: [workload('shop', 'web')] }), []);
    const opted = [workload('shop', 'web', { 'metricops.dev/rollback': 'auto' })];
    assert.deepEqual(match(named, { workloads: opted }), ['shop/web']);
  });

  it('are none of another cluster, and none of a namespace that is going away', () => {
    const labels = { namespace: 'shop', team: 'shop' };
    assert.deepEqual(match(labels, { ...input, cluster: { label: 'cluster', value: 'eu' } }), []);
    const ending = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', deletionTimestamp: 'now' } };
    assert.deepEqual(match(labels, { ...input, namespaceOf: () => ending }), []);
  });
});
