import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { annotations } from '../../src/api/annotations.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { Release, ReleaseHistory } from '../../src/api/release-history.ts';
import { readManifests } from '../../src/cli/manifests.ts';
import { systemClock } from '../../src/clock.ts';
import { createDiscovery, resources } from '../../src/kube/index.ts';
import { type Outcome, runCli } from '../support/cli.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { type SyncBench, startSyncBench } from '../support/sync.ts';

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
      snapshot: workload.metadata.annotations?.[annotations.snapshot] ?? '',
      commit: workload.metadata.annotations?.[annotations.commit] ?? '',
      workloadUID: workload.metadata.uid ?? '',
      images: [{ container: 'checkout', image: imageOf(workload) ?? '' }],
      firstSeen: now,
      ready: now,
      outcome: good ? 'Good' : 'Active',
      ...(good ? { good: now } : {}),
    };
    const releases = [release, ...(history?.status?.releases ?? [])];
    const lastGood = releases.find((r) => r.outcome === 'Good')?.number;
    const status = { current: number, lastGood, releases };
    await client.patch(
      resources.releaseHistories,
      name,
      { type: 'merge', body: { status } },
      { subresource: 'status' },
    );
  };

  it('sync the shop, roll it back, show the difference, lift the hold', async () => {
    const namespace = await plane().namespace('shop', { 'metricops.dev/inject': 'enabled' });
    const repository = bench.git.repository(namespace);
    const file = (name: string): string => readFileSync(join(SHOP, name), 'utf8').replace('replicas: 3', 'replicas: 0');
    const names = ['kustomization.yaml', 'checkout.yaml', 'web.yaml'];
    repository.commit(Object.fromEntries(names.map((name) => [name, file(name)])));
    await bench.sync(namespace, 'shop', { url: repository.url, targetNamespace: namespace });
    await bench.ready(namespace, 'shop');
    await record(namespace, 1, true);

    const bad = repository.commit({ 'checkout.yaml': file('checkout.yaml').replace('shop:v1', 'shop:v2') });
    const synced = await metricops('sync', 'shop', '--now', '-n', namespace);
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
    const again = await metricops('sync', 'shop', '--now', '-n', namespace);
    assert.match(again.out, new RegExp(`Applied +main@${other.slice(0, 8)}`));
    assert.match(again.out, /Held +Deployment .*\/checkout by checkout-/);
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
      /Held\n[\s\S]*deployment\/checkout +Held +release 1/,
    );

    assert.equal((await metricops('lift', 'checkout', '-n', namespace)).code, 0);
    await eventually(async () => imageOf(await checkout(namespace)) === 'metricops.dev/shop:v2', { what: 'v2 again' });
  });
});
