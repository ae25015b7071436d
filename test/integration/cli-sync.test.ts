import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { API_VERSION, annotations } from '../../src/api/annotations.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { type Release, type ReleaseHistory, releasesOf } from '../../src/api/release-history.ts';
import { readManifests } from '../../src/cli/manifests.ts';
import { systemClock } from '../../src/clock.ts';
import { createDiscovery, resources } from '../../src/kube/index.ts';
import { type Outcome, runCli } from '../support/cli.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, type SyncBench, startSyncBench, yaml } from '../support/sync.ts';

const ROOT = join(import.meta.dirname, '../..');
const SHOP = join(ROOT, 'examples/shop/manifests');

/** The reconciler runs with the rights that deploy/ gives it; a person uses the command line. */
describe('the command line, the reconciler and its rights together', function () {
  this.timeout(120_000);
  const plane = useControlPlane();
  let bench: SyncBench;

  before(async function () {
    this.timeout(600_000);
    const { client, discovery } = plane();
    for (const object of readManifests(ROOT).filter((o) => ['ClusterRole', 'ClusterRoleBinding'].includes(o.kind))) {
      const type = await discovery.find(object.apiVersion, object.kind);
      assert.ok(type);
      await client.apply(type, object, { fieldManager: 'test', force: true });
    }
    const controller = client.impersonate({ userName: 'system:serviceaccount:metricops-system:metricops' });
    await eventually(() => controller.list(resources.deployments, {}), { what: 'the rights of the controller' });
    bench = await startSyncBench({
      ...plane(),
      client: controller,
      discovery: createDiscovery(controller, systemClock),
    });
  });
  after(() => bench?.stop());

  const metricops = (...argv: string[]): Promise<Outcome> => runCli(plane().kubeconfig, argv);

  const checkout = async (namespace: string): Promise<KubeObject> => {
    const found = await plane().client.get(resources.deployments, { namespace, name: 'checkout' });
    assert.ok(found);
    return found;
  };
  const imageOf = (workload: KubeObject): string | undefined =>
    (workload.spec as { template: { spec: { containers: { image: string }[] } } }).template.spec.containers[0]?.image;

  /** What the recorder would have seen of the release that runs now. */
  const record = async (namespace: string, number: number, good: boolean): Promise<void> => {
    const { client } = plane();
    const workload = await checkout(namespace);
    const name = { namespace, name: 'deployment-checkout' };
    const history = await client.get<ReleaseHistory>(resources.releaseHistories, name);
    const now = new Date().toISOString();
    const release: Release = {
      number,
      sourceDigest: workload.metadata.annotations?.[annotations.sourceDigest] ?? '',
      snapshotRef: { name: workload.metadata.annotations?.[annotations.snapshot] ?? '' },
      commit: workload.metadata.annotations?.[annotations.commit] ?? '',
      workloadUID: workload.metadata.uid ?? '',
      images: [{ container: 'checkout', image: imageOf(workload) ?? '' }],
      firstSeenTime: now,
      readyTime: now,
      outcome: good ? 'Good' : 'Active',
      ...(good ? { goodTime: now } : {}),
    };
    const releases = [release, ...releasesOf(history)];
    const lastGood = releases.find((r) => r.outcome === 'Good')?.number;
    const spec = { currentRelease: number, lastGoodRelease: lastGood, releases };
    await client.patch(resources.releaseHistories, name, { type: 'merge', body: { spec } });
  };

  it('sync the shop, roll it back, show the difference, lift the hold', async () => {
    const namespace = await plane().namespace('shop', { 'metricops.dev/inject': 'enabled' });
    const repository = bench.git.repository(namespace);
    const file = (name: string): string => readFileSync(join(SHOP, name), 'utf8').replace('replicas: 3', 'replicas: 0');
    const names = ['kustomization.yaml', 'checkout.yaml', 'web.yaml'];
    repository.commit(Object.fromEntries(names.map((name) => [name, file(name)])));
    await bench.sync(namespace, 'shop', { source: { git: { url: repository.url } }, targetNamespace: namespace });
    await bench.ready(namespace, 'shop');
    await record(namespace, 1, true);

    const bad = repository.commit({ 'checkout.yaml': file('checkout.yaml').replace('shop:v1', 'shop:v2') });
    const synced = await metricops('sync', 'shop', '-n', namespace);
    assert.equal(synced.code, 0, synced.err);
    assert.match(synced.out, new RegExp(`Applied +main@${bad.slice(0, 8)}, 6 objects`));
    assert.equal(imageOf(await checkout(namespace)), 'metricops.dev/shop:v2');
    await record(namespace, 2, false);

    const back = await metricops('rollback', 'checkout', '-n', namespace);
    assert.equal(back.code, 0, back.err);
    assert.equal(imageOf(await checkout(namespace)), 'metricops.dev/shop:v1');

    // Something else in the same repository goes on, the bad part stays out.
    const web = file('web.yaml').replace('"latencyMs": 0', '"latencyMs": 5');
    const other = repository.commit({ 'web.yaml': web });
    const again = await metricops('sync', 'shop', '-n', namespace);
    assert.match(again.out, new RegExp(`Applied +main@${other.slice(0, 8)}`));
    assert.match(again.out, /Held +Deployment .*\/checkout by checkout-/);
    assert.equal(again.code, 3, 'what was pushed does not run');
    assert.match(again.err, /1 workload of it is held: an earlier release runs, not what Git has\.\n→ metricops holds/);
    const config = await plane().client.get(resources.configMaps, { namespace, name: 'web-config' });
    assert.match(JSON.stringify(config?.data), /latencyMs\\": 5/);
    assert.equal(imageOf(await checkout(namespace)), 'metricops.dev/shop:v1');

    const shown = await metricops('diff', 'shop', '-n', namespace);
    assert.match(
      shown.out,
      /held back \(- runs, \+ Git\)\n[\s\S]*- +image: metricops.dev\/shop:v1\n +\+ +image: metricops.dev\/shop:v2/,
    );
    assert.match(
      (await metricops('status', '-n', namespace)).out,
      /Held\n[\s\S]*deployment\/checkout +Rollback +Held +release 1/,
    );

    assert.equal((await metricops('lift', 'checkout', '-n', namespace)).code, 0);
    await eventually(async () => imageOf(await checkout(namespace)) === 'metricops.dev/shop:v2', { what: 'v2 again' });
  });

  it('show each field that was changed by hand, with exit code 1, as a table and for scripts', async () => {
    const namespace = await plane().namespace('shop');
    const repository = bench.git.repository(namespace);
    const labels = { tier: 'front' };
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', labels },
      spec: { ports: [{ port: 80 }] },
    };
    repository.commit({ 'a.yaml': yaml(configMap('limits', { rps: '100' }), service) });
    await bench.sync(namespace, 'shop', { source: { git: { url: repository.url } }, drift: 'Report' });
    await bench.ready(namespace, 'shop');
    const equal = await metricops('diff', 'shop', '-n', namespace);
    assert.deepEqual([equal.code, /no difference in 2 objects/.test(equal.out)], [0, true], equal.out + equal.err);

    plane().kubectl(['-n', namespace, 'patch', 'configmap', 'limits', '-p', '{"data":{"rps":"1"}}']);
    plane().kubectl(['-n', namespace, 'delete', 'service', 'web']);
    const name = { namespace, name: 'shop' };
    await eventually(
      async () => (await plane().client.get<GitSync>(resources.gitSyncs, name))?.status?.drift?.length === 2,
      { what: 'both differences' },
    );
    const people = await metricops('diff', 'shop', '-n', namespace);
    assert.equal(people.code, 1, people.err);
    assert.match(people.out, /2 differences in 2 objects\n\nKIND +NAME +FIELD +GIT +CLUSTER +BY\n/);
    assert.match(people.out, new RegExp(`ConfigMap +${namespace}/limits +/data/rps +"100" +"1" +kubectl-patch`));
    assert.match(people.out, new RegExp(`Service +${namespace}/web +- +- +deleted +-`));
    const scripts = await metricops('diff', 'shop', '-n', namespace, '-o', 'json');
    assert.equal(scripts.code, 1);
    const { drift } = JSON.parse(scripts.out) as { drift: { kind: string }[] };
    assert.deepEqual(
      drift.find(({ kind }) => kind === 'ConfigMap'),
      {
        group: '',
        kind: 'ConfigMap',
        namespace,
        name: 'limits',
        field: '/data/rps',
        git: '"100"',
        cluster: '"1"',
        by: ['kubectl-patch'],
      },
    );
  });

  it('tell by exit code 2 that a difference could not be found out', async () => {
    assert.equal((await metricops('diff', 'nothing-of-the-kind')).code, 2);
    assert.equal((await metricops('diff')).code, 2);
    assert.equal((await metricops('get', 'nothing-of-the-kind')).code, 1);
    const help = await metricops('diff', '--help');
    assert.deepEqual(
      [
        help.code,
        /0 {2}There is no difference.\n {2}1 {2}There is a difference.\n {2}2 {2}It could not/.test(help.out),
      ],
      [0, true],
    );
  });

  it('show a GitSync of more than 1,000 objects, whose inventory is in no status', async () => {
    const namespace = await plane().namespace('shop');
    const repository = bench.git.repository(namespace);
    const many = Array.from({ length: 1_000 }, (_, i) => configMap(`tenant-${i}`));
    repository.commit({ 'a.yaml': yaml(...many, deployment('web', 'shop:v1', 'tenant-0', { replicas: 0 })) });
    await bench.sync(namespace, 'shop', { source: { git: { url: repository.url } } });
    const ready = await bench.ready(namespace, 'shop');
    assert.equal(ready.status?.inventory, undefined);
    assert.match((await metricops('get', 'shop', '-n', namespace)).out, /Applied +main@.*, 1001 objects/);
    assert.match((await metricops('status', '-n', namespace)).out, /shop +True +main@/);
    assert.match((await metricops('diff', 'shop', '-n', namespace)).out, /no difference in 1001 objects/);
    assert.equal((await metricops('suspend', 'shop', '-n', namespace)).code, 0);
    await eventually(
      async () =>
        (await plane().client.get<GitSync>(resources.gitSyncs, { namespace, name: 'shop' }))?.status?.conditions?.some(
          ({ type, status }) => type === 'Suspended' && status === 'True',
        ),
      { what: 'the suspension' },
    );
    plane().kubectl(['-n', namespace, 'set', 'image', 'deployment/web', 'c=shop:by-hand']);
    const shown = await metricops('diff', 'shop', '-n', namespace);
    assert.equal(shown.code, 1, shown.err);
    assert.match(shown.out, /Deployment .*\/web: changed in the cluster[\s\S]*- .*image: shop:v1\n.*\+ .*shop:by-hand/);
  });

  it('list GitSyncSets with the number of their GitSyncs', async () => {
    const namespace = await plane().namespace('teams');
    assert.doesNotMatch((await metricops('status', '-n', namespace)).out, /GitSyncSets/);
    const name = { namespace, name: 'tenants' };
    await plane().client.create(resources.gitSyncSets, {
      apiVersion: API_VERSION,
      kind: 'GitSyncSet',
      metadata: name,
      spec: {
        generators: [{ list: [{ name: 'blue' }, { name: 'green' }] }],
        template: { metadata: { name: '{{name}}' } },
      },
    });
    const time = new Date().toISOString();
    const words = { reason: 'ReconciliationSucceeded', message: '2 GitSyncs', lastTransitionTime: time };
    const status = { generatedCount: 2, conditions: [{ type: 'Ready', status: 'True', ...words }] };
    await plane().client.patch(
      resources.gitSyncSets,
      name,
      { type: 'merge', body: { status } },
      { subresource: 'status' },
    );
    const { out } = await metricops('status', '-n', namespace);
    assert.match(out, /GitSyncSets\n +NAMESPACE +GITSYNCSET +READY +SYNCS.*\n.*tenants +True +2 +- +2 GitSyncs/);
    const scripts = JSON.parse((await metricops('status', '-n', namespace, '-o', 'json')).out) as object;
    assert.match(JSON.stringify(scripts), /"gitSyncSets":\[\{.*"tenants"/);
  });
});
