import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import { createEventSink, isRejected, type KubeError, resources } from '../../src/kube/index.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { newKind, removeKind } from '../support/widgets.ts';

const configMap = (namespace: string, name: string, data: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
  data,
});

describe('the API client', () => {
  const plane = useControlPlane();

  it('applies, conflicts, forces and deletes as the API server says', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('kube');
    const one = await client.apply(resources.configMaps, configMap(ns, 'a', { k: '1' }), { fieldManager: 'one' });
    assert.deepEqual(one.data, { k: '1' });
    const other = configMap(ns, 'a', { k: '2' });
    const refused = client.apply(resources.configMaps, other, { fieldManager: 'two' });
    await assert.rejects(refused, (e: KubeError) => e.status === 409 && /conflict with "one"/.test(e.message));
    await client.apply(resources.configMaps, other, { fieldManager: 'two', force: true });
    assert.deepEqual((await client.get(resources.configMaps, { namespace: ns, name: 'a' }))?.data, { k: '2' });
    await client.delete(resources.configMaps, { namespace: ns, name: 'a' });
    await client.delete(resources.configMaps, { namespace: ns, name: 'a' });
    assert.equal(await client.get(resources.configMaps, { namespace: ns, name: 'a' }), undefined);
  });

  it('refuses a field that the kind does not have, by name', async () => {
    const { client, namespace } = plane();
    const wrong = { ...configMap(await namespace('kube'), 'a'), dtaa: {} };
    await assert.rejects(client.apply(resources.configMaps, wrong, { fieldManager: 'one' }), /dtaa/);
  });

  it('keeps the case of names in paths', async () => {
    const { client } = plane();
    const type = {
      group: 'rbac.authorization.k8s.io',
      version: 'v1',
      kind: 'ClusterRole',
      plural: 'clusterroles',
      namespaced: false,
    };
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'MetricopsTest:View' },
      rules: [],
    };
    await client.apply(type, role, { fieldManager: 'one' });
    assert.equal((await client.get(type, { name: 'MetricopsTest:View' }))?.metadata.name, 'MetricopsTest:View');
    await client.delete(type, { name: 'MetricopsTest:View' });
  });

  it('lists all pages, with kinds, and metadata alone where asked', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('kube');
    await Promise.all(
      Array.from({ length: 510 }, (_, i) => client.create(resources.configMaps, configMap(ns, `m-${i}`))),
    );
    const { items } = await client.list(resources.configMaps, { namespace: ns, metadataOnly: true });
    assert.equal(items.length, 511); // with kube-root-ca.crt
    assert.equal(items[0]?.kind, 'ConfigMap');
    assert.equal(items[0]?.data, undefined);
  });

  it('finds kinds by discovery, a new one too, and says when there is none', async () => {
    const { discovery } = plane();
    assert.equal((await discovery.find('apps/v1', 'Deployment'))?.plural, 'deployments');
    assert.equal((await discovery.findKind('metricops.dev', 'Hold'))?.plural, 'holds');
    assert.equal((await discovery.find('v1', 'Namespace'))?.namespaced, false);
    assert.equal(await discovery.find('example.com/v1', 'Nothing'), undefined);
  });

  it('finds a kind that was defined after it was first asked for', async () => {
    const { client, discovery } = plane();
    const { type, definition } = newKind();
    assert.equal(await discovery.find(`${type.group}/v1`, 'Widget'), undefined);
    await client.create(resources.crds, definition);
    const found = await eventually(() => discovery.find(`${type.group}/v1`, 'Widget'), { what: 'the new kind' });
    assert.deepEqual(found, type);
    await removeKind(client, definition);
  });

  it('acts as another user when told so', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('kube');
    const nobody = client.impersonate({ userName: `system:serviceaccount:${ns}:default` });
    const denied = nobody.get(resources.configMaps, { namespace: ns, name: 'kube-root-ca.crt' });
    await assert.rejects(denied, (e: KubeError) => e.status === 403);
  });

  it('passes each group of an impersonated user', async () => {
    const bob = plane().client.impersonate({ userName: 'bob', groups: ['one', 'two'] });
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const answer = await bob.raw('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', review);
    const { userInfo } = (answer as { status: { userInfo: { username: string; groups: string[] } } }).status;
    assert.deepEqual(userInfo, { username: 'bob', groups: ['one', 'two', 'system:authenticated'] });
  });

  it('never shows the value of a Secret that the API server refuses', async () => {
    const { client, namespace } = plane();
    const ns = await namespace('kube');
    const secret = (fields: object): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: ns, name: 's' },
      ...fields,
    });
    for (const fields of [
      { stringData: { pin: 471147 } },
      { stringData: { nested: { pin: '471147' } } },
      { data: ['471147'] },
      { data: { pin: '471147!' } },
      { type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': '471147,' } },
    ]) {
      await assert.rejects(
        client.apply(resources.secrets, secret(fields), { fieldManager: 'one' }),
        (e: KubeError) => isRejected(e) && !JSON.stringify([e.message, e.details]).includes('471147'),
      );
    }
  });

  it('records events that kubectl shows', async () => {
    const { client, kubectl, namespace } = plane();
    const ns = await namespace('kube');
    const object = await client.create(resources.configMaps, configMap(ns, 'a'));
    const occurred = createEventSink(client, { instance: 'test', clock: systemClock });
    const event = {
      regarding: object,
      severity: 'warning',
      reason: 'TestReason',
      action: 'Sync',
      message: 'what happened',
    } as const;
    occurred(event);
    occurred(event);
    const shown = await eventually(() => kubectl(['get', 'events', '-n', ns, '--no-headers']) || undefined);
    assert.match(shown, /TestReason\s+configmap\/a\s+what happened/);
    assert.equal(shown.trim().split('\n').length, 1);
  });

  it('counts an event that goes on', async () => {
    const { client, kubectl, namespace } = plane();
    const ns = await namespace('kube');
    const object = await client.create(resources.configMaps, configMap(ns, 'a'));
    let now = Date.now();
    const errors: unknown[] = [];
    const occurred = createEventSink(client, {
      instance: 'test',
      clock: { ...systemClock, now: () => now },
      onError: (error) => errors.push(error),
    });
    const event = {
      regarding: object,
      severity: 'info',
      reason: 'TestReason',
      action: 'Sync',
      message: 'again',
    } as const;
    occurred(event);
    await eventually(() => kubectl(['get', 'events', '-n', ns, '-o', 'name']).includes('event/a.'));
    now += 61_000;
    occurred(event);
    await eventually(() => kubectl(['get', 'events', '-n', ns, '-o', 'jsonpath={.items[*].series.count}']) === '2', {
      what: 'the count',
    });
    assert.deepEqual(errors, []);
  });
});
