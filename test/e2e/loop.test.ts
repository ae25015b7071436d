import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { describe, it } from 'mocha';
import type { Hold } from '../../src/api/hold.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { resources } from '../../src/kube/index.ts';
import { createProgress } from '../../tools/demo/progress.ts';
import { runStory } from '../../tools/demo/story.ts';
import { useEnvironment } from '../support/environment.ts';
import { goodPods, killControllers, shopUnderLoad } from '../support/shop.ts';
import { unownedUnderLoad } from '../support/unowned.ts';

interface EndpointSlice extends KubeObject {
  endpoints?: { conditions?: { ready?: boolean } }[];
}

const ENDPOINT_SLICES = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
};

const quiet = createProgress((line) => process.stderr.write(`    ${line}\n`));

describe('the whole loop on a real node', () => {
  const env = useEnvironment();

  it('push, sync, inject, record, alert, rollback, hold, fix: with the default guardrails', async () => {
    const { incident, hold, history, sync } = await runStory(env(), quiet, 'story');
    assert.equal(incident.status?.phase, 'Recovered');
    assert.equal(incident.status?.verdict?.result, 'Guilty');
    assert.ok(Number(incident.status?.verdict?.objectives?.[0]?.newErrorRatio) > 0.1);
    const [evidence] = incident.spec.evidence;
    assert.equal(evidence?.source, 'Alertmanager');
    assert.equal(hold.spec.incidentRef?.name, incident.metadata.name);
    assert.equal(hold.status?.phase, 'Dormant');
    const byNumber = new Map(history.spec.releases?.map((r) => [r.number, r]));
    assert.equal(byNumber.get(2)?.outcome, 'Rejected');
    assert.match(byNumber.get(1)?.images[0]?.imageID ?? '', /sha256:[0-9a-f]{64}/);
    assert.ok(byNumber.get(1)?.restoredTime, 'release 1 was restored');
    assert.equal(history.spec.currentRelease, 3);
    assert.equal(sync.status?.heldRevision, undefined);
    const { items } = await env().client.list(resources.pods, {
      namespace: 'story',
      labelSelector: 'app.kubernetes.io/name=checkout',
    });
    for (const pod of items) {
      const names = (pod.spec as { initContainers?: { name: string }[] }).initContainers?.map((c) => c.name);
      assert.deepEqual(names, ['metricops-recorder']);
    }
  });

  it('a workload with annotations only, none of our objects, an ordinary alert', async () => {
    const { web, stop } = await unownedUnderLoad(env(), 'annotated');
    try {
      await web.apply('v2');
      const incident = await web.incident('the rollback', ({ status }) => status?.phase === 'Recovered');
      assert.equal(incident.spec.policyRef, undefined);
      await web.runs('v1');
    } finally {
      await stop();
    }
  });

  it('killed between the stored incident and the pods being back: one rollback, not two, not none', async () => {
    const { shop, stop } = await shopUnderLoad(env(), 'killed');
    try {
      await shop.release('v2', 'bad');
      const incident = await shop.until('an incident', async () => (await shop.incidents())[0]);
      await killControllers(env());
      await shop.until('good pods', async () =>
        (await shop.images()).join() === Array(3).fill('metricops.dev/shop:v1').join() &&
        (await shop.holds()).length > 0
          ? true
          : undefined,
      );
      const closed = await shop.until('its end', async () =>
        (await shop.incidents()).find(
          (i) => i.metadata.name === incident.metadata.name && i.status?.closedTime !== undefined,
        ),
      );
      assert.equal(closed.status?.phase, 'Recovered');
      const holds: Hold[] = await shop.holds();
      assert.equal(holds.length, 1);
      assert.equal((await shop.incidents()).filter((i) => i.status?.rolledBackTime !== undefined).length, 1);
    } finally {
      await stop();
    }
  });

  it('a commit with a bad Deployment that also renames the ConfigMap which the good one needs: the good pods run on', async () => {
    const { shop, stop } = await shopUnderLoad(env(), 'renamed');
    try {
      const file = 'shop/checkout.yaml';
      const text = readFileSync(join(shop.repository.dir, file), 'utf8');
      const renamed = text
        .replaceAll('checkout-config', 'checkout-config-v2')
        .replace(/metricops\.dev\/shop:\S+/, 'metricops.dev/shop:v2');
      await shop.push({ [file]: renamed }, 'bad, with another ConfigMap');
      const hold = await shop.until('the hold', async () =>
        (await shop.holds()).find((h) => h.status?.phase === 'Held'),
      );
      assert.equal(hold.spec.origin, 'Incident');
      await goodPods(shop);
      await env().pushed({ namespace: shop.namespace, name: 'shop' });
      await shop.until('the held sync', async () => ((await shop.sync())?.status?.heldRevision ? true : undefined));
      const config = await env().client.get(resources.configMaps, {
        namespace: shop.namespace,
        name: 'checkout-config',
      });
      assert.ok(config, 'the ConfigMap of the good release is there');
      assert.deepEqual(load((config.data as Record<string, string>)['config.json'] ?? ''), {
        failRatio: 0,
        latencyMs: 0,
      });
    } finally {
      await stop();
    }
  });

  it('a commit that changes the labels of the pods and the selector of their Service together: the Service finds the old pods again', async () => {
    const { shop, stop } = await shopUnderLoad(env(), 'relabelled');
    try {
      const file = 'shop/checkout.yaml';
      const [deployment, service, ...rest] = loadAll(
        readFileSync(join(shop.repository.dir, file), 'utf8'),
      ) as KubeObject[];
      assert.ok(deployment && service);
      const { template } = deployment.spec as { template: { metadata: { labels: Record<string, string> } } };
      template.metadata.labels.track = 'next';
      const { selector } = service.spec as { selector: Record<string, string> };
      selector.track = 'next';
      const changed = [deployment, service, ...rest].map((object) => JSON.stringify(object)).join('\n---\n');
      await shop.push(
        { [file]: changed.replace(/metricops\.dev\/shop:[^"]+/, 'metricops.dev/shop:v2') },
        'bad, relabelled',
      );
      await shop.until('the hold', async () => (await shop.holds()).find((h) => h.status?.phase === 'Held'));
      await goodPods(shop);
      const live = await env().client.get(resources.services, { namespace: shop.namespace, name: 'checkout' });
      const found = (live?.spec ?? {}) as { selector?: object };
      assert.deepEqual(found.selector, { 'app.kubernetes.io/name': 'checkout' });
      await shop.until('every old pod behind the Service', async () => {
        const { items } = await env().client.list<EndpointSlice>(ENDPOINT_SLICES, {
          namespace: shop.namespace,
          labelSelector: 'kubernetes.io/service-name=checkout',
        });
        const ready = items.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready);
        return ready.length === 3 ? true : undefined;
      });
      await shop.until('the held sync', async () => {
        const held = (await shop.sync())?.status?.conditions?.find(({ type }) => type === 'Held');
        return /Service relabelled\/checkout is held with it/.test(held?.message ?? '') ? true : undefined;
      });
    } finally {
      await stop();
    }
  });
});
