import { SYSTEM_NAMESPACE } from '../../src/api/annotations.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { type KubeClient, resources } from '../../src/kube/index.ts';
import type { Cluster } from '../cluster/index.ts';
import { waitFor } from '../cluster/wait.ts';

/** How this machine reaches what runs in the cluster. */
export interface Access {
  /** URL of a Service once it is there, without a slash at its end. */
  service(namespace: string, name: string, port: number): Promise<string>;
  /** The controller's HTTP port. */
  metricops(): Promise<string>;
  /** Where a pod's metrics are scraped: host:port and path. */
  scrape(pod: KubeObject, port: string, path: string): { target: string; path: string };
}

/** Our own cluster: this machine has routes to its pods and Services. */
export const routedAccess = (client: KubeClient): Access => {
  const service: Access['service'] = async (namespace, name, port) => {
    const address = async (): Promise<string | undefined> => {
      const found = await client.get(resources.services, { namespace, name });
      return (found?.spec as { clusterIP?: string } | undefined)?.clusterIP;
    };
    return `http://${await waitFor(`Service ${namespace}/${name}`, address, { timeoutMs: 120_000 })}:${port}`;
  };
  return {
    service,
    metricops: () => service(SYSTEM_NAMESPACE, 'metricops', 8080),
    scrape: (pod, port, path) => ({ target: `${(pod.status as { podIP?: string }).podIP}:${port}`, path }),
  };
};

const PROXY = { host: '127.0.0.1', port: 18_001 };
const FORWARD = { host: '127.0.0.1', port: 18_080 };

/** Somebody else's cluster: through its API server, by kubectl proxy; the controller, which wants its own token, by port-forward. */
export const proxiedAccess = async (cluster: Cluster): Promise<Access> => {
  const kubectl = [cluster.kubectl, '--kubeconfig', cluster.kubeconfig];
  cluster.spawn('kubectl-proxy', [...kubectl, 'proxy', `--address=${PROXY.host}`, `--port=${PROXY.port}`]);
  const api = `http://${PROXY.host}:${PROXY.port}`;
  const answers = (url: string) => async (): Promise<true | undefined> => ((await fetch(url)).ok ? true : undefined);
  await waitFor('kubectl proxy', answers(`${api}/readyz`), {
    timeoutMs: 20_000,
    explain: () => cluster.tail('kubectl-proxy'),
  });
  return {
    service: async (namespace, name, port) => `${api}/api/v1/namespaces/${namespace}/services/${name}:${port}/proxy`,
    async metricops() {
      const target = [`--address=${FORWARD.host}`, '-n', SYSTEM_NAMESPACE, 'service/metricops', `${FORWARD.port}:8080`];
      cluster.spawn('port-forward', [...kubectl, 'port-forward', ...target]);
      const url = `http://${FORWARD.host}:${FORWARD.port}`;
      await waitFor('kubectl port-forward', answers(`${url}/healthz`), {
        timeoutMs: 20_000,
        explain: () => cluster.tail('port-forward'),
      });
      return url;
    },
    scrape: ({ metadata }, port, path) => ({
      target: `${PROXY.host}:${PROXY.port}`,
      path: `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}:${port}/proxy${path}`,
    }),
  };
};
