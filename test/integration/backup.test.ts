import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { API_VERSION, annotations, labels, SYSTEM_NAMESPACE } from '../../src/api/annotations.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Evidence, Incident } from '../../src/api/incident.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import { createCaches } from '../../src/caches.ts';
import { systemClock } from '../../src/clock.ts';
import { startIncidents } from '../../src/incident/index.ts';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { createRecorder } from '../../src/release/index.ts';
import {
  createSnapshotStore,
  DIGEST_KEY_NAME,
  DigestKeyLost,
  loadDigestKey,
  SnapshotDamaged,
} from '../../src/snapshot/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/poll.ts';
import { configMap, DIGEST_KEY, deployment, holdBack, imageOf, useSync, yaml } from '../support/sync.ts';

const secret = (name: string, password: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  stringData: { password },
});
/** Deployment `web` with a ConfigMap, and with a Secret, whose content only the key can compare. */
const shop = (image: string): string => {
  const web = deployment('web', image);
  const { spec } = (web.spec as { template: { spec: { volumes?: object[] } } }).template;
  spec.volumes = [{ name: 'login', secret: { secretName: 'login' } }];
  return yaml(configMap('settings', { image }), secret('login', image), web);
};
const KINDS: readonly ResourceType[] = [
  resources.gitSyncs,
  resources.releaseHistories,
  resources.holds,
  resources.incidents,
  resources.deployments,
  resources.configMaps,
  resources.secrets,
  resources.controllerRevisions,
];
/** What any backup tool keeps at least: names, labels, annotations, and all but the status. */
const bare = ({ status: _, metadata, ...object }: KubeObject): KubeObject => ({
  ...object,
  metadata: {
    name: metadata.name,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
    ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
  },
});
const rolloutOf = (replicaSet: KubeObject): number =>
  Number(replicaSet.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

describe('a backup without status, uids, owners and managed fields', function () {
  this.timeout(180_000);
  const { plane, bench, start } = useSync();
  let leader: { stop(): Promise<void> };
  let shopSync: Awaited<ReturnType<typeof start>>;
  /** As it was when the backup was made. */
  let good: KubeObject | undefined;
  let bad: KubeObject | undefined;
  let backup: KubeObject[] = [];

  /** Histories and incidents, as the leader keeps them; what it says to the reconciler goes by the API server. */
  const lead = async (): Promise<void> => {
    const { client } = plane();
    const watched = createCaches(client, { clock: systemClock, random: Math.random });
    await watched.ready();
    const snapshots = createSnapshotStore(client, DIGEST_KEY, systemClock);
    const ports = { client, caches: watched.caches, clock: systemClock, random: Math.random, log: silentLog() };
    const metrics = createMetrics();
    const abort = new AbortController();
    const recorded = createRecorder({ ...ports, snapshots, metrics, systemNamespace: 'metricops-system' }).start(
      abort.signal,
    );
    const incidents = await startIncidents({
      ...ports,
      metrics,
      occurred: () => {},
      queries: undefined,
      onHold: () => {},
      refusalOf: async () => undefined,
      obstacleTo: async () => undefined,
    });
    leader = {
      async stop() {
        abort.abort();
        await recorded;
        await incidents.stop();
        await watched.stop();
      },
    };
  };
  const list = async <T extends KubeObject>(type: ResourceType): Promise<T[]> =>
    (await plane().client.list<T>(type, { namespace: shopSync.ns })).items;
  const history = () =>
    plane().client.get<ReleaseHistory>(resources.releaseHistories, { namespace: shopSync.ns, name: 'deployment-web' });
  const recordedAs = (number: number) =>
    eventually(
      async () => {
        const found = await history();
        if (found?.spec.currentRelease === number) return found;
        throw new Error(JSON.stringify(found?.spec));
      },
      { what: `release ${number} is current`, timeoutMs: 20_000 },
    );
  /** Of before the backup: evidence of an hour ago. */
  const incident = (name: string, suspect: string): Incident => {
    const evidence: Evidence = {
      source: 'Alertmanager',
      fingerprint: name,
      alert: 'Burn',
      status: 'firing',
      labels: {},
      receivedTime: ago(60),
      lastReceivedTime: ago(59),
    };
    return {
      apiVersion: API_VERSION,
      kind: 'Incident',
      metadata: { namespace: shopSync.ns, name },
      spec: {
        workloadRef: { kind: 'Deployment', name: 'web' },
        suspect: { number: 1, sourceDigest: suspect },
        evidence: [evidence],
      },
    };
  };
  const digestOf = (workload: KubeObject | undefined): string =>
    workload?.metadata.annotations?.[annotations.sourceDigest] ?? '';

  /** The namespace with all that is in it goes; what would wait for a controller is let go of. */
  const loseEverything = async (): Promise<void> => {
    const { client } = plane();
    for (const type of [resources.gitSyncs, resources.holds])
      for (const { metadata } of await list(type))
        await client.patch(type, metadata, { type: 'merge', body: { metadata: { finalizers: null } } });
    const name = { name: shopSync.ns };
    await client.delete(resources.namespaces, name);
    await client.delete(resources.secrets, { namespace: SYSTEM_NAMESPACE, name: DIGEST_KEY_NAME });
    await eventually(async () => (await client.get(resources.namespaces, name)) === undefined, {
      what: 'the end of the namespace',
      timeoutMs: 60_000,
    });
  };
  const restore = async (objects: readonly KubeObject[]): Promise<void> => {
    const items = [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: shopSync.ns } }, ...objects];
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    await eventually(async () => plane().kubectl(['create', '--field-manager=velero-server', '-f', '-'], text), {
      what: 'the restore',
    });
  };

  before(async function () {
    this.timeout(180_000);
    const { client } = plane();
    await client
      .create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM_NAMESPACE } })
      .catch(() => {}); // another test's
    const key = { namespace: SYSTEM_NAMESPACE, name: DIGEST_KEY_NAME };
    await client.delete(resources.secrets, key);
    await client.create(resources.secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: key,
      immutable: true,
      data: { key: DIGEST_KEY.toString('base64') },
    });
    shopSync = await start({ 'a.yaml': shop('shop:v1') });
    await shopSync.ready();
    await lead();
    good = await shopSync.get(resources.deployments, 'web');
    await recordedAs(1);
    await shopSync.ready('True', new RegExp(shopSync.push({ 'a.yaml': shop('shop:v2') })));
    bad = await shopSync.get(resources.deployments, 'web');
    await recordedAs(2);
    await holdBack(plane(), shopSync.ns, { good, bad });
    const restored = await recordedAs(1);
    assert.deepEqual(
      restored.spec.releases?.map((r) => [r.number, r.outcome]),
      [
        [2, 'Rejected'],
        [1, 'Active'],
      ],
    );
    await leader.stop();
    await client.create(resources.incidents, incident('web-open', digestOf(good)));
    const closed = await client.create(resources.incidents, incident('web-closed', digestOf(bad)));
    const status = { phase: 'Recovered', reason: 'Recovered', closedTime: ago(58), rolledBackTime: ago(59) };
    await client.replace(resources.incidents, { ...closed, status }, { subresource: 'status' });
    await bench().restart(async () => {
      const kept = (await Promise.all(KINDS.map((type) => list(type)))).flat();
      const sealKey = await client.get(resources.secrets, key);
      backup = [
        ...kept.filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt'),
        ...(sealKey ? [sealKey] : []),
      ].map(bare);
      await loseEverything();
      await restore(backup);
    });
    await lead();
  });
  after(async () => {
    await leader?.stop();
  });

  it('keeps the rejected release out', async () => {
    await shopSync.ready();
    const hold = await eventually(async () => {
      const found = await plane().client.get<Hold>(resources.holds, { namespace: shopSync.ns, name: 'web' });
      return found?.status?.phase === 'Held' ? found : undefined;
    });
    assert.deepEqual(hold.spec.rejectedDigests, [digestOf(bad)]);
    assert.equal(imageOf(await shopSync.get(resources.deployments, 'web')), 'shop:v1');
    const images = (await list(resources.replicaSets)).map(imageOf);
    assert.deepEqual([...new Set(images)], ['shop:v1'], 'not for a moment');
  });

  it('has every release, with its number and its rejection', async () => {
    const releases = (await history())?.spec.releases ?? [];
    const recorded = releases.filter((r) => [digestOf(good), digestOf(bad)].includes(r.sourceDigest));
    assert.deepEqual(
      recorded.map((r) => [r.number, r.sourceDigest, r.outcome === 'Rejected', r.rejectedCount]),
      [
        [2, digestOf(bad), true, 1],
        [1, digestOf(good), false, undefined],
      ],
    );
  });

  it('goes on with the release that was current, and records no other', async () => {
    await eventually(
      async () => {
        const newest = (await list(resources.replicaSets)).sort((a, b) => rolloutOf(b) - rolloutOf(a))[0];
        const { releases = [] } = (await history())?.spec ?? {};
        const hash = newest?.metadata.labels?.['pod-template-hash'];
        return hash !== undefined && releases.find((r) => r.number === 1)?.revision === hash;
      },
      { what: 'the pods of the restored workload in release 1', timeoutMs: 20_000 },
    );
    const { releases = [], currentRelease } = (await history())?.spec ?? {};
    assert.deepEqual([currentRelease, releases.map((r) => r.number)], [1, [2, 1]]);
  });

  it('acts on no incident of before', async () => {
    for (const name of ['web-open', 'web-closed']) {
      const { status } = await eventually(async () => {
        const found = await plane().client.get<Incident>(resources.incidents, { namespace: shopSync.ns, name });
        return found?.status?.closedTime === undefined ? undefined : found;
      });
      assert.deepEqual([status?.phase, status?.reason], ['Dismissed', 'Restored']);
    }
    assert.deepEqual(
      (await list(resources.holds)).map(({ metadata }) => metadata.name),
      ['web'],
    );
  });

  it('gives the snapshots and their copies to the history again', async () => {
    await eventually(async () => {
      const uid = (await history())?.metadata.uid;
      const objects = (
        await Promise.all([resources.controllerRevisions, resources.secrets, resources.configMaps].map((t) => list(t)))
      ).flat();
      const recorded = objects.filter(({ metadata }) => metadata.labels?.[labels.history] === 'deployment-web');
      assert.ok(recorded.length >= 4, 'two snapshots, and a copy of each Secret');
      for (const { kind, metadata } of recorded)
        assert.equal(metadata.ownerReferences?.[0]?.uid, uid, `${kind} ${metadata.name}`);
      return true;
    });
  });

  it('rolls back to a release that was recorded before', async () => {
    await shopSync.ready('True', new RegExp(shopSync.push({ 'a.yaml': shop('shop:v3') })));
    const third = await shopSync.get(resources.deployments, 'web');
    assert.equal(imageOf(third), 'shop:v3');
    const { client } = plane();
    const { releases = [] } = (await recordedAs(3)).spec;
    assert.equal(releases[0]?.sourceDigest, digestOf(third), 'the next release after the restore');
    const target = releases.find((r) => r.number === 1);
    await client.create<Hold>(resources.holds, {
      apiVersion: API_VERSION,
      kind: 'Hold',
      metadata: { namespace: shopSync.ns, name: 'web-third' },
      spec: {
        workloadRef: { kind: 'Deployment', name: 'web' },
        action: 'Rollback',
        origin: 'Manual',
        rejectedDigests: [digestOf(third)],
        target: {
          release: 1,
          sourceDigest: target?.sourceDigest ?? '',
          snapshotRef: { name: target?.snapshotRef?.name ?? '' },
        },
      },
    });
    await eventually(async () => imageOf(await shopSync.get(resources.deployments, 'web')) === 'shop:v1', {
      what: 'the first release',
      timeoutMs: 20_000,
    });
    const password = (await shopSync.get(resources.secrets, 'login'))?.data as Record<string, string>;
    assert.equal(Buffer.from(password.password ?? '', 'base64').toString(), 'shop:v1');
  });

  describe('and without the key', () => {
    const key = { namespace: SYSTEM_NAMESPACE, name: DIGEST_KEY_NAME };
    before(() => plane().client.delete(resources.secrets, key));

    it('starts no controller, and says how to go on', async () => {
      await assert.rejects(loadDigestKey(plane().client), (error: Error) => {
        assert.ok(error instanceof DigestKeyLost);
        assert.match(error.message, /releases of \d+ workloads? were recorded with its key: restore the Secret/);
        return true;
      });
      assert.equal(await plane().client.get(resources.secrets, key), undefined, 'no other key is made');
    });

    it('applies no snapshot of the lost key, and check says what is lost', async () => {
      const other = Buffer.from('fedcba9876543210fedcba9876543210');
      const data = { key: other.toString('base64') };
      await plane().client.create(resources.secrets, { apiVersion: 'v1', kind: 'Secret', metadata: key, data });
      assert.deepEqual(Buffer.from(await loadDigestKey(plane().client)), other, 'a person chose another key');
      const snapshots = createSnapshotStore(plane().client, other, systemClock);
      const name = (await history())?.spec.releases?.find((r) => r.number === 1)?.snapshotRef?.name ?? '';
      const web = { kind: 'Deployment', namespace: shopSync.ns, name: 'web' } as const;
      await assert.rejects(snapshots.read(web, name), SnapshotDamaged);
      const { out } = await runCli(plane().kubeconfig, ['check']);
      assert.match(out, /WARN +\d+ of \d+ snapshots can't be rolled back to: .*another key/);
      assert.match(out, /restore Secret metricops-digest-key from a backup/);
    });
  });
});
