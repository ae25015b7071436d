import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { API_VERSION } from '../../src/api/annotations.ts';
import type { GitSync, GitSyncInput, GitSyncSpec } from '../../src/api/gitsync.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import { type KubeClient, resources, type WatchCache } from '../../src/kube/index.ts';
import { waitFor } from '../../tools/cluster/wait.ts';
import type { GitRepository, GitServer } from '../../tools/lib/git-server.ts';
import { policyOf, unlimited } from '../policy.ts';
import { ACCOUNT } from '../sync/plane.ts';
import type { StandIn } from './prometheus.ts';

const REPOSITORIES = 20;
const SYNCS_EACH = 5;
const TEAMS = 10;
const SHOP = 'shop';
/** Each has one incident at a time: several, so that a rollback need not wait for the end of the one before. */
const WORKLOADS = ['cart', 'checkout', 'search', 'web'];
const GOOD = 'shop.example.com/web:good';
/** What took longer than this counts as this long, and as missed. */
export const MISSED_MS = 30_000;

const teamOf = (i: number): string => `team-${i % TEAMS}`;
export const ORDINARY_NAMESPACES = [...Array.from({ length: TEAMS }, (_, i) => teamOf(i)), SHOP];

export interface OrdinaryPorts {
  admin: KubeClient;
  git: GitServer;
  standIn: StandIn;
  configMaps: WatchCache;
  deployments: WatchCache;
  push(repositoryUrl: string): Promise<void>;
  alert(alert: object): Promise<void>;
}

/** What every other user of the cluster does meanwhile: pushes, and now and then a bad release. */
export interface Ordinary {
  /** Commits a second, one to each repository in turn, until the signal; milliseconds from the push to the applied object. */
  pushes(signal: AbortSignal): Promise<number[]>;
  /** So many bad releases; milliseconds from the alert to the template of the good one. */
  rollbacks(count: number): Promise<number[]>;
  /** Objects that are not there any more, or are others than they were at the start. */
  lost(): Promise<string[]>;
}

export const startOrdinary = async (ports: OrdinaryPorts): Promise<Ordinary> => {
  const { admin, git } = ports;
  const repositories = Array.from({ length: REPOSITORIES }, (_, r) => git.repository(`ordinary-${r}`));
  for (const [r, repository] of repositories.entries()) {
    const folders = Array.from({ length: SYNCS_EACH }, (_, f) => [fileOf(f), manifest(r, f, 'first')]);
    repository.commit(Object.fromEntries(folders) as Record<string, string>);
    for (let f = 0; f < SYNCS_EACH; f += 1) {
      const metadata = { namespace: teamOf(r * SYNCS_EACH + f), name: nameOf(r, f) };
      await createSync(admin, metadata, {
        source: { git: { url: repository.url } },
        path: `app-${f}`,
        serviceAccountName: ACCOUNT,
      });
    }
  }
  const shop = git.repository(SHOP);
  shop.commit(Object.fromEntries(WORKLOADS.map((name) => [`${name}.yaml`, JSON.stringify(deployment(name, GOOD))])));
  await createSync(
    admin,
    { namespace: SHOP, name: SHOP },
    { source: { git: { url: shop.url } }, serviceAccountName: ACCOUNT },
  );
  await admin.create(resources.platformPolicies, unlimited);
  for (const name of WORKLOADS)
    await admin.create(resources.rollbackPolicies, policyOf({ namespace: SHOP, name, podLabel: '' }));

  const uids = new Map<string, string>();
  for (let i = 0; i < REPOSITORIES * SYNCS_EACH; i += 1) {
    const [r, f] = [Math.floor(i / SYNCS_EACH), i % SYNCS_EACH];
    const key = { namespace: teamOf(i), name: nameOf(r, f) };
    uids.set(`${key.namespace}/${key.name}`, await uidOf(ports.configMaps, key));
  }
  for (const name of WORKLOADS) await recorded(admin, name, GOOD);
  return {
    pushes: (signal) => pushing(repositories, ports, signal),
    rollbacks: (count) => rollingBack(shop, ports, count),
    async lost() {
      const live = new Map(
        ports.configMaps.list().map(({ metadata }) => [`${metadata.namespace}/${metadata.name}`, metadata.uid]),
      );
      return [...uids].filter(([key, uid]) => live.get(key) !== uid).map(([key]) => key);
    },
  };
};

const fileOf = (folder: number): string => `app-${folder}/all.yaml`;
const nameOf = (repository: number, folder: number): string => `ordinary-${repository}-${folder}`;

const manifest = (repository: number, folder: number, seed: string): string => {
  const metadata = { name: nameOf(repository, folder) };
  const objects = [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { seed } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
  ];
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
};

const createSync = (admin: KubeClient, metadata: KubeObject['metadata'], spec: GitSyncInput) =>
  admin.create<GitSync>(resources.gitSyncs, {
    apiVersion: API_VERSION,
    kind: 'GitSync',
    metadata,
    spec: { interval: '10m', ...spec } as GitSyncSpec,
  });

const uidOf = (configMaps: WatchCache, key: { namespace: string; name: string }): Promise<string> =>
  waitFor(`ConfigMap ${key.namespace}/${key.name}`, async () => configMaps.get(key)?.metadata.uid, {
    timeoutMs: 180_000,
    everyMs: 100,
  });

const pushing = async (
  repositories: readonly GitRepository[],
  { configMaps, push }: OrdinaryPorts,
  signal: AbortSignal,
): Promise<number[]> => {
  const times: Promise<number>[] = [];
  const start = performance.now();
  for (let n = 0; !signal.aborted; n += 1) {
    const r = n % repositories.length;
    const f = Math.floor(n / repositories.length) % SYNCS_EACH;
    const seed = randomUUID();
    repositories[r]?.commit({ [fileOf(f)]: manifest(r, f, seed) });
    times.push(
      within(
        configMaps,
        (o) => (o.data as { seed?: string } | undefined)?.seed === seed,
        () => push(repositories[r]?.url ?? ''),
      ),
    );
    await sleep(Math.max(0, (n + 1) * 1000 - (performance.now() - start)));
  }
  return Promise.all(times);
};

/** Milliseconds from the call until the watch shows it, MISSED_MS at most; a call that is refused is no news either. */
const within = async (
  cache: WatchCache,
  check: (object: KubeObject) => boolean,
  cause: () => Promise<void>,
): Promise<number> => {
  const start = performance.now();
  const seen = Promise.withResolvers<number>();
  const timer = setTimeout(() => seen.resolve(MISSED_MS), MISSED_MS);
  const off = cache.onChange((object) => {
    if (object && check(object)) seen.resolve(performance.now() - start);
  });
  await cause().catch(() => {}); // a hook that is turned away is not repeated by a forge
  const ms = await seen.promise;
  clearTimeout(timer);
  off();
  return ms;
};

const rollingBack = async (shop: GitRepository, ports: OrdinaryPorts, count: number): Promise<number[]> => {
  const times: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const name = WORKLOADS[n % WORKLOADS.length] ?? '';
    await incidentsClosed(ports.admin, name);
    times.push(await rollBack(shop, name, ports));
  }
  return times;
};

const rollBack = async (shop: GitRepository, name: string, ports: OrdinaryPorts): Promise<number> => {
  const { admin, standIn, deployments } = ports;
  const id = randomUUID().slice(0, 8);
  const bad = `shop.example.com/web:bad-${id}`;
  shop.commit({ [`${name}.yaml`]: JSON.stringify(deployment(name, bad)) });
  await ports.push(shop.url).catch(() => {});
  const ready = await recorded(admin, name, bad).then(
    () => true,
    () => false,
  );
  if (!ready) return MISSED_MS;
  standIn.setBurning(name, true);
  const is = (o: KubeObject): boolean =>
    o.metadata.name === name && o.metadata.namespace === SHOP && imageOf(o) === GOOD;
  const startsAt = new Date().toISOString();
  const labels = { alertname: 'ErrorBudgetBurn', severity: 'page', namespace: SHOP, metricops_policy: name };
  const ms = await within(deployments, is, () =>
    ports.alert({ status: 'firing', labels, startsAt, fingerprint: `${name}-${id}` }),
  );
  standIn.setBurning(name, false);
  return ms;
};

const imageOf = (object: KubeObject): string | undefined =>
  (object.spec as { template: { spec: { containers: { image: string }[] } } }).template.spec.containers[0]?.image;

/** The release is current, ready and recorded. */
const recorded = (admin: KubeClient, name: string, image: string): Promise<true> =>
  waitFor(
    `${name} with ${image}`,
    async () => {
      const key = { namespace: SHOP, name: `deployment-${name}` };
      const records = (await admin.get<ReleaseHistory>(resources.releaseHistories, key))?.spec;
      const current = records?.releases?.find((r) => r.number === records.currentRelease);
      return current?.readyTime !== undefined && current.images.some((i) => i.image === image) ? true : undefined;
    },
    { timeoutMs: 120_000, everyMs: 100 },
  );

const incidentsClosed = (admin: KubeClient, name: string): Promise<true> =>
  waitFor(
    `the incidents of ${name} to end`,
    async () => {
      const { items } = await admin.list<Incident>(resources.incidents, { namespace: SHOP });
      const mine = items.filter((i) => i.spec.workloadRef.name === name);
      return mine.every((i) => i.status?.closedTime !== undefined) ? true : undefined;
    },
    { timeoutMs: 120_000, everyMs: 200 },
  );

const deployment = (name: string, image: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, annotations: { 'metricops.dev/inject': 'true' } },
  spec: {
    replicas: 1,
    strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image }] } },
  },
});
