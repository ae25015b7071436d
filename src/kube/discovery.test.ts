import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createDiscovery } from './discovery.ts';
import { KubeError } from './errors.ts';
import type { KubeClient } from './types.ts';

/** Discovery over answers that a test may change, with the requests it made. */
const setUp = (answers: Record<string, unknown>) => {
  const asked: string[] = [];
  const time = { now: 1_000_000 };
  const client = {
    async raw(_method: string, path: string) {
      asked.push(path);
      const answer = answers[path];
      if (answer === undefined)
        throw new KubeError(`${path}: no answer`, { status: 503, reason: 'ServiceUnavailable' });
      return answer;
    },
  } as unknown as KubeClient;
  return { discovery: createDiscovery(client, { now: () => time.now, sleep: async () => {} }), answers, asked, time };
};
const group = (name: string, ...versions: string[]) => ({
  name,
  preferredVersion: { version: versions[0] },
  versions: versions.map((version) => ({ version })),
});
const resource = (kind: string, name: string, namespaced = true) => ({ kind, name, namespaced });
const served = () => ({
  '/apis': { groups: [group('apps', 'v1'), group('metrics.k8s.io', 'v1beta1'), group('shop.dev', 'v2', 'v1')] },
  '/api/v1': { resources: [resource('Pod', 'pods'), resource('Pod', 'pods/log'), resource('Node', 'nodes', false)] },
  '/apis/apps/v1': { resources: [resource('Scale', 'deployments/scale'), resource('Deployment', 'deployments')] },
  '/apis/shop.dev/v2': { resources: [resource('Basket', 'baskets')] },
  '/apis/shop.dev/v1': { resources: [resource('Basket', 'baskets'), resource('Till', 'tills')] },
});

describe('discovery', () => {
  it('tells plural and scope, never a subresource, and asks once', async () => {
    const { discovery, asked } = setUp(served());
    for (let i = 0; i < 3; i += 1) {
      assert.equal((await discovery.find('v1', 'Pod'))?.plural, 'pods');
      assert.equal((await discovery.find('v1', 'Node'))?.namespaced, false);
      assert.equal((await discovery.find('apps/v1', 'Deployment'))?.plural, 'deployments');
    }
    assert.deepEqual(asked, ['/api/v1', '/apis', '/apis/apps/v1']);
    assert.equal(await discovery.find('apps/v1', 'Scale'), undefined);
  });

  it('prefers the preferred version, and takes another where only that has the kind', async () => {
    const { discovery } = setUp(served());
    assert.equal((await discovery.findKind('shop.dev', 'Basket'))?.version, 'v2');
    assert.equal((await discovery.findKind('shop.dev', 'Till'))?.version, 'v1');
    assert.equal(await discovery.findKind('none.dev', 'Till'), undefined);
  });

  it('says what charts ask for: the version, group versions and kinds, also of groups that do not answer', async () => {
    const { discovery, asked } = setUp({ ...served(), '/version': { gitVersion: 'v1.34.4' } });
    const capabilities = await discovery.capabilities();
    const { kubeVersion, apiVersions } = capabilities;
    assert.equal(kubeVersion, 'v1.34.4');
    assert.deepEqual(apiVersions, [
      'apps/v1',
      'apps/v1/Deployment',
      'metrics.k8s.io/v1beta1',
      'shop.dev/v1',
      'shop.dev/v1/Basket',
      'shop.dev/v1/Till',
      'shop.dev/v2',
      'shop.dev/v2/Basket',
      'v1',
      'v1/Node',
      'v1/Pod',
    ]);
    const before = asked.length;
    assert.equal(await discovery.capabilities(), capabilities);
    assert.deepEqual(asked.slice(before), ['/apis/metrics.k8s.io/v1beta1']);
  });

  it('says the same to charts while a group that served kinds does not answer, and less once it is gone', async () => {
    const metrics = '/apis/metrics.k8s.io/v1beta1';
    const answers = { ...served(), '/version': { gitVersion: 'v1.34.4' } } as Record<string, unknown>;
    answers[metrics] = { resources: [resource('PodMetrics', 'pods')] };
    const { discovery, time } = setUp(answers);
    const capabilities = await discovery.capabilities();
    assert.ok(capabilities.apiVersions.includes('metrics.k8s.io/v1beta1/PodMetrics'));
    delete answers[metrics];
    for (let restarts = 0; restarts < 3; restarts += 1) {
      time.now += 300_000;
      assert.equal(await discovery.capabilities(), capabilities);
    }
    answers['/apis'] = { groups: [group('apps', 'v1')] };
    time.now += 300_000;
    const { apiVersions } = await discovery.capabilities();
    assert.deepEqual(
      apiVersions.filter((version) => version.startsWith('metrics')),
      [],
    );
  });

  it('is not disturbed by a group that does not answer', async () => {
    const { discovery, answers } = setUp(served());
    await assert.rejects(discovery.find('metrics.k8s.io/v1beta1', 'PodMetrics'), /no answer/);
    assert.ok(await discovery.find('apps/v1', 'Deployment'));
    answers['/apis/metrics.k8s.io/v1beta1'] = { resources: [resource('PodMetrics', 'pods')] };
    assert.equal((await discovery.find('metrics.k8s.io/v1beta1', 'PodMetrics'))?.plural, 'pods');
  });

  it('sees a new kind, asking again at most every two seconds, and reads nothing else anew', async () => {
    const { discovery, answers, asked, time } = setUp(served());
    await discovery.find('apps/v1', 'Deployment');
    for (let i = 0; i < 10; i += 1) assert.equal(await discovery.find('new.dev/v1', 'Thing'), undefined);
    assert.deepEqual(asked, ['/apis', '/apis/apps/v1', '/apis']);
    answers['/apis'] = { groups: [group('apps', 'v1'), group('new.dev', 'v1')] };
    answers['/apis/new.dev/v1'] = { resources: [resource('Thing', 'things')] };
    time.now += 2_000;
    assert.equal((await discovery.find('new.dev/v1', 'Thing'))?.plural, 'things');
    assert.equal(asked.filter((path) => path === '/apis/apps/v1').length, 1);
  });

  it('hears in time that a kind was made anew with another scope', async () => {
    const { discovery, answers, time } = setUp(served());
    assert.equal((await discovery.find('shop.dev/v2', 'Basket'))?.namespaced, true);
    answers['/apis/shop.dev/v2'] = { resources: [resource('Basket', 'baskets', false)] };
    time.now += 300_000;
    assert.equal((await discovery.find('shop.dev/v2', 'Basket'))?.namespaced, false);
  });

  it('reads the list of groups again at most every two seconds, however many groups somebody invents', async () => {
    const { discovery, asked, time } = setUp(served());
    for (let i = 0; i < 5_000; i += 1) {
      time.now += 1;
      assert.equal(await discovery.find(`invented-${i}.dev/v1`, 'Widget'), undefined);
    }
    assert.ok(asked.filter((path) => path === '/apis').length <= 4, `${asked.length} requests`);
    assert.equal((await discovery.find('apps/v1', 'Deployment'))?.plural, 'deployments');
  });
});
