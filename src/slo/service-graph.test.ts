import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { placesOf } from './promql.ts';
import { callsOf, callsQuery } from './service-graph.ts';

const calls = (source: 'Traces' | 'Istio' | 'Linkerd', ...labels: Record<string, string>[]): string[] =>
  callsOf(
    source,
    'shop',
    labels.map((one) => ({ labels: one, value: 1 })),
  ).map(({ caller, callee }) => `${caller} > ${callee.namespace}/${callee.name}`);

describe('who calls whom', () => {
  it('is one bounded query, of the callers of one namespace', () => {
    assert.equal(
      callsQuery('Traces', 'shop', ['web', 'a.b']),
      'topk(500, sum by (client, server, client_k8s_namespace_name, server_k8s_namespace_name) ' +
        '(rate(traces_service_graph_request_total{client=~"web|a\\\\.b"}[1h])) > 0)',
    );
    assert.match(
      callsQuery('Istio', 'shop', []),
      /istio_requests_total\{reporter="source", source_workload_namespace="shop"\}\[1h\]/,
    );
    assert.match(callsQuery('Linkerd', 'shop', []), /response_total\{direction="outbound", namespace="shop"\}\[1h\]/);
    for (const source of ['Traces', 'Istio', 'Linkerd'] as const)
      assert.equal(placesOf(callsQuery(source, 'a"b', ['web'])).length, 1, 'PromQL, whatever the names are');
    assert.ok(callsQuery('Traces', 'shop', Array(10_000).fill('web')).length < 4096);
  });

  it('is read from traces by the names of services, with a namespace where they have one', () =>
    assert.deepEqual(
      calls(
        'Traces',
        { client: 'web', server: 'db' },
        { client: 'web', server: 'login', server_k8s_namespace_name: 'auth' },
        { client: 'web', server: 'cart', client_k8s_namespace_name: 'other' },
        { client: 'web' },
      ),
      ['web > shop/db', 'web > auth/login'],
    ));

  it('is read from Istio by workloads', () =>
    assert.deepEqual(
      calls('Istio', {
        source_workload: 'web',
        source_workload_namespace: 'shop',
        destination_workload: 'login',
        destination_workload_namespace: 'auth',
      }),
      ['web > auth/login'],
    ));

  it('is read from Linkerd by workloads of any kind', () =>
    assert.deepEqual(
      calls('Linkerd', { namespace: 'shop', deployment: 'web', dst_namespace: 'shop', dst_statefulset: 'db' }),
      ['web > shop/db'],
    ));
});
