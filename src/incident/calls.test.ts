import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { platformPolicySpec, type ServiceGraphSource } from '../api/platform-policy.ts';
import { type WorkloadKind, workloadString } from '../api/workload.ts';
import type { WatchCache } from '../kube/index.ts';
import { PrometheusError, type Queries } from '../slo/index.ts';
import { type Log, silentLog } from '../telemetry/index.ts';
import { createCalls } from './calls.ts';

const cacheOf = (kind: WorkloadKind, names: readonly string[]): WatchCache => {
  const objects = names.map((text): KubeObject => {
    const [name = '', namespace = 'shop'] = text.split('/').toReversed();
    return { apiVersion: 'apps/v1', kind, metadata: { namespace, name } };
  });
  return {
    get: ({ namespace, name }) => objects.find(({ metadata: m }) => m.namespace === namespace && m.name === name),
    list: (namespace) => objects.filter(({ metadata }) => metadata.namespace === namespace),
    onChange: () => () => {},
    ready: async () => {},
    stop: async () => {},
  };
};

/** Traces of web, which calls db, and login of another namespace. */
const bench = (source: ServiceGraphSource = 'Traces') => {
  const asked: string[] = [];
  const state = { now: 0, source, answer: ['db'] as string[] | PrometheusError };
  const query: Queries['query'] = async (expression) => {
    asked.push(expression);
    if (state.answer instanceof PrometheusError) throw state.answer;
    return state.answer.map((text) => {
      const [name = '', namespace = ''] = text.split('/').toReversed();
      return { labels: { client: 'web', server: name, server_k8s_namespace_name: namespace }, value: 1 };
    });
  };
  const never = () => Promise.reject(new Error('nobody asks'));
  const queries: Queries = { query, queryRange: never, alertingRules: never };
  const warned: string[] = [];
  const calls = createCalls({
    queries: () => queries,
    workloads: {
      Deployment: cacheOf('Deployment', ['web', 'auth/login']),
      StatefulSet: cacheOf('StatefulSet', ['db']),
      DaemonSet: cacheOf('DaemonSet', []),
    },
    platform: { current: () => platformPolicySpec.parse({ rollback: { serviceGraph: state.source } }) },
    clock: { now: () => state.now },
    log: { ...silentLog(), warn: (_: unknown, message?: string) => void warned.push(message ?? '') } as Log,
  });
  const ofWeb = (): string[] => calls.of({ kind: 'Deployment', namespace: 'shop', name: 'web' }).map(workloadString);
  return { calls, asked, state, warned, ofWeb };
};

describe('what metrics say that a workload calls', () => {
  it('is not asked for unless the platform says by which metrics', async () => {
    const { calls, asked, ofWeb } = bench('None');
    assert.deepEqual([await calls.refresh('shop'), asked, ofWeb()], [false, [], []]);
  });

  it('is one query for a namespace, and another one after five minutes', async () => {
    const { calls, asked, state, ofWeb } = bench();
    assert.deepEqual([await calls.refresh('shop'), await calls.refresh('shop')], [true, false]);
    assert.deepEqual(ofWeb(), ['statefulset/shop/db']);
    assert.match(asked.join(), /client=~"web\|db"/);
    state.now = 300_000;
    assert.deepEqual([await calls.refresh('shop'), asked.length], [true, 2]);
  });

  it('is one query also where several incidents need it at once', async () => {
    const { calls, asked } = bench();
    assert.deepEqual(await Promise.all([calls.refresh('shop'), calls.refresh('shop')]), [true, true]);
    assert.equal(asked.length, 1);
  });

  it('is a workload of any kind and namespace, and not itself or what is none', async () => {
    const { calls, state, ofWeb } = bench();
    state.answer = ['db', 'auth/login', 'web', 'elsewhere'];
    await calls.refresh('shop');
    assert.deepEqual(ofWeb(), ['statefulset/shop/db', 'deployment/auth/login']);
  });

  it('stays as it was where Prometheus has no answer, and that is logged', async () => {
    const { calls, state, ofWeb, warned } = bench();
    await calls.refresh('shop');
    Object.assign(state, { now: 300_000, answer: new PrometheusError('PrometheusUnreachable', 'away') });
    assert.equal(await calls.refresh('shop'), true);
    assert.deepEqual([ofWeb(), warned], [['statefulset/shop/db'], ['service graph not read']]);
    assert.equal(await calls.refresh('shop'), false, 'it is not asked again at once');
  });

  it('counts no more once the platform says otherwise', async () => {
    const { calls, state, ofWeb } = bench();
    await calls.refresh('shop');
    state.source = 'None';
    assert.deepEqual(ofWeb(), []);
    state.source = 'Istio';
    assert.deepEqual([await calls.refresh('shop'), ofWeb()], [true, []]);
  });
});
