import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { SYSTEM_NAMESPACE } from '../../src/api/annotations.ts';
import { conditionOf } from '../../src/api/conditions.ts';
import { kinds } from '../../src/api/crd.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { GitSyncSet } from '../../src/api/gitsyncset.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import { createKubeClient, type KubeClient, loadConnection, resources } from '../../src/kube/index.ts';
import { type Cluster, startCluster } from '../../tools/cluster/index.ts';
import { type GitRepository, type GitServer, startGitServer } from '../../tools/lib/git-server.ts';
import { type Outcome, runCli } from '../support/cli.ts';
import {
  type ControllerProcess,
  kubeconfigOfController,
  startControllerProcess,
} from '../support/controller-process.ts';
import { NAMESPACE, OWN, readRecording, restore, shopAt } from '../support/installation.ts';
import { eventually } from '../support/poll.ts';
import { imageOf } from '../support/sync.ts';

const ROOT = join(import.meta.dirname, '../..');

/** An installation of each released version, with the objects of somebody who used it. One story, in order. */
for (const version of readdirSync(join(ROOT, 'test/fixtures')))
  describe(`an upgrade from ${version}`, function () {
    this.timeout(120_000);
    let cluster: Cluster;
    let client: KubeClient & { close(): Promise<void> };
    let git: GitServer;
    let repository: GitRepository;
    let controller: ControllerProcess;
    let wasStored: Map<string, KubeObject>;

    const kubectl = (...args: string[]): Promise<string> =>
      cluster.exec([cluster.kubectl, '--kubeconfig', cluster.kubeconfig, ...args]);
    const metricops = (...argv: string[]): Promise<Outcome> => runCli(cluster.kubeconfig, argv);
    const at = (name: string) => ({ namespace: NAMESPACE, name });
    /** Objects of our kinds as the API server gives them. */
    const stored = async (): Promise<Map<string, KubeObject>> => {
      const lists = await Promise.all(OWN.map((type) => client.list(type)));
      const objects = lists.flatMap(({ items }) => items);
      return new Map(objects.map((object) => [`${object.kind} ${object.metadata.name}`, object]));
    };
    const web = (): Promise<KubeObject | undefined> => client.get(resources.deployments, at('web'));
    const runs = (image: string): Promise<unknown> =>
      eventually(async () => imageOf(await web()) === image, { what: `${image} to run`, timeoutMs: 60_000 });
    const hold = async (): Promise<Hold> => {
      const { items } = await client.list<Hold>(resources.holds, { namespace: NAMESPACE });
      assert.equal(items.length, 1);
      const [found] = items;
      assert.ok(found);
      return found;
    };
    const incident = async (): Promise<Incident> => {
      const { items } = await client.list<Incident>(resources.incidents, { namespace: NAMESPACE });
      assert.equal(items.length, 1);
      const [found] = items;
      assert.ok(found);
      return found;
    };
    const sync = async (files: Record<string, string>): Promise<GitSync> => {
      const commit = repository.commit(files);
      const asked = await metricops('sync', 'shop', '-n', NAMESPACE, '--no-wait');
      assert.equal(asked.code, 0, asked.err);
      return eventually(
        async () => {
          const object = await client.get<GitSync>(resources.gitSyncs, at('shop'));
          const ready = conditionOf({ status: object?.status }, 'Ready');
          if (ready?.status === 'True' && object?.status?.lastAppliedRevision?.includes(commit)) return object;
          throw new Error(JSON.stringify(object?.status));
        },
        { what: `a sync of ${commit}`, timeoutMs: 60_000 },
      );
    };

    before(async function () {
      this.timeout(1_200_000);
      cluster = await startCluster({ name: `test-${randomUUID().slice(0, 8)}`, node: false });
      client = createKubeClient(await loadConnection({ kubeconfig: cluster.kubeconfig }));
      git = await startGitServer();
      repository = git.repository('shop');
      repository.commit(shopAt('web:v2'));
      const recording = readRecording(version, git.url);
      await eventually(() => kubectl('apply', '--server-side', '-f', recording.install), {
        what: 'the installation', // the kinds are served a moment after they are created
      });
      await client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
      await restore(client, recording.objects);
      wasStored = await stored();
    });
    after(async function () {
      this.timeout(60_000);
      await controller?.stop();
      await client?.close();
      await git?.close();
      await cluster?.down();
    });

    it('begins with objects of every kind that the version had', () => {
      const used = new Set([...wasStored.values()].map(({ kind }) => kind));
      assert.deepEqual([...used].toSorted(), OWN.map(({ kind }) => kind).toSorted());
      for (const { kind } of OWN) assert.ok(kinds.some((each) => each.kind === kind));
    });

    it('applies what is installed today over it, kinds first, without a conflict', async () => {
      await kubectl('apply', '--server-side', '-k', join(ROOT, 'deploy/first'));
      await eventually(() => kubectl('apply', '--server-side', '-k', ROOT), { what: 'what is installed today' });
      await kubectl('delete', 'mutatingwebhookconfiguration', 'metricops'); // no pod runs that would answer it
    });

    it('serves every object as it was stored: no field of spec or status is gone', async () => {
      const now = await stored();
      assert.deepEqual([...now.keys()], [...wasStored.keys()]);
      for (const [name, { spec, status }] of wasStored) {
        assertHolds(now.get(name)?.spec, spec, `${name} spec`);
        assertHolds(now.get(name)?.status, status, `${name} status`);
      }
    });

    it('takes every object as it was written: a manifest in Git needs no change', async () => {
      for (const { apiVersion, kind, metadata, spec } of wasStored.values()) {
        const type = OWN.find((each) => each.kind === kind);
        assert.ok(type);
        const { name, namespace } = metadata;
        const manifest = { apiVersion, kind, metadata: { name, ...(namespace ? { namespace } : {}) }, spec };
        await client.apply(type, manifest, { fieldManager: 'git', force: true, dryRun: true });
      }
    });

    it('syncs, with the rights that the installation gives the controller', async () => {
      controller = await startControllerProcess(await kubeconfigOfController(client, cluster.kubeconfig));
      await sync({ ...shopAt('web:v2', 'green') });
      const palette = await client.get(resources.configMaps, at('palette'));
      assert.deepEqual(palette?.data, { color: 'green' });
      const set = await eventually(async () => {
        const found = await client.get<GitSyncSet>(resources.gitSyncSets, at('tenants'));
        return conditionOf({ status: found?.status }, 'Ready')?.status === 'True' && found;
      });
      assert.equal(set.status?.generatedCount, 1);
    });

    it('goes on holding what is held: Git says the rejected release, and the one before it runs', async () => {
      await eventually(async () => (await hold()).status?.phase === 'Held', { what: 'the phase of the Hold' });
      assert.equal(imageOf(await web()), 'web:v1');
      const { items } = await client.list(resources.replicaSets, { namespace: NAMESPACE });
      const images = new Set(items.map(imageOf).filter((image) => image?.startsWith('web:')));
      assert.deepEqual([...images], ['web:v1'], 'not for a moment');
    });

    it('goes on with the history, and with the incident that was open', async () => {
      const history = await client.get<ReleaseHistory>(resources.releaseHistories, at('deployment-web'));
      assert.deepEqual(
        history?.spec.releases?.map(({ number, outcome }) => [number, outcome]),
        [
          [2, 'Rejected'],
          [1, 'Active'],
        ],
      );
      const open = await incident();
      assert.equal(open.status?.phase, 'Judging', JSON.stringify(open.status));
      const [evidence] = open.spec.evidence;
      assert.ok(evidence);
      const over = { status: 'resolved', startsAt: evidence.startsAt, endsAt: new Date().toISOString() };
      assert.equal(await controller.deliver({ ...over, labels: evidence.labels }), 200);
      const closed = await eventually(
        async () => {
          const found = await incident();
          return found.status?.closedTime === undefined ? undefined : found;
        },
        { what: 'the end of the incident whose alert is over', timeoutMs: 90_000 },
      );
      assert.equal(closed.status?.phase, 'Dismissed');
      assert.notEqual(closed.status?.reason, 'Restored', 'it is no backup');
    });

    it('lets the release through that repairs the rejected one', async () => {
      await sync({ ...shopAt('web:v3', 'green') });
      await runs('web:v3');
      await eventually(async () => (await hold()).status?.phase === 'Dormant', { what: 'the phase of the Hold' });
    });

    it('shows all of it by the command line of today', async () => {
      const { code, out, err } = await metricops('status', '-A');
      assert.equal(code, 0, err);
      for (const name of ['shop', 'tenants', 'web', 'default']) assert.match(out, new RegExp(`\\b${name}\\b`), out);
      const history = await metricops('history', 'deploy/web', '-n', NAMESPACE);
      assert.equal(history.code, 0, history.err);
      assert.match(history.out, /web:v3/);
      const check = await metricops('check', '-o', 'json');
      const { checks } = JSON.parse(check.out) as { checks: { name: string; result: string }[] };
      for (const name of ['kinds', 'controllerRights', 'requestedBy'])
        assert.equal(checks.find((finding) => finding.name === name)?.result, 'ok', name);
    });

    it('removes nothing that is in the namespace of the controller', async () => {
      const key = { namespace: SYSTEM_NAMESPACE, name: 'metricops-digest-key' };
      assert.ok(await client.get(resources.secrets, key));
    });
  });

/** Whether everything that was there is there: today's schema may have added defaults. */
const assertHolds = (now: unknown, was: unknown, path: string): void => {
  if (was === null || typeof was !== 'object') {
    assert.deepEqual(now, was, path);
    return;
  }
  assert.ok(now !== null && typeof now === 'object', `${path} is gone`);
  for (const [name, value] of Object.entries(was))
    assertHolds(Object.entries(now).find(([other]) => other === name)?.[1], value, `${path}.${name}`);
};
