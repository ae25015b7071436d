import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LoadResult, runLoad } from '../../examples/shop/app/load.ts';
import { API_VERSION } from '../../src/api/annotations.ts';
import { type GitSync, gitSyncSpec } from '../../src/api/gitsync.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import { guardrails, type RollbackPolicy } from '../../src/api/rollback-policy.ts';
import { type KubeClient, resources } from '../../src/kube/index.ts';
import { waitFor } from '../cluster/wait.ts';
import type { GitRepository } from '../lib/git-server.ts';
import type { Environment } from './environment.ts';

const MANIFESTS = join(import.meta.dirname, '../../examples/shop/manifests');

/** The sample application in one namespace, synced from a repository of its own. */
export interface Shop {
  namespace: string;
  repository: GitRepository;
  /** Commits, and tells metricops. Gives the commit. */
  push(files: Record<string, string | null>, message: string): Promise<string>;
  /** Commits another image for the checkout service. */
  release(tag: string, message: string): Promise<string>;
  sync(): Promise<GitSync | undefined>;
  history(): Promise<ReleaseHistory | undefined>;
  incidents(): Promise<Incident[]>;
  holds(): Promise<Hold[]>;
  /** Images that the running pods of checkout have now. */
  images(): Promise<string[]>;
  /** Waits for something to be true of the shop. */
  until<T>(what: string, check: () => Promise<T | undefined>, timeoutMs?: number): Promise<T>;
  /** Requests a second to checkout, until stopped; at most ten minutes. */
  load(rate: number): Promise<() => Promise<LoadResult>>;
}

export const manifestsOfShop = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(MANIFESTS).map((file) => [`shop/${file}`, readFileSync(join(MANIFESTS, file), 'utf8')]),
  );

/** @param serviceAccountName as which its GitSync applies; the controller's own by default */
export const deployShop = async (env: Environment, namespace: string, serviceAccountName?: string): Promise<Shop> => {
  const { client } = env;
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await client.apply(resources.namespaces, object, { fieldManager: 'demo' });
  const repository = env.git.repository(namespace);
  const files = manifestsOfShop();
  repository.commit(files, 'the shop');
  const spec = gitSyncSpec.parse({ source: { git: { url: repository.url } }, path: 'shop', serviceAccountName });
  await client.create<GitSync>(resources.gitSyncs, {
    apiVersion: API_VERSION,
    kind: 'GitSync',
    metadata: { namespace, name: 'shop' },
    spec,
  });

  const list = async <T extends KubeObject>(type: (typeof resources)['holds']): Promise<T[]> =>
    (await client.list<T>(type, { namespace })).items;
  const until = <T>(what: string, check: () => Promise<T | undefined>, timeoutMs = 120_000): Promise<T> =>
    waitFor(what, check, {
      timeoutMs,
      everyMs: 100,
      explain: () => `see: kubectl --kubeconfig ${env.cluster.kubeconfig} -n ${namespace} get metricops`,
    });
  const shop: Shop = {
    namespace,
    repository,
    until,
    async push(changes, message) {
      const commit = repository.commit(changes, message);
      await env.pushed({ namespace, name: 'shop' });
      return commit;
    },
    release(tag, message) {
      const now = readFileSync(join(repository.dir, 'shop/checkout.yaml'), 'utf8');
      return shop.push(
        { 'shop/checkout.yaml': now.replace(/metricops\.dev\/shop:\S+/, `metricops.dev/shop:${tag}`) },
        message,
      );
    },
    sync: () => client.get<GitSync>(resources.gitSyncs, { namespace, name: 'shop' }),
    history: () => client.get<ReleaseHistory>(resources.releaseHistories, { namespace, name: 'deployment-checkout' }),
    incidents: () => list<Incident>(resources.incidents),
    holds: () => list<Hold>(resources.holds),
    images: () => readyImages(client, namespace, 'checkout'),
    async load(rate) {
      const url = await env.access.service(namespace, 'checkout', 8080);
      const abort = new AbortController();
      const running = runLoad({ urls: [`${url}/`], rate, durationMs: 600_000, signal: abort.signal });
      return () => {
        abort.abort();
        return running;
      };
    },
  };
  return shop;
};

/** Images of the pods that serve an application now, one for each pod. */
export const readyImages = async (client: KubeClient, namespace: string, app: string): Promise<string[]> => {
  const labelSelector = `app.kubernetes.io/name=${app}`;
  const { items } = await client.list(resources.pods, { namespace, labelSelector });
  const running = items.filter((p) => p.metadata.deletionTimestamp === undefined && isReady(p));
  return running.flatMap((p) => (p.spec as { containers: { image: string }[] }).containers[0]?.image ?? []).toSorted();
};

const isReady = (pod: KubeObject): boolean =>
  ((pod.status as { conditions?: { type: string; status: string }[] }).conditions ?? []).some(
    (c) => c.type === 'Ready' && c.status === 'True',
  );

/** 99 % of the requests to a service, with a period of an hour, so that its burn windows are seconds. */
export const requestsObjective = (
  { namespace, name }: { namespace: string; name: string },
  { podLabel, factor }: { podLabel: string; factor: string },
): RollbackPolicy['spec']['objectives'][number] => {
  const metric = `http_requests_total{namespace="${namespace}",service="${name}"`;
  return {
    name: 'availability',
    target: '99',
    window: '1h',
    indicator: {
      ratio: {
        errors: `sum(rate(${metric},code=~"5.."}[$window]))`,
        total: `sum(rate(${metric}}[$window]))`,
        podLabel,
      },
    },
    burnWindows: [{ long: '20s', short: '5s', factor, severity: 'page' }],
  };
};

/** All guardrails as they are shipped. */
export const shopPolicy = (namespace: string): RollbackPolicy => {
  const at = { namespace, name: 'checkout' };
  return {
    apiVersion: API_VERSION,
    kind: 'RollbackPolicy',
    metadata: at,
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: at.name },
      objectives: [requestsObjective(at, { podLabel: 'pod', factor: '10' })],
      ...guardrails.parse({ mode: 'Auto' }),
    },
  };
};
