import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { checkSeal, restoreCopy, type Snapshot, SnapshotDamaged, SnapshotTooLarge, sealSnapshot } from './seal.ts';

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const WEB = { namespace: 'shop', kind: 'Deployment', name: 'web' } as const;

const config = (name: string, bytes: number, namespace = 'shop', kind = 'ConfigMap'): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace },
  data: { text: 'x'.repeat(bytes) },
});
const snapshotOf = (parts: KubeObject[] = [], extra: Partial<Snapshot> = {}): Snapshot => ({
  workload: {
    apiVersion: 'apps/v1',
    kind: WEB.kind,
    metadata: { name: WEB.name, namespace: WEB.namespace },
    spec: {
      replicas: 3,
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'shop:v1' }] } },
    },
  },
  config: parts,
  fieldManager: 'metricops/shop/app',
  sourceDigest: `v1:${'a'.repeat(64)}`,
  ...extra,
});
const service = (selector: Record<string, string>, more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { selector, ports: [{ port: 80, targetPort: 'http' }], ...more },
});
const kept = ({ name, seal, data }: ReturnType<typeof sealSnapshot>) => ({ name, seal, data: structuredClone(data) });

describe('the seal of a snapshot', () => {
  it('is good for the workload that it was made for', () => {
    const stored = checkSeal(WEB, kept(sealSnapshot(WEB, snapshotOf([config('settings', 10)]), KEY)), KEY);
    assert.equal(stored.sourceDigest, `v1:${'a'.repeat(64)}`);
    assert.deepEqual(stored.config, [{ inline: config('settings', 10) }]);
  });

  for (const [what, elsewhere] of [
    ['a copy in another namespace', { ...WEB, namespace: 'evil' }],
    ['another workload of the namespace', { ...WEB, name: 'api' }],
    ['another kind of that name', { ...WEB, kind: 'StatefulSet' }],
  ] as const) {
    it(`is good for nothing else: ${what}`, () => {
      const sealed = kept(sealSnapshot(WEB, snapshotOf(), KEY));
      assert.throws(
        () => checkSeal(elsewhere, sealed, KEY),
        /was recorded for Deployment shop\/web, and is good for no/,
      );
    });
  }

  it('breaks with any change of contents, digest or place', () => {
    const sealed = sealSnapshot(
      WEB,
      snapshotOf([config('settings', 10)], { selectors: [service({ app: 'web' })] }),
      KEY,
    );
    for (const change of [
      { sourceDigest: `v1:${'b'.repeat(64)}` },
      { fieldManager: 'metricops/shop/other' },
      { place: { ...sealed.data.place, namespace: 'evil' } },
      { config: [{ inline: config('settings', 11) }] },
      { config: [] },
      { selectors: [] },
      { selectors: [service({ app: 'web' }, { ports: [] })] },
    ]) {
      const changed = { ...kept(sealed), data: { ...sealed.data, ...change } };
      assert.throws(() => checkSeal(WEB, changed, KEY), /is not as this installation recorded it/);
    }
  });

  it('is not believed under another key, from an older version, or where there is none', () => {
    const sealed = kept(sealSnapshot(WEB, snapshotOf(), KEY));
    assert.throws(() => checkSeal(WEB, sealed, Buffer.alloc(32)), SnapshotDamaged);
    assert.throws(() => checkSeal(WEB, { ...sealed, seal: undefined }, KEY), SnapshotDamaged);
    assert.throws(() => checkSeal(WEB, { ...sealed, seal: 'ü'.repeat(64) }, KEY), SnapshotDamaged);
    const { version: _, ...older } = sealed.data;
    assert.throws(() => checkSeal(WEB, { ...sealed, data: older }, KEY), /no seal of this version of metricops/);
    for (const data of [undefined, null, 'text', []]) {
      assert.throws(() => checkSeal(WEB, { ...sealed, data }, KEY), SnapshotDamaged);
    }
  });

  it('is believed as the version before wrote it: an upgrade costs no release that can be rolled back to', () => {
    const sealed = {
      name: 'deployment-web-000000000000',
      seal: 'd44ea5b303db93c228c48bb5caa7756e151ad66f2c76bf2b331cba276d30e8c7',
      data: {
        ...snapshotOf(),
        workload: { ...snapshotOf().workload, spec: { template: { spec: { containers: [] } } } },
        version: 2,
        place: { namespace: 'shop', history: 'deployment-web', kind: 'Deployment', name: 'web' },
      },
    };
    assert.equal(checkSeal(WEB, sealed, KEY).selectors, undefined);
  });

  it('covers no object outside of the workload and its configuration, whoever had it sealed', () => {
    for (const snapshot of [
      snapshotOf([config('settings', 1, 'evil')]),
      snapshotOf([config('web', 1, 'shop', 'Service')]),
      snapshotOf([], { selectors: [service({ app: 'other' })] }),
      snapshotOf([], { selectors: [{ ...service({ app: 'web' }), metadata: { name: 'web', namespace: 'evil' } }] }),
      snapshotOf([], { selectors: [config('settings', 1)] }),
      snapshotOf([], { workload: { ...snapshotOf().workload, metadata: { name: 'web', namespace: 'evil' } } }),
      snapshotOf([], { workload: { ...snapshotOf().workload, kind: 'DaemonSet' } }),
    ]) {
      const sealed = kept(sealSnapshot(WEB, snapshot, KEY));
      assert.throws(
        () => checkSeal(WEB, sealed, KEY),
        /objects other than Deployment shop\/web, its configuration and what finds its pods/,
      );
    }
  });
});

describe('a snapshot as it is stored', () => {
  it('has the same name each time, and another one for another content or workload', () => {
    const name = (...args: Parameters<typeof sealSnapshot>): string => sealSnapshot(...args).name;
    assert.equal(name(WEB, snapshotOf(), KEY), name(WEB, snapshotOf(), KEY));
    const others = [
      name(WEB, snapshotOf([config('settings', 1)]), KEY),
      name({ ...WEB, namespace: 'other' }, snapshotOf(), KEY),
      name(WEB, snapshotOf(), Buffer.alloc(32)),
    ];
    assert.equal(new Set([...others, name(WEB, snapshotOf(), KEY)]).size, 4);
  });

  it('keeps its name while what finds the pods finds the same ones: the workload is not applied again for a port', () => {
    const name = (found: KubeObject): string => sealSnapshot(WEB, snapshotOf([], { selectors: [found] }), KEY).name;
    const first = service({ app: 'web' });
    const noted = { ...first, metadata: { ...first.metadata, annotations: { team: 'shop' } } };
    assert.equal(name(noted), name(first));
    assert.equal(name(service({ app: 'web' }, { ports: [{ port: 8080, targetPort: 'http' }] })), name(first));
    assert.notEqual(name(service({ app: 'web' }, { ports: [{ port: 80, targetPort: 'https' }] })), name(first));
    assert.notEqual(name(service({})), name(first));
    assert.notEqual(sealSnapshot(WEB, snapshotOf(), KEY).name, name(first));
  });

  it('counts no replicas: scaling makes no other snapshot', () => {
    const { workload } = snapshotOf();
    const scaled = { ...workload, spec: { ...(workload.spec as object), replicas: 9 } };
    assert.equal(
      sealSnapshot(WEB, snapshotOf([], { workload: scaled }), KEY).seal,
      sealSnapshot(WEB, snapshotOf(), KEY).seal,
    );
  });

  it('keeps Secrets out of the revision, and the largest ConfigMaps, as soon as their sum is too large', () => {
    const small = [config('a', 60_000), config('b', 60_000)];
    assert.deepEqual(sealSnapshot(WEB, snapshotOf(small), KEY).copies, []);
    const parts = [...small, config('large', 70_000), config('login', 10, 'shop', 'Secret')];
    const sealed = sealSnapshot(WEB, snapshotOf(parts), KEY);
    assert.deepEqual(
      sealed.copies.map(({ object }) => [object.kind, (object.data as { text: string }).text.length]),
      [
        ['ConfigMap', 70_000],
        ['Secret', 10],
      ],
    );
    const [, , large, login] = sealed.data.config;
    assert.ok(large && 'copy' in large && login && 'copy' in login);
    assert.ok(!JSON.stringify(sealed.data).includes('"copy":undefined'));
    const copy = sealed.copies[0]?.object;
    assert.deepEqual(restoreCopy(large, copy, KEY), config('large', 70_000));
    assert.throws(() => restoreCopy(large, undefined, KEY), /is gone/);
    assert.throws(() => restoreCopy(large, config('large', 70_001), KEY), /was changed/);
  });

  it('takes twenty dashboards of 100 KB', () => {
    const dashboards = Array.from({ length: 20 }, (_, i) => config(`dashboard-${i}`, 100_000));
    const { data, copies } = sealSnapshot(WEB, snapshotOf(dashboards), KEY);
    assert.ok(JSON.stringify(data).length < 1024 * 1024);
    assert.equal(copies.length, 19);
  });

  it('is refused with the figures where it can be stored in no way', () => {
    const { workload } = snapshotOf();
    const huge = { ...workload, spec: { template: { metadata: { annotations: { a: 'x'.repeat(1_200_000) } } } } };
    const refusal = (snapshot: Snapshot, words: RegExp): void =>
      assert.throws(
        () => sealSnapshot(WEB, snapshot, KEY),
        (error: Error) => error instanceof SnapshotTooLarge && words.test(error.message),
      );
    refusal(
      snapshotOf([], { workload: huge }),
      /without its configuration it has 1\.1 MiB, and 1\.0 MiB can be stored/,
    );
    const many = Array.from({ length: 9 }, (_, i) => config(`c-${i}`, 1_000_000));
    refusal(snapshotOf(many), /with its configuration, 8\.6 MiB, and 8\.0 MiB can be stored/);
  });
});
