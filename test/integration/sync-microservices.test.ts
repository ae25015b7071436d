import assert from 'node:assert/strict';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { annotations, labels } from '../../src/api/annotations.ts';
import { type KubeObject, parseKey } from '../../src/api/meta.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { type SyncBench, startSyncBench } from '../support/sync.ts';

/** A public demo of a dozen services, where it lies beside the checkout; the shop otherwise. */
const DEMO = join(import.meta.dirname, '../../../shared/real/microservices-demo/kustomize');
const SHOP = join(import.meta.dirname, '../../examples/shop/manifests');

describe('real manifests', () => {
  const plane = useControlPlane();
  let bench: SyncBench;
  before(async function () {
    this.timeout(600_000);
    bench = await startSyncBench(plane());
  });
  after(async function () {
    this.timeout(60_000);
    await bench?.stop();
  });

  const folders = existsSync(DEMO) ? ['base', 'with-components'] : ['base'];
  for (const folder of folders) {
    it(`are the same in the cluster as with kubectl apply --server-side of kubectl kustomize: ${folder}`, async function () {
      this.timeout(120_000);
      const { client, discovery, kubectl, namespace } = plane();
      const [ours, theirs] = await Promise.all([namespace('ours'), namespace('theirs')]);
      const repository = bench.git.repository(ours);
      if (existsSync(DEMO)) {
        cpSync(join(DEMO, 'base'), join(repository.dir, 'base'), { recursive: true });
        cpSync(join(DEMO, 'components'), join(repository.dir, 'components'), { recursive: true });
      } else cpSync(SHOP, join(repository.dir, 'base'), { recursive: true });
      const components = ['network-policies', 'without-loadgenerator', 'container-images-tag'].map(
        (c) => `  - ../components/${c}`,
      );
      repository.commit({
        'with-components/kustomization.yaml': `resources:\n  - ../base\ncomponents:\n${components.join('\n')}\n`,
      });
      await bench.sync(ours, 'real', { source: { git: { url: repository.url } }, path: folder });
      const sync = await bench.ready(ours, 'real');
      kubectl(
        ['apply', '--server-side', '-n', theirs, '-f', '-'],
        kubectl(['kustomize', join(repository.dir, folder)]),
      );
      const keys = (sync.status?.inventory?.entries ?? []).map((entry) => parseKey(entry.id));
      assert.ok(keys.length >= (existsSync(DEMO) ? 30 : 6), `${keys.length} objects`);
      for (const key of keys) {
        const type = await discovery.findKind(key.group, key.kind);
        assert.ok(type);
        // Controllers write to both at their own pace: compared when both have settled.
        await eventually(
          async () => {
            const [a, b] = await Promise.all(
              [ours, theirs].map((ns) => client.get(type, { namespace: ns, name: key.name })),
            );
            assert.deepEqual(comparable(a), comparable(b));
            return true;
          },
          { what: `${key.kind} ${key.name} to be the same`, timeoutMs: 20_000 },
        );
      }
    });
  }
});

/** Without what the server makes of its own, and without our labels and annotations. */
const comparable = (object: KubeObject | undefined): unknown => {
  assert.ok(object);
  const { metadata, status: _, ...rest } = structuredClone(object);
  const ownAnnotations = Object.values<string>(annotations);
  const without = (map: Record<string, string> | undefined, names: readonly string[]) =>
    Object.fromEntries(
      Object.entries(map ?? {}).filter(
        ([name]) => !names.includes(name) && name !== 'deployment.kubernetes.io/revision',
      ),
    );
  const spec = rest.spec as { clusterIP?: string; clusterIPs?: string[]; ports?: { nodePort?: number }[] } | undefined;
  if (object.kind === 'Service' && spec) {
    delete spec.clusterIP;
    delete spec.clusterIPs;
    for (const port of spec.ports ?? []) delete port.nodePort;
  }
  return {
    ...rest,
    name: metadata.name,
    labels: without(metadata.labels, [labels.sync]),
    annotations: without(metadata.annotations, ownAnnotations),
  };
};
