import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { describeDrift, differenceOf, missing } from './diff.ts';

const OURS = 'metricops/shop/app';

const owns = (manager: string, fieldsV1: object): object => ({
  manager,
  operation: manager === OURS ? 'Apply' : 'Update',
  apiVersion: 'v1',
  fieldsType: 'FieldsV1',
  fieldsV1,
});
const configMap = (data: object, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'shop', name: 'limits', ...metadata },
  data,
});
const secret = (data: object, metadata: object = {}): KubeObject => ({ ...configMap(data, metadata), kind: 'Secret' });
const pod = (containers: object[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'shop', name: 'web' },
  spec: { containers },
});
const changesOf = (applied: KubeObject, live: KubeObject) => differenceOf(applied, live, OURS)?.changes;

describe('the difference of an object', () => {
  it('names each changed field, what Git says, what is there, and who changed it', () => {
    const managedFields = [
      owns('kubectl-patch', { 'f:data': { 'f:rps': {} } }),
      owns(OURS, { 'f:data': { 'f:a': {} } }),
    ];
    const live = configMap({ rps: '7', a: 'b' }, { managedFields });
    assert.deepEqual(differenceOf(configMap({ rps: '100', a: 'b' }), live, OURS), {
      id: 'shop_limits__ConfigMap',
      fieldManagers: ['kubectl-patch'],
      changes: [{ path: '/data/rps', applied: '"100"', live: '"7"' }],
    });
  });

  it('shows no value of a Secret, whatever its key is called', () => {
    const key = (name: string) => changesOf(secret({ [name]: 'aHVudGVyMg==' }), secret({ [name]: 'aHVudGVyMw==' }));
    for (const name of ['labels', 'metadata', 'name', '__proto__']) {
      assert.ok(!JSON.stringify(key(name) ?? '').includes('aHVudGVy'), name);
    }
    const label = (value: string) => secret({}, { labels: { team: value } });
    assert.deepEqual(changesOf(label('a'), label('b')), [
      { path: '/metadata/labels/team', applied: '"a"', live: '"b"' },
    ]);
  });

  it('shows no value of an object that holds one of a Secret, labels and annotations included', () => {
    const holding = (text: string, annotations: object) =>
      configMap({ a: text }, { labels: { l: text }, annotations: { n: text, ...annotations } });
    const mark = { 'metricops.dev/holds-secret': 'true' };
    for (const [applied, live] of [
      [holding('hunter2', mark), holding('hunter3', mark)],
      [holding('hunter2', mark), holding('hunter3', {})],
      [holding('plain', {}), holding('hunter2', mark)],
    ] as const) {
      const changes = changesOf(applied, live) ?? [];
      assert.ok(changes.length >= 3);
      assert.doesNotMatch(JSON.stringify(changes), /hunter/);
    }
  });

  it('is seen in the last digit of 64 bits', () => {
    const of = (id: bigint) => ({ ...configMap({}), spec: { id } });
    assert.deepEqual(changesOf(of(9223372036854775807n), of(9223372036854775806n)), [
      { path: '/spec/id', applied: '9223372036854775807', live: '9223372036854775806' },
    ]);
    assert.equal(changesOf(of(9223372036854775807n), of(9223372036854775807n)), undefined);
  });

  it('never names us as the one who changed it', () => {
    const live = configMap({ rps: '7' }, { managedFields: [owns(OURS, { 'f:data': { 'f:rps': {} } })] });
    assert.equal(differenceOf(configMap({ rps: '100' }), live, OURS)?.fieldManagers, undefined);
  });

  it('tells what was added from what was taken away', () => {
    assert.deepEqual(changesOf(configMap({ a: '1' }), configMap({ b: '2' })), [
      { path: '/data/a', applied: '"1"' },
      { path: '/data/b', live: '"2"' },
    ]);
  });

  it('is none in what servers and controllers write', () => {
    const written = {
      resourceVersion: '2',
      generation: 4,
      uid: 'u',
      finalizers: ['x'],
      managedFields: [],
      ownerReferences: [],
    };
    const live = { ...configMap({ a: '1' }, written), status: { phase: 'Active' } };
    assert.equal(differenceOf(configMap({ a: '1' }, { resourceVersion: '1' }), live, OURS), undefined);
  });

  it('compares the items of a list by name, or one by one; and shows another list whole', () => {
    const web = { name: 'web', image: 'shop:v1' };
    assert.deepEqual(changesOf(pod([web]), pod([{ ...web, image: 'shop:v2' }])), [
      { path: '/spec/containers/0/image', applied: '"shop:v1"', live: '"shop:v2"' },
    ]);
    const proxy = { name: 'proxy' };
    assert.deepEqual(changesOf(pod([web]), pod([proxy, web])), [
      { path: '/spec/containers/0', live: JSON.stringify(proxy) },
    ]);
    assert.deepEqual(changesOf(pod([web, proxy]), pod([web])), [
      { path: '/spec/containers/-', applied: JSON.stringify(proxy) },
    ]);
    const args = (...values: string[]) => pod([{ ...web, args: values }]);
    assert.deepEqual(changesOf(args('a', 'b'), args('a', 'c')), [
      { path: '/spec/containers/0/args/1', applied: '"b"', live: '"c"' },
    ]);
    assert.deepEqual(changesOf(args('a'), args('a', 'c')), [
      { path: '/spec/containers/0/args', applied: '["a"]', live: '["a","c"]' },
    ]);
  });

  it('writes paths as JSON pointers', () => {
    const [change] = changesOf(configMap({ 'a/b~c': '1' }), configMap({ 'a/b~c': '2' })) ?? [];
    assert.equal(change?.path, '/data/a~1b~0c');
  });

  it('masks every value of a Secret: data, stringData, annotations; and no label', () => {
    const before = secret({ password: 'aHVudGVyMg==' }, { labels: { tier: 'a' }, annotations: { note: 'hunter2' } });
    const after = secret({ password: 'c3dvcmRmaXNo' }, { labels: { tier: 'b' }, annotations: { note: 'swordfish' } });
    const found = differenceOf({ ...before, stringData: { pin: '1' } }, after, OURS);
    assert.ok(found);
    const values = Object.fromEntries(found.changes.map(({ path, applied, live }) => [path, [applied, live]]));
    assert.deepEqual(values, {
      '/data/password': ['"***"', '"***"'],
      '/stringData': ['"***"', undefined],
      '/metadata/annotations/note': ['"***"', '"***"'],
      '/metadata/labels/tier': ['"a"', '"b"'],
    });
    assert.doesNotMatch(JSON.stringify(found) + describeDrift(found), /hunter2|swordfish|aHVudGVy|c3dvcmRm/);
  });

  it('masks a Secret that was added as a whole, or emptied', () => {
    const { data: _, ...empty } = secret({});
    const full = secret({ password: 'aHVudGVyMg==' });
    assert.deepEqual(changesOf(empty as KubeObject, full), [{ path: '/data', live: '"***"' }]);
    assert.deepEqual(changesOf(full, empty as KubeObject), [{ path: '/data', applied: '"***"' }]);
  });

  it('stays small: 20 fields, 200 characters of each value, five managers', () => {
    const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`);
    const data = (value: string) => Object.fromEntries(keys.map((key) => [key, value]));
    const managedFields = keys.map((key) => owns(`tuner-${key}`, { 'f:data': { [`f:${key}`]: {} } }));
    const found = differenceOf(configMap(data('a'.repeat(9_000))), configMap(data('b'), { managedFields }), OURS);
    assert.deepEqual([found?.changes.length, found?.fieldManagers?.length], [20, 5]);
    assert.ok(found?.changes.every(({ applied = '' }) => applied.length === 201 && applied.endsWith('…')));
  });
});

describe('a difference in words', () => {
  it('says who changed which field from what to what, and how many more', () => {
    const change = { path: '/data/rps', applied: '"100"', live: '"7"' };
    const entry = {
      id: 'shop_limits__ConfigMap',
      fieldManagers: ['kubectl-edit', 'rate-tuner'],
      changes: [change, change, change],
    };
    assert.equal(
      describeDrift(entry),
      'ConfigMap shop/limits (/data/rps: "100" → "7" and 2 more, by kubectl-edit, rate-tuner)',
    );
  });

  it('says what was added and what was deleted', () => {
    const added = { id: '_view_rbac.authorization.k8s.io_ClusterRole', changes: [{ path: '/rules', live: '[]' }] };
    assert.equal(describeDrift(added), 'ClusterRole view (/rules: – → [])');
    assert.equal(describeDrift(missing('shop_limits__ConfigMap')), 'ConfigMap shop/limits (deleted)');
  });
});
