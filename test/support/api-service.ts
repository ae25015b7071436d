import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { issueCa, issueLeaf } from '../../webhook/issue.ts';
import type { ControlPlane } from './cluster.ts';

const API_SERVICES: ResourceType = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  namespaced: false,
};

export interface ApiService {
  /** Whether Kubernetes takes it for available. By itself it looks every 30 seconds; each question makes it look now. */
  isAvailable(): Promise<boolean>;
  /** Takes connections, or refuses them, at the same port as before. */
  open(): Promise<void>;
  close(): Promise<void>;
  remove(): Promise<void>;
}

/** A version of an API group that this process serves, behind the real API server's aggregation layer. */
export const startApiService = async (
  { client }: ControlPlane,
  { namespace, group, version }: { namespace: string; group: string; version: string },
  serve: RequestListener,
): Promise<ApiService> => {
  const { key, certificate: cert } = await issueLeaf(await issueCa(Date.now()), ['localhost'], Date.now());
  const server = createServer({ key, cert }, serve);
  const listen = (at: number) => new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const name = `${version}.${group}`;
  // An external name needs neither a node nor endpoints, which can't be on loopback.
  const service = { namespace, name: group.replaceAll('.', '-') };
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
      group,
      version,
      groupPriorityMinimum: 1000,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
      service: { ...service, port },
    },
  });
  let looks = 0;
  return {
    async isAvailable() {
      looks += 1;
      const body = { metadata: { annotations: { look: `${looks}` } } };
      await client.patch(API_SERVICES, { name }, { type: 'merge', body });
      const { conditions = [] } = ((await client.get(API_SERVICES, { name }))?.status ?? {}) as {
        conditions?: { type: string; status: string }[];
      };
      return conditions.some((c) => c.type === 'Available' && c.status === 'True');
    },
    open: () => (server.listening ? Promise.resolve() : listen(port)),
    close,
    async remove() {
      await client.delete(API_SERVICES, { name });
      await client.delete(resources.services, service);
      await close();
    },
  };
};
