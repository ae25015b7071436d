import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { issueCa, issueLeaf } from '../../webhook/issue.ts';
import type { ControlPlane } from './cluster.ts';
import { eventually } from './poll.ts';

export interface MetricsAdapter {
  /** What the metric of this namespace is from now on, whatever it is called. */
  set(namespace: string, value: number): void;
  remove(): Promise<void>;
}

const API_SERVICES: ResourceType = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  namespaced: false,
};
const GROUP = 'external.metrics.k8s.io';
const VERSION = `${GROUP}/v1beta1`;

/** external.metrics.k8s.io behind the real aggregation layer, as KEDA or the Prometheus adapter serve it. */
export const startMetricsAdapter = async ({ client }: ControlPlane, namespace: string): Promise<MetricsAdapter> => {
  const values = new Map<string, number>();
  const { key, certificate: cert } = await issueLeaf(await issueCa(Date.now()), ['localhost'], Date.now());
  const server = createServer({ key, cert }, (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'https://localhost');
    const answer = answerTo(pathname, values);
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const name = `v1beta1.${GROUP}`;
  // An external name needs neither a node nor endpoints, which can't be on loopback.
  const service = { namespace, name: 'metrics-adapter' };
  await client.create(resources.services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: service,
    spec: { type: 'ExternalName', externalName: 'localhost' },
  });
  await client.create(API_SERVICES, {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name },
    spec: {
      group: GROUP,
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
      service: { ...service, port: (server.address() as AddressInfo).port },
    },
  });
  await eventually(() => client.raw('GET', `/apis/${VERSION}`), { what: 'the metrics API' });
  return {
    set: (of, value) => void values.set(of, value),
    async remove() {
      await client.delete(API_SERVICES, { name });
      await client.delete(resources.services, service);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
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
