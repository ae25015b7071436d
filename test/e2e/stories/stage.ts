import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { runLoad } from '../../../examples/shop/app/load.ts';
import { API_VERSION, annotations } from '../../../src/api/annotations.ts';
import { type GitSync, gitSyncSpec } from '../../../src/api/gitsync.ts';
import type { Hold } from '../../../src/api/hold.ts';
import type { Incident } from '../../../src/api/incident.ts';
import type { KubeObject } from '../../../src/api/meta.ts';
import { type Release, type ReleaseHistory, releasesOf } from '../../../src/api/release-history.ts';
import { type ResourceType, resources, workloadResource } from '../../../src/kube/index.ts';
import { historyName } from '../../../src/snapshot/index.ts';
import type { Environment } from '../../../tools/demo/environment.ts';
import { readyImages } from '../../../tools/demo/shop.ts';
import type { Random } from '../../simulation/random.ts';
import { runCli } from '../../support/cli.ts';
import { eventually } from '../../support/poll.ts';
import { type Database, startDatabase } from './database.ts';
import { policyOf } from './policy.ts';
import { manifestOf, pathOf, type Service } from './service.ts';
import type { Story } from './story.ts';

/** A busy machine takes several times as long as an idle one. */
const TIMEOUT_MS = 300_000;
/** Nothing that a story does takes longer. */
const LOAD_MS = 900_000;

/** What there is of a service, as a user sees it. */
export interface Seen {
  workload: KubeObject | undefined;
  history: ReleaseHistory | undefined;
  incidents: readonly Incident[];
  holds: readonly Hold[];
  sync: GitSync | undefined;
  /** Of the pods that are ready, one for each. */
  images: readonly string[];
}

/** A namespace with the services of a story, their repository, their traffic, and a database that they may call. */
export interface Stage {
  namespace: string;
  /** What makes this run differ from another one. */
  random: Random;
  database: Database;
  /** Requests a second to each service. */
  rate: number;
  /** Commits how services are from now on. Gives the commit. */
  release(changes: Record<string, Service>, message: string): Promise<string>;
  /** Has the GitSync look at its repository again, as a push does. */
  sync(): Promise<void>;
  /** Waits until the release of a commit is recorded. */
  recorded(service: string, commit: string): Promise<Release>;
  /** Waits until all of its pods are ready, too. */
  rolledOut(service: string, commit: string): Promise<Release>;
  /** More requests to a service, until the returned function is called. */
  load(service: string, rate: number): Promise<() => Promise<unknown>>;
  /** So many seconds of the story pass. No wait for an outcome: that is `until`. */
  pass(seconds: number): Promise<void>;
  seen(service: string): Promise<Seen>;
  /** Waits for something that is neither undefined nor false, and gives it. */
  until<T>(what: string, check: () => Promise<T>): Promise<Exclude<T, undefined | false | null>>;
  /** Waits for an incident of a service to be as wanted. */
  incident(service: string, what: string, isWanted: (incident: Incident) => boolean): Promise<Incident>;
  /** Waits until no alert fires any more, and all incidents are closed. */
  settled(): Promise<unknown>;
  configMap(name: string): Promise<KubeObject | undefined>;
  /** Runs the command line, which has to succeed. */
  metricops(...args: string[]): Promise<string>;
}

export interface OwnedStage extends Stage {
  /** Waits until all services run, are recorded, and have had traffic for some time. */
  open(): Promise<void>;
  /** What a user would see now. */
  words(): Promise<string>;
  /** Ends what this process does for it. */
  close(): Promise<void>;
}

export const createStage = async (
  env: Environment,
  { name: namespace, services: first, policy, rate: [least, most] = [6, 10], calmSeconds = 20 }: Story,
  random: Random,
): Promise<OwnedStage> => {
  const { client } = env;
  const consent: Record<string, string> = policy ? {} : { [annotations.rollback]: 'Auto' };
  const services = new Map(
    Object.entries(first).map(([name, service]): [string, Service] => [
      name,
      { ...service, annotations: { ...consent, ...service.annotations } },
    ]),
  );
  const names = [...services.keys()];
  const database = await startDatabase(env.cluster.hostAddress);
  const repository = env.git.repository(namespace);
  const stopped = new AbortController();
  const running: Promise<unknown>[] = [];
  const rate = random.whole(least, most);

  const serviceOf = (name: string): Service => services.get(name) ?? {};
  const kindOf = (name: string): 'Deployment' | 'StatefulSet' => serviceOf(name).kind ?? 'Deployment';
  const list = async <T extends KubeObject>(type: ResourceType): Promise<T[]> =>
    (await client.list<T>(type, { namespace })).items;
  const incidentsOf = async (name: string): Promise<Incident[]> =>
    (await list<Incident>(resources.incidents)).filter(({ spec }) => spec.workloadRef.name === name);
  const historyOf = (name: string): Promise<ReleaseHistory | undefined> =>
    client.get(resources.releaseHistories, { namespace, name: historyName({ kind: kindOf(name), name }) });
  const commit = (changed: readonly string[], message: string): string => {
    const files = changed.map((name) => [`shop/${name}.yaml`, manifestOf(name, serviceOf(name), database.url)]);
    return repository.commit(Object.fromEntries(files), message);
  };
  const until: Stage['until'] = (what, check) => eventually(check, { what, timeoutMs: TIMEOUT_MS, everyMs: 1_000 });
  const release = (name: string, what: string, isWanted: (release: Release) => boolean): Promise<Release> =>
    until(`${what} of ${name}`, async () => releasesOf(await historyOf(name)).find(isWanted));

  const sync: Stage['sync'] = () => env.pushed({ namespace, name: 'shop' });

  const load: Stage['load'] = async (name, requests) => {
    const url = await env.access.service(namespace, name, 8080);
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, stopped.signal]);
    const urls = [`${url}${pathOf(serviceOf(name))}`];
    const loading = runLoad({ urls, rate: requests, durationMs: LOAD_MS, signal });
    running.push(loading);
    return () => {
      ended.abort();
      return loading;
    };
  };

  const seen: Stage['seen'] = async (name) => {
    const [workload, history, incidents, holds, gitSync, images] = await Promise.all([
      client.get(workloadResource(kindOf(name)), { namespace, name }),
      historyOf(name),
      incidentsOf(name),
      list<Hold>(resources.holds),
      client.get<GitSync>(resources.gitSyncs, { namespace, name: 'shop' }),
      readyImages(client, namespace, name),
    ]);
    const own = holds.filter(({ spec }) => spec.workloadRef.name === name);
    return { workload, history, incidents, holds: own, sync: gitSync, images };
  };

  return {
    namespace,
    random,
    database,
    rate,
    until,
    load,
    seen,
    async release(changes, message) {
      for (const [name, change] of Object.entries(changes)) services.set(name, { ...serviceOf(name), ...change });
      const made = commit(Object.keys(changes), message);
      await sync();
      return made;
    },
    sync,
    recorded: (name, wanted) => release(name, `the release of commit ${wanted}`, (r) => r.commit === wanted),
    rolledOut: (name, wanted) =>
      release(name, `all pods of commit ${wanted}`, (r) => r.commit === wanted && r.readyTime !== undefined),
    pass: (seconds) => sleep(seconds * 1000),
    incident: (name, what, isWanted) =>
      until(`an incident of ${name}: ${what}`, async () => (await incidentsOf(name)).find(isWanted)),
    settled: () =>
      until('the alerts to end, and the incidents to be closed', async () => {
        const firing = await env.monitoring.query(`count(ALERTS{namespace="${namespace}",alertstate="firing"})`);
        return firing === 0 && (await list<Incident>(resources.incidents)).every(({ status }) => status?.closedTime);
      }),
    configMap: (name) => client.get(resources.configMaps, { namespace, name }),
    async metricops(...args) {
      const { code, out, err } = await runCli(env.cluster.kubeconfig, [...args, '-n', namespace]);
      assert.equal(code, 0, `metricops ${args.join(' ')}: ${err}`);
      return out;
    },
    async open() {
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
      await client.create(resources.namespaces, object);
      commit(names, 'the first release');
      for (const name of policy ? names : [])
        await client.create(resources.rollbackPolicies, policyOf({ namespace, name }, kindOf(name), policy ?? {}));
      await client.create<GitSync>(resources.gitSyncs, {
        apiVersion: API_VERSION,
        kind: 'GitSync',
        metadata: { namespace, name: 'shop' },
        spec: gitSyncSpec.parse({ source: { git: { url: repository.url } }, path: 'shop' }),
      });
      for (const name of names)
        await release(name, 'the first release', (r) => r.readyTime !== undefined && r.snapshotRef !== undefined);
      if (!policy) return;
      await Promise.all(names.map((name) => load(name, rate)));
      for (const name of names) {
        const query = `sum(increase(http_requests_total{namespace="${namespace}",service="${name}"}[5m]))`;
        await until(`traffic of ${name}`, async () => (await env.monitoring.query(query)) > calmSeconds * rate);
      }
    },
    async words() {
      const all = await Promise.all(names.map(async (name) => [name, summaryOf(await seen(name))]));
      return JSON.stringify(Object.fromEntries(all), undefined, 2);
    },
    async close() {
      stopped.abort();
      await Promise.all(running);
      await database.close();
    },
  };
};

const summaryOf = ({ history, incidents, holds, sync, images }: Seen): object => ({
  releases: releasesOf(history).map(({ number, outcome, commit, firstSeenTime, readyTime }) =>
    [number, outcome, commit?.slice(0, 8), firstSeenTime, readyTime].join(' '),
  ),
  current: history?.spec.currentRelease,
  incidents: incidents.map(({ spec, status }) => ({ suspect: spec.suspect?.number, ...status })),
  holds: holds.map(({ spec, status }) => ({ target: spec.target?.release, phase: status?.phase })),
  sync: sync?.status?.conditions?.map(({ type, status, message }) => `${type}=${status}: ${message}`),
  images,
});
