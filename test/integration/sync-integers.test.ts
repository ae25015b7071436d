import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { annotations } from '../../src/api/annotations.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { createSnapshotStore } from '../../src/snapshot/index.ts';
import { eventually } from '../support/poll.ts';
import { DIGEST_KEY, deployment, type StartedSync, useSync, yaml } from '../support/sync.ts';
import { newKind, removeKind } from '../support/widgets.ts';

/** A namespaced kind with an int64, and any other fields beside. */
const newLedger = (): { type: ResourceType; definition: KubeObject } => {
  const { type, definition } = newKind();
  const spec = { type: 'object', properties: { id: { type: 'integer', format: 'int64' } } };
  const open = { 'x-kubernetes-preserve-unknown-fields': true };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { ...spec, ...open } } } };
  const versions = [{ name: 'v1', served: true, storage: true, schema }];
  return {
    type: { ...type, namespaced: true },
    definition: { ...definition, spec: { ...(definition.spec as object), scope: 'Namespaced', versions } },
  };
};

describe('integers beyond 2^53', () => {
  const { plane, bench, start } = useSync();
  const { type, definition } = newLedger();
  before(async () => {
    await plane().client.create(resources.crds, definition);
    const { metadata } = definition;
    await eventually(
      async () => /"Established"/.test(JSON.stringify(await plane().client.get(resources.crds, metadata))),
      {
        what: 'the kind is served',
      },
    );
  });
  after(() => removeKind(plane().client, definition));

  const manifest = (name: string, spec: string): string =>
    `apiVersion: ${type.group}/v1\nkind: ${type.kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
  /** The text of the API server's own answer. */
  const specOf = ({ ns }: StartedSync, name: string): string =>
    plane().kubectl(['-n', ns, 'get', `${type.plural}.${type.group}`, name, '-o', 'jsonpath={.spec}']);
  const SPEC =
    '{deep: [{least: -9223372036854775808}], free: 1234567890123456789, id: 9223372036854775807, ratio: 1.5}';
  const STORED =
    '{"deep":[{"least":-9223372036854775808}],"free":1234567890123456789,"id":9223372036854775807,"ratio":1.5}';

  it('reach the cluster with all their digits, from YAML, JSON and kustomize', async () => {
    const json = `{"apiVersion":"${type.group}/v1","kind":"${type.kind}","metadata":{"name":"json"},"spec":${STORED}}`;
    const plain = await start({ 'a.yaml': manifest('yaml', SPEC), 'b.json': json });
    const built = await start({
      'kustomization.yaml': 'resources: [a.yaml]\ncommonAnnotations: {a: b}',
      'a.yaml': manifest('built', SPEC),
    });
    await Promise.all([plain.ready(), built.ready()]);
    assert.equal(specOf(plain, 'yaml'), STORED);
    assert.equal(specOf(plain, 'json'), STORED);
    assert.equal(specOf(built, 'built'), STORED);
  });

  it('are as they were read: the next sync changes nothing, and a change of the last digit is one', async () => {
    const sync = await start({ 'a.yaml': manifest('a', SPEC) }, { drift: 'Report' });
    await sync.ready();
    const before = await sync.get(type, 'a');
    assert.equal((before?.spec as { id?: bigint } | undefined)?.id, 9223372036854775807n);
    await bench().restart();
    const same = sync.push({ 'unrelated.txt': 'a' });
    const ready = await sync.ready('True', new RegExp(same));
    assert.equal((await sync.get(type, 'a'))?.metadata.resourceVersion, before?.metadata.resourceVersion);
    assert.deepEqual(ready.status?.drift ?? [], []);
    const next = sync.push({ 'a.yaml': manifest('a', SPEC.replace('5807', '5806')) });
    await sync.ready('True', new RegExp(next));
    assert.equal(specOf(sync, 'a'), STORED.replace('5807', '5806'));
  });

  it('are named by drift with all their digits', async () => {
    const sync = await start({ 'a.yaml': manifest('a', SPEC) }, { drift: 'Report' });
    await sync.ready();
    const patch = '{"spec":{"id":9223372036854775806}}';
    plane().kubectl(['-n', sync.ns, 'patch', `${type.plural}.${type.group}`, 'a', '--type=merge', '-p', patch]);
    const changes = await eventually(
      async () => {
        const found = await plane().client.get(resources.gitSyncs, { namespace: sync.ns, name: 'app' });
        return (found?.status as { drift?: { changes: object[] }[] } | undefined)?.drift?.[0]?.changes;
      },
      { what: 'drift' },
    );
    assert.deepEqual(changes, [{ path: '/spec/id', applied: '9223372036854775807', live: '9223372036854775806' }]);
  });

  it('above int64 are refused by the API server where it wants an integer, and kept as it keeps them elsewhere', async () => {
    const sync = await start({ 'a.yaml': manifest('a', '{free: 18446744073709551615}') });
    await sync.ready();
    assert.equal(specOf(sync, 'a'), '{"free":18446744073709552000}');
    sync.push({ 'a.yaml': manifest('a', '{id: 18446744073709551615}') });
    await sync.ready('False', /spec.id in body must be of type integer/);
  });

  it('are in the digest and in the snapshot of a release', async () => {
    const seconds = 9007199254740993n;
    const web = (grace: bigint) => {
      const object = deployment('web', 'shop:v1', 'settings', { replicas: 0 });
      return yaml(object).replace('"containers":', `"terminationGracePeriodSeconds":${grace},"containers":`);
    };
    const sync = await start({ 'a.yaml': web(seconds) });
    await sync.ready();
    const live = await sync.get(resources.deployments, 'web');
    const store = createSnapshotStore(plane().client, DIGEST_KEY, systemClock);
    const workload = { namespace: sync.ns, kind: 'Deployment', name: 'web' } as const;
    const snapshot = await store.read(workload, live?.metadata.annotations?.[annotations.snapshot] ?? '');
    type Spec = { template: { spec: { terminationGracePeriodSeconds: bigint } } };
    assert.equal((snapshot?.workload.spec as Spec | undefined)?.template.spec.terminationGracePeriodSeconds, seconds);
    const next = sync.push({ 'a.yaml': web(seconds - 2n) });
    await sync.ready('True', new RegExp(next));
    const changed = await sync.get(resources.deployments, 'web');
    const digest = (object: KubeObject | undefined) => object?.metadata.annotations?.[annotations.sourceDigest];
    assert.notEqual(digest(changed), digest(live));
  });
});
