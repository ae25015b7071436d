import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import type { FieldSet } from './field-set.ts';
import { type ManagedFieldsEntry, managersOf } from './managed-fields.ts';
import { type WithoutIgnored, withoutIgnored } from './release-fields.ts';

const OURS = 'metricops/shop/shop';

type Change = Record<string, unknown>;
const deployment = (spec: Change = {}, container: Change = {}, metadata: Change = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'shop', name: 'web', ...metadata },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: { spec: { containers: [{ name: 'web', ...container }] } },
    ...spec,
  },
});
const entry = (manager: string, fieldsV1: FieldSet, more: Partial<ManagedFieldsEntry> = {}): ManagedFieldsEntry => ({
  manager,
  operation: 'Update',
  apiVersion: 'apps/v1',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...more,
});
const applied = (fieldsV1: FieldSet, manager = OURS): ManagedFieldsEntry =>
  entry(manager, fieldsV1, { operation: 'Apply' });
const inContainer = (fields: FieldSet): FieldSet => ({
  'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:name': {}, ...fields } } } },
});
const live = (object: KubeObject, ...managedFields: ManagedFieldsEntry[]): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, managedFields },
});
const byFields = (desired: KubeObject, there: KubeObject, ...fields: string[]): WithoutIgnored =>
  withoutIgnored(desired, there, { fields, managers: [] }, OURS);
const byManager = (desired: KubeObject, there: KubeObject, manager: string): WithoutIgnored =>
  withoutIgnored(desired, there, { fields: [], managers: [manager] }, OURS);

describe('yieldFields by pointers', () => {
  it('leaves out the replicas that an autoscaler sets', () => {
    const { object } = byFields(deployment({ replicas: 3 }), live(deployment({ replicas: 7 })), '/spec/replicas');
    assert.deepEqual(object, deployment());
  });

  it('leaves out a field of every item of a list, and keeps the items', () => {
    const there = live(deployment({}, { image: 'web:1' }), applied({ 'f:spec': inContainer({ 'f:image': {} }) }));
    const { object } = byFields(deployment({}, { image: 'web:2' }), there, '/spec/template/spec/containers/*/image');
    assert.deepEqual(object, deployment());
  });

  it('takes parents along that this empties, and no others', () => {
    const desired = deployment({ strategy: { type: 'Recreate' } }, {}, { labels: {}, annotations: { 'a.dev/b': 'c' } });
    const { object } = byFields(desired, live(deployment()), '/spec/strategy/type', '/metadata/annotations/a.dev~1b');
    assert.deepEqual(object, deployment({}, {}, { labels: {} }));
  });

  it('never leaves out what names the object or an item', () => {
    const there = live(deployment(), applied({ 'f:spec': inContainer({}) }));
    const pointers = ['/kind', '/apiVersion', '/metadata', '/metadata/name', '/spec/template/spec/containers/*/name'];
    assert.deepEqual(byFields(deployment({}, {}, { labels: { a: 'b' } }), there, ...pointers).object, deployment());
  });

  it('applies whole an item that is not there yet', () => {
    const there = live(deployment({}, { name: 'old' }), applied({ 'f:spec': inContainer({}) }));
    const desired = deployment({}, { name: 'new', image: 'web:1' });
    assert.deepEqual(byFields(desired, there, '/spec/template/spec/containers/*/image').object, desired);
  });

  it('finds an item whose merge key has its default', () => {
    const ports = { 'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } } };
    const there = live(
      deployment({}, { ports: [{ containerPort: 80, protocol: 'TCP' }] }),
      applied({ 'f:spec': inContainer(ports) }),
    );
    const desired = deployment({}, { ports: [{ containerPort: 80, name: 'http' }] });
    const { object } = byFields(desired, there, '/spec/template/spec/containers/*/ports/*/name');
    assert.deepEqual(object, deployment({}, { ports: [{ containerPort: 80 }] }));
  });

  it('sends what is there now where the field is inside an atomic one', () => {
    const route = (...weights: (number | undefined)[]): KubeObject => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'web' },
      spec: {
        rules: weights.map((weight, i) => ({ name: `new-${i}`, ...(weight === undefined ? {} : { weight }) })),
      },
    });
    const there = (...weights: number[]): KubeObject =>
      live(route(...weights), applied({ 'f:spec': { 'f:rules': {} } }));
    const sent = (desired: KubeObject, now: KubeObject): KubeObject =>
      byFields(desired, now, '/spec/rules/*/weight').object;
    assert.deepEqual(sent(route(50, undefined), there(90, 10)), route(90, 10));
    assert.deepEqual(sent(route(50, 50), there(100)), route(50, 50), 'nobody knows which item is which');
  });

  it('changes nothing else', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }), fc.string(), (data, key) => {
        const config: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data };
        const pointer = `/data/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        const left = Object.entries(data).filter(([name]) => name !== key);
        const emptied = left.length === 0 && Object.hasOwn(data, key);
        const { data: _, ...rest } = config;
        const expected = emptied ? rest : { ...rest, data: Object.fromEntries(left) };
        assert.deepEqual(byFields(config, live(config), pointer).object, expected);
      }),
    );
  });
});

describe('yieldFields by managers', () => {
  it('leaves out what the manager owns, through whatever subresource', () => {
    const scale = entry('kube-controller-manager', { 'f:spec': { 'f:replicas': {} } }, { subresource: 'scale' });
    const there = live(deployment({ replicas: 7 }), scale);
    assert.deepEqual(
      byManager(deployment({ replicas: 3 }), there, 'kube-controller-manager').object.spec,
      deployment().spec,
    );
    assert.deepEqual(byManager(deployment({ replicas: 3 }), there, 'other').object, deployment({ replicas: 3 }));
  });

  it('leaves out only the ends of what it owns in a list: the item and its key stay', () => {
    const there = live(
      deployment({}, { image: 'web:1' }),
      entry('updater', { 'f:spec': inContainer({ 'f:image': {} }) }),
    );
    const desired = deployment({}, { image: 'web:2', args: ['-v'] });
    assert.deepEqual(byManager(desired, there, 'updater').object, deployment({}, { args: ['-v'] }));
  });

  it('leaves out an atomic field as a whole, and items of a set one by one', () => {
    const there = live(
      deployment({}, {}, { finalizers: ['a.dev/x', 'a.dev/y'] }),
      entry('m', { 'f:spec': { 'f:selector': {} }, 'f:metadata': { 'f:finalizers': { '.': {}, 'v:"a.dev/x"': {} } } }),
    );
    const { object } = byManager(deployment({}, {}, { finalizers: ['a.dev/x', 'a.dev/y'] }), there, 'm');
    const { selector: _, ...spec } = deployment().spec as Change;
    assert.deepEqual(object, { ...deployment({}, {}, { finalizers: ['a.dev/y'] }), spec });
  });

  it('keeps what is in a map that the manager left empty', () => {
    const resources = { limits: { cpu: '1' } };
    const ours = applied({ 'f:spec': inContainer({ 'f:resources': { 'f:limits': { 'f:cpu': {} } } }) });
    const theirs = entry('m', { 'f:spec': inContainer({ 'f:resources': {} }) });
    const desired = deployment({}, { resources });
    assert.deepEqual(byManager(desired, live(desired, ours, theirs), 'm').object, desired);
    assert.deepEqual(byManager(desired, live(deployment({}, { resources: {} }), theirs), 'm').object, desired);
  });

  it('does not yield to ourselves', () => {
    const there = live(deployment({ replicas: 3 }), applied({ 'f:spec': { 'f:replicas': {} } }));
    assert.deepEqual(byManager(deployment({ replicas: 3 }), there, OURS), {
      object: deployment({ replicas: 3 }),
      letGo: undefined,
    });
  });
});

describe('fields that nobody else owns', () => {
  const replicas: FieldSet = { 'f:spec': { 'f:replicas': {} } };
  const yieldReplicas = (...entries: ManagedFieldsEntry[]): WithoutIgnored =>
    byFields(deployment({ replicas: 3 }), live(deployment({ replicas: 7 }), ...entries), '/spec/replicas');

  it('are let go of in our entry alone', () => {
    const scaled = entry('m', { 'f:spec': { 'f:paused': {} } });
    const ours = applied({ 'f:spec': { 'f:replicas': {}, 'f:selector': {} } });
    assert.deepEqual(yieldReplicas(ours, scaled).letGo, [applied({ 'f:spec': { 'f:selector': {} } }), scaled]);
  });

  it('are let go of also where Git has left them out already', () => {
    const there = live(deployment({ replicas: 7 }), applied({ 'f:spec': { 'f:replicas': {}, 'f:selector': {} } }));
    assert.deepEqual(byFields(deployment(), there, '/spec/replicas').letGo, [
      applied({ 'f:spec': { 'f:selector': {} } }),
    ]);
  });

  it('are let go of with the map around them, which an apply without it would remove', () => {
    const annotations = { 'f:annotations': { '.': {}, 'f:a': {} }, 'f:labels': { 'f:b': {} } };
    const there = live(deployment({}, {}, { annotations: { a: '1' } }), applied({ 'f:metadata': annotations }));
    const { letGo } = byFields(deployment({}, {}, { annotations: { a: '2' } }), there, '/metadata/annotations/a');
    assert.deepEqual(letGo, [applied({ 'f:metadata': { 'f:labels': { 'f:b': {} } } })]);
  });

  it('are none when somebody else owns them too, or we do not', () => {
    const scale = entry('kube-controller-manager', replicas, { subresource: 'scale' });
    for (const entries of [[applied(replicas), scale], [scale], [applied({ 'f:spec': { 'f:paused': {} } })], []]) {
      assert.equal(yieldReplicas(...entries).letGo, undefined);
    }
  });

  it('are not ours any more after that', () => {
    const letGo = yieldReplicas(applied({ 'f:spec': { 'f:replicas': {}, 'f:selector': {} } })).letGo ?? [];
    assert.deepEqual(managersOf(live(deployment({ replicas: 7 }), ...letGo), '/spec/replicas'), []);
    assert.equal(yieldReplicas(...letGo).letGo, undefined);
  });
});
