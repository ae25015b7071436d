import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import type { FieldSet } from './field-set.ts';
import type { ManagedFieldsEntry } from './managed-fields.ts';
import { markOf, trimManagedFields } from './marks.ts';

const entry = (
  manager: string,
  operation: 'Apply' | 'Update',
  fieldsV1: FieldSet,
  subresource?: string,
): ManagedFieldsEntry => ({
  manager,
  operation,
  apiVersion: 'v1',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...(subresource === undefined ? {} : { subresource }),
});
const object = (...managedFields: ManagedFieldsEntry[]): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'shop', name: 'limits', managedFields },
});

const OURS = entry('metricops/shop/app', 'Apply', { 'f:data': { 'f:rps': {}, 'f:burst': {} } });
const applied = object(OURS);
const mark = markOf(applied, 'shop.app');

describe('the mark of what we applied', () => {
  it('moves when another takes a field, or all of them', () => {
    const less = entry('metricops/shop/app', 'Apply', { 'f:data': { 'f:burst': {} } });
    assert.notEqual(
      markOf(object(less, entry('kubectl-patch', 'Update', { 'f:data': { 'f:rps': {} } })), 'shop.app'),
      mark,
    );
    assert.equal(markOf(object(entry('kubectl', 'Update', { 'f:data': {} })), 'shop.app'), '');
  });

  it('moves when something is added by hand, and not when a label or annotation is', () => {
    const added = entry('kubectl-edit', 'Update', { 'f:data': { 'f:debug': {} } });
    assert.notEqual(markOf(object(OURS, added), 'shop.app'), mark);
    const labelled = entry('kubectl-edit', 'Update', { 'f:metadata': { 'f:labels': { 'f:team': {} } } });
    assert.equal(markOf(object(OURS, labelled), 'shop.app'), mark);
  });

  it('stays when a controller writes a status or fields of its own', () => {
    const status = entry('kube-controller-manager', 'Update', { 'f:status': { 'f:phase': {} } }, 'status');
    const leader = entry('elector', 'Update', { 'f:metadata': { 'f:annotations': { 'f:leader': {} } } });
    const other = entry('metricops/other/app', 'Apply', { 'f:data': { 'f:other': {} } });
    assert.equal(markOf(object(OURS, status, leader, other), 'shop.app'), mark);
  });

  it('is the same of a watched copy without the fields', () => {
    const edited = (): KubeObject => object(OURS, entry('kubectl-edit', 'Update', { 'f:data': { 'f:debug': {} } }));
    const kept = trimManagedFields(edited());
    assert.equal(markOf(kept, 'shop.app'), markOf(edited(), 'shop.app'));
    assert.equal(JSON.stringify(kept).includes('f:'), false);
  });

  it('takes odd shapes of managedFields for nobody having applied anything', () => {
    for (const managedFields of [null, [null], [{}], [{ manager: 3 }], 'x', [{ manager: null, operation: 'Apply' }]]) {
      const odd = { ...applied, metadata: { ...applied.metadata, managedFields } } as unknown as KubeObject;
      assert.equal(markOf(odd, 'shop.app'), '');
    }
  });
});
