import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import type { FieldSet } from './field-set.ts';
import { type ManagedFieldsEntry, managersOf, migrated, ownsPath, withoutHandEdits } from './managed-fields.ts';
import { isToolsManager, toolOf } from './tools.ts';

const entry = (manager: string, fieldsV1: FieldSet, more: Partial<ManagedFieldsEntry> = {}): ManagedFieldsEntry => ({
  manager,
  operation: 'Update',
  apiVersion: 'apps/v1',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...more,
});

const containers = (fields: FieldSet): FieldSet => ({
  'f:spec': { 'f:template': { 'f:spec': { 'f:containers': fields } } },
});
const deployment = (...managedFields: ManagedFieldsEntry[]): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    namespace: 'shop',
    name: 'web',
    annotations: { 'shop.dev/owner': 'ann' },
    finalizers: ['a.dev/x', 'b.dev/y'],
    managedFields,
  },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      spec: {
        containers: [
          { name: 'proxy', image: 'proxy:1' },
          {
            name: 'web',
            image: 'web:1',
            ports: [
              { containerPort: 53, protocol: 'TCP' },
              { containerPort: 53, protocol: 'UDP' },
            ],
          },
        ],
        volumes: [{ name: 'tmp', emptyDir: { medium: 'Memory' } }],
      },
    },
  },
});
const owns = (fields: FieldSet, pointer: string): boolean => {
  const e = entry('m', fields);
  return ownsPath(e, deployment(e), pointer);
};

describe('ownsPath', () => {
  const image = containers({ 'k:{"name":"web"}': { '.': {}, 'f:name': {}, 'f:image': {} } });

  it('is true of the field, of what it is in, and of nothing else', () => {
    const replicas = { 'f:spec': { 'f:replicas': {} } };
    assert.equal(owns(replicas, '/spec/replicas'), true);
    assert.equal(owns(replicas, '/spec'), true);
    assert.equal(owns(replicas, '/spec/template'), false);
    assert.equal(owns({}, '/spec'), false);
  });

  it('finds the item at an index by its merge keys', () => {
    const at = (index: string): boolean => owns(image, `/spec/template/spec/containers/${index}/image`);
    assert.deepEqual([at('0'), at('1'), at('2'), at('*')], [false, true, false, true]);
  });

  it('tells items apart that differ in one of several merge keys', () => {
    const udp = containers({
      'k:{"name":"web"}': { 'f:ports': { 'k:{"containerPort":53,"protocol":"UDP"}': { 'f:name': {} } } },
    });
    assert.equal(owns(udp, '/spec/template/spec/containers/1/ports/0'), false);
    assert.equal(owns(udp, '/spec/template/spec/containers/1/ports/1'), true);
  });

  it('finds the items of a set by value, and those of other lists by index', () => {
    const finalizers = { 'f:metadata': { 'f:finalizers': { '.': {}, 'v:"b.dev/y"': {} } } };
    assert.equal(owns(finalizers, '/metadata/finalizers/0'), false);
    assert.equal(owns(finalizers, '/metadata/finalizers/1'), true);
    assert.equal(owns({ 'f:metadata': { 'f:finalizers': { 'i:0': {} } } }, '/metadata/finalizers/0'), true);
  });

  it('reads ~1 and ~0 in a pointer as / and ~', () => {
    const annotation = { 'f:metadata': { 'f:annotations': { 'f:shop.dev/owner': {} } } };
    assert.equal(owns(annotation, '/metadata/annotations/shop.dev~1owner'), true);
  });

  it('is true inside an atomic field, which has one owner', () => {
    assert.equal(owns({ 'f:spec': { 'f:selector': {} } }, '/spec/selector/matchLabels/app'), true);
  });

  it('is false inside a map that was empty until somebody else filled it', () => {
    const volumes = (emptyDir: FieldSet): FieldSet => ({
      'f:spec': {
        'f:template': { 'f:spec': { 'f:volumes': { 'k:{"name":"tmp"}': { '.': {}, 'f:emptyDir': emptyDir } } } },
      },
    });
    const object = deployment(entry('first', volumes({})), entry('second', volumes({ 'f:medium': {} })));
    assert.deepEqual(managersOf(object, '/spec/template/spec/volumes/0/emptyDir'), ['first', 'second']);
    assert.deepEqual(managersOf(object, '/spec/template/spec/volumes/0/emptyDir/medium'), ['second']);
  });
});

describe('managersOf', () => {
  it('names each manager once, whatever it wrote by', () => {
    const fieldsV1 = { 'f:spec': { 'f:replicas': {} } };
    const object = deployment(
      entry('kubectl', fieldsV1, { operation: 'Apply' }),
      entry('kubectl', fieldsV1, { subresource: 'scale' }),
      entry('kube-controller-manager', { 'f:status': { 'f:replicas': {} } }, { subresource: 'status' }),
    );
    assert.deepEqual(managersOf(object, '/spec/replicas'), ['kubectl']);
    assert.deepEqual(managersOf({ ...object, metadata: { name: 'web' } }, '/spec/replicas'), []);
  });
});

describe('migrated', () => {
  const to = { manager: 'metricops/shop/shop', apiVersion: 'apps/v1' };
  const from = isToolsManager('kubectl apply');

  it('makes one apply of ours of all that the tool wrote', () => {
    const lastApplied = { 'f:kubectl.kubernetes.io/last-applied-configuration': {} };
    const result = migrated(
      deployment(
        entry(
          'kubectl-client-side-apply',
          { 'f:spec': { 'f:replicas': {} }, 'f:metadata': { 'f:annotations': lastApplied } },
          { time: '2026-01-01T00:00:00Z' },
        ),
        entry('kubectl', { 'f:spec': { 'f:paused': {} } }, { operation: 'Apply', time: '2026-01-02T00:00:00Z' }),
        entry(to.manager, { 'f:spec': { 'f:selector': {} } }, { operation: 'Apply' }),
      ),
      { from, to },
    );
    assert.deepEqual(result, [
      {
        ...to,
        operation: 'Apply',
        time: '2026-01-02T00:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:spec': { 'f:replicas': {}, 'f:paused': {}, 'f:selector': {} },
          'f:metadata': { 'f:annotations': lastApplied },
        },
      },
    ]);
  });

  it('leaves subresources and edits by hand where they are', () => {
    const stay = [
      entry('kubectl-client-side-apply', { 'f:status': {} }, { subresource: 'status' }),
      entry('kubectl-edit', { 'f:spec': { 'f:paused': {} } }),
      entry('kubectl', { 'f:spec': { 'f:replicas': {} } }, { subresource: 'scale' }),
    ];
    const taken = entry('kubectl-client-side-apply', { 'f:spec': { 'f:replicas': {} } });
    assert.deepEqual(migrated(deployment(taken, ...stay), { from, to })?.slice(1), stay);
    assert.equal(migrated(deployment(...stay), { from, to }), undefined);
  });

  it('has nothing to do the second time', () => {
    const taken = entry('kubectl-client-side-apply', { 'f:spec': { 'f:replicas': {} } });
    const once = migrated(deployment(taken), { from, to }) ?? [];
    assert.equal(migrated(deployment(...once), { from: () => true, to }), undefined);
  });

  it('owns exactly what the entries owned before', () => {
    fc.assert(
      fc.property(fc.array(fieldSet, { minLength: 1, maxLength: 4 }), (sets) => {
        const object = deployment(...sets.map((fields) => entry('kubectl-client-side-apply', fields)));
        const [merged, ...rest] = migrated(object, { from, to }) ?? [];
        assert.deepEqual(rest, []);
        assert.deepEqual(pathsOf(merged?.fieldsV1 ?? {}), new Set(sets.flatMap((fields) => [...pathsOf(fields)])));
      }),
    );
  });
});

const { fieldSet } = fc.letrec<{ fieldSet: FieldSet; below: FieldSet }>((tie) => ({
  fieldSet: fc.dictionary(fc.constantFrom('f:a', 'f:b', 'k:{"name":"a"}', 'v:"x"'), tie('below'), {
    minKeys: 1,
    maxKeys: 3,
  }),
  below: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant<FieldSet>({}),
    tie('fieldSet'),
    tie('fieldSet').map((fields) => ({ '.': {}, ...fields })),
  ),
}));

/** As the API server reads it: the ends, and the parents that have a `.`. */
const pathsOf = (fields: FieldSet, path = ''): Set<string> =>
  new Set(
    Object.entries(fields).flatMap(([step, below]) => {
      if (step === '.') return [path];
      const here = `${path}/${step}`;
      return Object.keys(below).length === 0 ? [here] : [...pathsOf(below, here)];
    }),
  );

describe('withoutHandEdits', () => {
  const to = { manager: 'metricops/shop/app', apiVersion: 'v1' };
  const edited: ManagedFieldsEntry = {
    manager: 'kubectl-edit',
    operation: 'Update',
    apiVersion: 'v1',
    fieldsType: 'FieldsV1',
    fieldsV1: { 'f:metadata': { 'f:annotations': { 'f:note': {} } }, 'f:spec': { 'f:replicas': {} } },
  };
  const objectWith = (...managedFields: ManagedFieldsEntry[]): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', managedFields },
  });

  it('makes ours what was edited by hand, except for labels and annotations', () => {
    const entries = withoutHandEdits(objectWith(edited), to) ?? [];
    assert.deepEqual(
      entries.map(({ manager, fieldsV1 }) => ({ manager, fieldsV1 })),
      [
        { manager: to.manager, fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
        { manager: 'kubectl-edit', fieldsV1: { 'f:metadata': { 'f:annotations': { 'f:note': {} } } } },
      ],
    );
  });

  it('leaves restarts, notes, scaling and other controllers alone', () => {
    for (const manager of ['kubectl-rollout', 'kubectl-annotate', 'kubectl-label', 'vpa-updater']) {
      assert.equal(withoutHandEdits(objectWith({ ...edited, manager }), to), undefined);
    }
    assert.equal(withoutHandEdits(objectWith({ ...edited, subresource: 'scale' }), to), undefined);
  });
});

describe('toolOf', () => {
  const object = (
    metadata: { labels?: Record<string, string>; annotations?: Record<string, string> },
    ...managedFields: ManagedFieldsEntry[]
  ): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', managedFields, ...metadata } });
  const lastApplied = { 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
  const helm = {
    labels: { 'app.kubernetes.io/managed-by': 'Helm' },
    annotations: { 'meta.helm.sh/release-name': 'shop' },
  };

  it('knows each tool by what it leaves on an object', () => {
    assert.equal(toolOf(object({ labels: { 'kustomize.toolkit.fluxcd.io/name': 'shop' } })), 'Flux');
    assert.equal(toolOf(object({ labels: { 'argocd.argoproj.io/instance': 'shop' } })), 'Argo CD');
    assert.equal(toolOf(object({ annotations: { 'argocd.argoproj.io/tracking-id': 'shop:…' } })), 'Argo CD');
    assert.equal(toolOf(object(helm)), 'Helm');
    assert.equal(toolOf(object({ annotations: lastApplied })), 'kubectl apply');
    assert.equal(toolOf(object({}, entry('kubectl', {}, { operation: 'Apply' }))), 'kubectl apply');
  });

  it('names the reconciler where it works through another tool', () => {
    const flux = { ...helm, labels: { ...helm.labels, 'helm.toolkit.fluxcd.io/name': 'shop' } };
    assert.equal(toolOf(object(flux)), 'Flux');
    const argo = { annotations: { ...lastApplied, 'argocd.argoproj.io/tracking-id': 'shop:…' } };
    assert.equal(toolOf(object(argo)), 'Argo CD');
  });

  it('does not take a command for an apply, nor a label of a chart for a release', () => {
    assert.equal(toolOf(object({}, entry('kubectl', {}, { subresource: 'scale' }))), undefined);
    assert.equal(toolOf(object({}, entry('kubectl-create', {}))), undefined);
    assert.equal(toolOf(object({ labels: helm.labels })), undefined);
  });
});

describe('isToolsManager', () => {
  it('knows the names that a tool applies under, and leaves out what people did by hand', () => {
    const isKubectls = isToolsManager('kubectl apply');
    assert.equal(isKubectls(entry('kubectl-last-applied', {}, { operation: 'Apply' })), true);
    assert.equal(isKubectls(entry('kubectl', {})), false);
    assert.equal(isKubectls(entry('kubectl-edit', {})), false);
    assert.equal(isToolsManager('Argo CD')(entry('kubectl-client-side-apply', {})), true);
    assert.equal(isToolsManager('Flux')(entry('kubectl-client-side-apply', {})), false);
  });
});
