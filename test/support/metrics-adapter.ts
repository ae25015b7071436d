import { startApiService } from './api-service.ts';
import type { ControlPlane } from './cluster.ts';
import { eventually } from './poll.ts';

export interface MetricsAdapter {
  /** What the metric of this namespace is from now on, whatever it is called. */
  set(namespace: string, value: number): void;
  remove(): Promise<void>;
}

const GROUP = 'external.metrics.k8s.io';
const VERSION = `${GROUP}/v1beta1`;

/** external.metrics.k8s.io behind the real aggregation layer, as KEDA or the Prometheus adapter serve it. */
export const startMetricsAdapter = async (plane: ControlPlane, namespace: string): Promise<MetricsAdapter> => {
  const values = new Map<string, number>();
  const where = { namespace, group: GROUP, version: 'v1beta1' };
  const service = await startApiService(plane, where, (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'https://localhost');
    const answer = answerTo(pathname, values);
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}));
  });
  await eventually(() => plane.client.raw('GET', `/apis/${VERSION}`), { what: 'the metrics API' });
  return { set: (of, value) => void values.set(of, value), remove: service.remove };
};

const answerTo = (pathname: string, values: ReadonlyMap<string, number>): object | undefined => {
  if (pathname === `/apis/${VERSION}`) {
    const resource = { name: '*', singularName: '', namespaced: true, kind: 'ExternalMetricValueList', verbs: ['get'] };
    return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: VERSION, resources: [resource] };
  }
  const [, namespace = '', metricName] = pathname.match(`^/apis/${VERSION}/namespaces/([^/]+)/([^/]+)$`) ?? [];
  const value = values.get(namespace);
  if (metricName === undefined || value === undefined) return undefined;
  const items = [{ metricName, metricLabels: {}, timestamp: new Date().toISOString(), value: `${value}` }];
  return { kind: 'ExternalMetricValueList', apiVersion: VERSION, metadata: {}, items };
};
