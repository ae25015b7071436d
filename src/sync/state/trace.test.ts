import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { gitSync } from '../../../test/support/objects.ts';
import type { KubeObject } from '../../api/meta.ts';
import { hashOf } from '../../snapshot/index.ts';
import type { PlannedObject } from '../plan/types.ts';
import { groupDigests, groupOfKey, notedOf, sentOf, type Trace } from './trace.ts';

const web: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'shop', name: 'web' },
  spec: { replicas: 1, template: { spec: { containers: [{ name: 'web', image: 'web:1' }] } } },
};
const planned: PlannedObject = {
  key: 'shop_web_apps_Deployment',
  object: web,
  hash: hashOf(web),
  digests: { sourceDigest: 'v1:1', references: [] },
};

interface Circumstances {
  planned?: Partial<PlannedObject>;
  spec?: object;
  live?: Record<string, string>;
  scaled?: boolean;
  namespace?: Record<string, string>;
}

const sent = ({ planned: other, spec, live, scaled = false, namespace = {} }: Circumstances = {}): string =>
  sentOf(
    gitSync('app', undefined, spec),
    { ...planned, ...other },
    { live: live && { ...web, metadata: { ...web.metadata, annotations: live } }, all: [] },
    {
      namespaces: {
        get: () => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: namespace } }),
      },
      scaled: { isScaled: () => scaled },
    },
  );

describe('the trace of an apply: what was sent', () => {
  it('is the same in every process; where this value changes, everything is applied once after an upgrade', () => {
    assert.equal(sent(), 'khRC4QrYSnkCEh');
  });

  it('is the same whatever others noted on the object', () => {
    assert.equal(sent({ live: { 'deployment.kubernetes.io/revision': '2' } }), sent());
  });

  const others: [string, Circumstances][] = [
    ['another object', { planned: { hash: 'another' } }],
    ['replicas that an autoscaler sets', { scaled: true }],
    ['an opt-in of the namespace', { namespace: { 'metricops.dev/inject': 'enabled' } }],
    ['an opt-in by annotation', { live: { 'metricops.dev/inject': 'true' } }],
    ['drift that is only reported', { spec: { drift: 'Report' } }],
    ['fields that are left to others', { spec: { ignoreDifferences: [{ jsonPointers: ['/spec/replicas'] }] } }],
  ];
  for (const [what, circumstances] of others)
    it(`differs with ${what}`, () => assert.notEqual(sent(circumstances), sent()));
});

describe('the trace of an apply: what the API server noted', () => {
  const noted = ({
    uid = 'uid',
    time = '2026-01-01T12:00:00Z',
    fields = { 'f:data': { 'f:k': {} } } as object,
    manager = 'metricops/shop/app',
    more = [] as object[],
  } = {}): string =>
    notedOf(gitSync('app', undefined), {
      ...web,
      metadata: {
        ...web.metadata,
        uid,
        managedFields: [{ manager, operation: 'Apply', time, fieldsV1: fields }, ...more],
      },
    });

  it('is the same as long as nobody changes what was applied', () => {
    const status = { manager: 'kubelet', operation: 'Update', subresource: 'status', fieldsV1: { 'f:status': {} } };
    assert.equal(noted({ more: [status] }), noted());
  });

  it('differs where somebody took a field, added one, made the object anew, or where it was applied again', () => {
    const added = { manager: 'kubectl-edit', operation: 'Update', fieldsV1: { 'f:data': { 'f:more': {} } } };
    const others = [
      noted({ fields: { 'f:data': { 'f:other': {} } } }),
      noted({ more: [added] }),
      noted({ uid: 'another' }),
      noted({ time: '2026-01-01T12:00:01Z' }),
    ];
    assert.equal(new Set([noted(), ...others]).size, others.length + 1);
  });

  it('is nothing where the GitSync did not apply the object', () => {
    assert.equal(noted({ manager: 'metricops/shop/other' }), '');
  });
});

describe('digests of groups of traces', () => {
  const traces = (changed?: string): Map<string, Trace> =>
    new Map(
      Array.from({ length: 2_000 }, (_, i) => `shop_${i}__ConfigMap`).map((key) => [
        key,
        { sent: 's', noted: key === changed ? 'changed' : 'n' },
      ]),
    );

  it('name the group of what changed, in whatever order the objects come', () => {
    const changed = 'shop_7__ConfigMap';
    const before = groupDigests(traces());
    const after = groupDigests(new Map([...traces(changed)].toReversed()));
    const differing = before.flatMap((digest, group) => (digest === after[group] ? [] : [group]));
    assert.deepEqual(differing, [groupOfKey(changed)]);
  });
});
