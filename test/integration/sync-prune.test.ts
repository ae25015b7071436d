import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations } from '../../src/api/annotations.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import { type KubeObject, keyString } from '../../src/api/meta.ts';
import { unrestrictedPolicy } from '../../src/api/platform-policy.ts';
import { systemClock } from '../../src/clock.ts';
import { createFairSemaphore } from '../../src/fair-semaphore.ts';
import { type KubeClient, type ResourceType, resources } from '../../src/kube/index.ts';
import { createKeyedLock } from '../../src/lock.ts';
import { createHandover } from '../../src/sync/inventory/handover.ts';
import { pruneAll } from '../../src/sync/inventory/prune.ts';
import { createOwnedObjects } from '../../src/sync/objects/owned-objects.ts';
import { newSyncState } from '../../src/sync/state/sync-state.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, holdBack, type StartedSync, useSync, yaml } from '../support/sync.ts';

const FINALIZER = 'example.com/hold';

const login = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'login' }, stringData: { user: 'shop' } };

/** Whether the API server was told to delete it. */
const isGone = (object: KubeObject | undefined): boolean =>
  object === undefined || object.metadata.deletionTimestamp !== undefined;

const numbered = (count: number): string =>
  yaml(...Array.from({ length: count }, (_, i) => configMap(`tenant-${String(i).padStart(4, '0')}`)));

describe('pruning', () => {
  const { plane, bench, start } = useSync();

  const names = async ({ ns }: StartedSync, type: ResourceType = resources.configMaps): Promise<string[]> => {
    const { items } = await plane().client.list(type, { namespace: ns });
    return items
      .map(({ metadata }) => metadata.name)
      .filter((name) => name !== 'kube-root-ca.crt')
      .toSorted();
  };
  /** What the events of its namespace say. */
  const notes = async ({ ns }: StartedSync): Promise<string[]> =>
    (await plane().client.list(resources.events, { namespace: ns })).items.map(({ note }) => String(note));
  const live = async ({ ns }: StartedSync): Promise<GitSync> => {
    const found = await plane().client.get<GitSync>(resources.gitSyncs, { namespace: ns, name: 'app' });
    assert.ok(found);
    return found;
  };
  const tracked = ({ status }: GitSync): string[] =>
    (status?.inventory?.entries ?? []).map(({ id }) => id.split('_')[1] ?? '');
  const remove = ({ ns }: StartedSync) => plane().client.delete(resources.gitSyncs, { namespace: ns, name: 'app' });
  const removed = ({ ns }: StartedSync) =>
    eventually(
      async () => (await plane().client.get(resources.gitSyncs, { namespace: ns, name: 'app' })) === undefined,
      { what: 'the end of the GitSync' },
    );
  const clearStatus = async (sync: StartedSync, fields: object): Promise<void> => {
    await plane().client.patch(
      resources.gitSyncs,
      { namespace: sync.ns, name: 'app' },
      { type: 'merge', body: { status: fields } },
      { subresource: 'status' },
    );
  };

  it('keeps an object that is annotated with metricops.dev/prune: disabled, and says so', async () => {
    const kept = configMap('audit-log', {}, { [annotations.prune]: 'Disabled' });
    const sync = await start({ 'a.yaml': yaml(kept, configMap('cache'), configMap('settings')) });
    await sync.ready();
    const sha = sync.push({ 'a.yaml': yaml(configMap('settings')) });
    await sync.ready('True', new RegExp(`${sha}.*ConfigMap ${sync.ns}/audit-log.*metricops.dev/prune`));
    assert.deepEqual(await names(sync), ['audit-log', 'settings']);
    const told = async () => (await notes(sync)).some((note) => /audit-log .*metricops.dev\/prune/.test(note));
    await eventually(told, { what: 'the event' });
    await remove(sync);
    await removed(sync);
    assert.deepEqual(await names(sync), ['audit-log']);
  });

  it('keeps what left Git with prune: false and says so, until prune is turned on', async () => {
    const sync = await start({ 'a.yaml': yaml(configMap('old-banner'), configMap('settings')) }, { prune: false });
    await sync.ready();
    const sha = sync.push({ 'a.yaml': yaml(configMap('settings')) });
    await sync.ready('True', new RegExp(`${sha}.*ConfigMap ${sync.ns}/old-banner.*spec.prune`));
    assert.deepEqual(await names(sync), ['old-banner', 'settings']);
    await sync.edit(resources.gitSyncs, 'app', { spec: { prune: true } });
    await eventually(async () => isGone(await sync.get(resources.configMaps, 'old-banner')), { what: 'the prune' });
    const ready = await eventually(async () => {
      const now = await sync.ready();
      return now.status?.objectCount === 1 ? now : undefined;
    });
    assert.doesNotMatch(ready.status?.conditions?.find((c) => c.type === 'Ready')?.message ?? '', /old-banner/);
  });

  it('prunes in the reverse of the order in which it applies', async () => {
    const of = (apiVersion: string, kind: string, name: string, rest: object = {}): object => ({
      apiVersion,
      kind,
      metadata: { name, finalizers: [FINALIZER] },
      ...rest,
    });
    const discovered = async (apiVersion: string, kind: string): Promise<ResourceType> => {
      const type = await plane().discovery.find(apiVersion, kind);
      assert.ok(type);
      return type;
    };
    // Kinds that no controller writes to.
    const types: [ResourceType, string][] = [
      [resources.serviceAccounts, 'checkout'],
      [resources.configMaps, 'checkout-settings'],
      [resources.services, 'checkout'],
      [await discovered('networking.k8s.io/v1', 'NetworkPolicy'), 'checkout'],
      [await discovered('networking.k8s.io/v1', 'Ingress'), 'checkout'],
    ];
    const sync = await start({
      'a.yaml': yaml(
        of('networking.k8s.io/v1', 'NetworkPolicy', 'checkout', { spec: { podSelector: {} } }),
        of('v1', 'ServiceAccount', 'checkout'),
        of('networking.k8s.io/v1', 'Ingress', 'checkout', {
          spec: { defaultBackend: { service: { name: 'checkout', port: { number: 80 } } } },
        }),
        of('v1', 'ConfigMap', 'checkout-settings'),
        of('v1', 'Service', 'checkout', { spec: { selector: { app: 'checkout' }, ports: [{ port: 80 }] } }),
      ),
      'b.yaml': yaml(configMap('stays')),
    });
    await sync.ready();
    try {
      const sha = sync.push({ 'a.yaml': null });
      await sync.ready('True', new RegExp(sha));
      // Held by the finalizer, each still shows when its deletion was asked for: the resourceVersion counts up with each write.
      const asked = await Promise.all(
        types.map(async ([type, name]) => {
          const object = await sync.get(type, name);
          assert.ok(object?.metadata.deletionTimestamp, `${type.kind} is being deleted`);
          return { kind: type.kind, at: Number(object.metadata.resourceVersion) };
        }),
      );
      const order = asked.toSorted((a, b) => a.at - b.at).map(({ kind }) => kind);
      assert.deepEqual(order, ['Ingress', 'NetworkPolicy', 'Service', 'ConfigMap', 'ServiceAccount']);
    } finally {
      for (const [type, name] of types) await sync.edit(type, name, { metadata: { finalizers: null } });
    }
  });

  it('prunes the rest when the finalizer of another controller holds one object', async () => {
    const sync = await start({
      'a.yaml': yaml(configMap('held'), configMap('free'), configMap('settings', { v: '1' })),
    });
    await sync.ready();
    await sync.edit(resources.configMaps, 'held', { metadata: { finalizers: [FINALIZER] } });
    try {
      const sha = sync.push({ 'a.yaml': yaml(configMap('settings', { v: '2' })) });
      await sync.ready('True', new RegExp(sha));
      assert.deepEqual(await names(sync), ['held', 'settings']);
      assert.ok((await sync.get(resources.configMaps, 'held'))?.metadata.deletionTimestamp);
      const next = sync.push({ 'a.yaml': yaml(configMap('settings', { v: '3' })) });
      await sync.ready('True', new RegExp(next));
      assert.deepEqual((await sync.get(resources.configMaps, 'settings'))?.data, { v: '3' });
    } finally {
      await sync.edit(resources.configMaps, 'held', { metadata: { finalizers: null } });
    }
    assert.deepEqual(await names(sync), ['settings']);
  });

  it('names an object that it may not delete, keeps it tracked, and tries again', async () => {
    const sync = await start({ 'a.yaml': yaml(configMap('ledger'), configMap('settings')) });
    await sync.ready();
    const policy = `keep-${sync.ns}`;
    const admission = (kind: string, spec: object): string =>
      yaml({ apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name: policy }, spec });
    const matchResources = {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': sync.ns } },
      resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['configmaps'] }],
    };
    const validations = [{ expression: 'oldObject.metadata.name != "ledger"', message: 'the ledger is never deleted' }];
    try {
      plane().kubectl(
        ['apply', '-f', '-'],
        `${admission('ValidatingAdmissionPolicy', { matchConstraints: matchResources, validations })}\n---\n${admission(
          'ValidatingAdmissionPolicyBinding',
          { policyName: policy, validationActions: ['Deny'] },
        )}`,
      );
      await eventually(
        () => {
          try {
            plane().kubectl(['-n', sync.ns, 'delete', 'configmap', 'ledger', '--dry-run=server']);
            return false;
          } catch {
            return true;
          }
        },
        { what: 'the policy is in force' },
      );
      sync.push({ 'a.yaml': yaml(configMap('settings')) });
      await sync.ready('False', /PruneFailed .*ledger.*the ledger is never deleted/);
      assert.ok(tracked(await live(sync)).includes('ledger'));
    } finally {
      plane().kubectl(['delete', 'validatingadmissionpolicybinding,validatingadmissionpolicy', policy]);
    }
    await sync.ready();
    assert.deepEqual(await names(sync), ['settings']);
  });

  it('prunes what left Git while no controller ran', async () => {
    const sync = await start({ 'a.yaml': yaml(configMap('one'), configMap('two'), login) });
    await sync.ready();
    let sha = '';
    await bench().restart(async () => {
      sha = sync.repository.commit({ 'a.yaml': yaml(configMap('two')) });
    });
    await sync.ready('True', new RegExp(sha));
    assert.deepEqual([await names(sync), await names(sync, resources.secrets)], [['two'], []]);
  });

  it('rebuilds the inventory from the labels when the status is lost', async () => {
    const sync = await start({ 'a.yaml': yaml(configMap('one'), configMap('two')) });
    await sync.ready();
    let sha = '';
    await bench().restart(async () => {
      sha = sync.repository.commit({ 'a.yaml': yaml(configMap('two')) });
      await clearStatus(sync, { inventory: null, objects: null, lastAppliedRevision: null, conditions: null });
    });
    const ready = await sync.ready('True', new RegExp(sha));
    assert.deepEqual(await names(sync), ['two']);
    assert.deepEqual(tracked(ready), ['two']);
  });

  it('finds an object of a kind that Git has none of any more when the status is lost', async () => {
    const sync = await start({ 'a.yaml': yaml(configMap('one'), login) });
    await sync.ready();
    let sha = '';
    await bench().restart(async () => {
      sha = sync.repository.commit({ 'a.yaml': yaml(configMap('one')) });
      await clearStatus(sync, { inventory: null, objects: null, lastAppliedRevision: null, conditions: null });
    });
    await sync.ready('True', new RegExp(sha));
    assert.deepEqual(await names(sync, resources.secrets), []);
  });

  it('deletes no object of somebody else that carries the label of a GitSync', async () => {
    const sync = await start({ 'a.yaml': yaml(configMap('mine')) });
    await sync.ready();
    const label = (await sync.get(resources.configMaps, 'mine'))?.metadata.labels;
    await plane().client.create(resources.configMaps, {
      ...configMap('theirs'),
      metadata: { namespace: sync.ns, name: 'theirs', ...(label && { labels: label }) },
    });
    await bench().restart();
    const sha = sync.push({ 'a.yaml': yaml(configMap('other')) });
    await sync.ready('True', new RegExp(sha));
    assert.deepEqual(await names(sync), ['other', 'theirs']);
  });

  it('keeps the GitSync small above 1,000 objects, and prunes exactly what left, also after a restart', async function () {
    this.timeout(120_000);
    const sync = await start({ 'a.yaml': numbered(1_200), 'b.yaml': yaml(login) });
    const first = await sync.ready();
    assert.equal(first.status?.objectCount, 1_201);
    assert.equal(first.status?.inventory, undefined);
    assert.deepEqual(
      first.status?.inventoryKinds?.toSorted((a, b) => a.objectCount - b.objectCount),
      [
        { group: '', kind: 'Secret', objectCount: 1 },
        { group: '', kind: 'ConfigMap', objectCount: 1_200 },
      ],
    );
    assert.ok(JSON.stringify(first).length < 10_000, 'the object is small');
    const second = sync.push({ 'a.yaml': numbered(1_100) });
    await sync.ready('True', new RegExp(second));
    assert.equal((await names(sync)).length, 1_100);
    let third = '';
    await bench().restart(async () => {
      third = sync.repository.commit({ 'a.yaml': numbered(900), 'b.yaml': null });
    });
    const last = await sync.ready('True', new RegExp(third));
    assert.deepEqual([(await names(sync)).length, (await names(sync)).at(-1)], [900, 'tenant-0899']);
    assert.deepEqual(await names(sync, resources.secrets), []);
    assert.equal(last.status?.inventory?.entries.length, 900);
    assert.equal(last.status?.inventoryKinds, undefined);
  });

  it('deletes nothing more once the Lease is lost', async () => {
    const sync = await start({ 'a.yaml': numbered(9) });
    const owner = await sync.ready();
    await sync.edit(resources.gitSyncs, 'app', { spec: { suspend: true } }); // nobody brings back what is deleted here
    await eventually(async () => (await live(sync)).status?.conditions?.some((c) => c.type === 'Suspended'));
    const lease = new AbortController();
    const { client, discovery } = plane();
    const losing: KubeClient = {
      ...client,
      async delete(...args) {
        await client.delete(...args);
        lease.abort(new Error('no longer the leader'));
      },
    };
    const owned = createOwnedObjects(
      client,
      { clock: systemClock, random: Math.random },
      () => {},
      () => undefined,
    );
    const keys = tracked(owner).map((name) => keyString({ group: '', kind: 'ConfigMap', namespace: sync.ns, name }));
    const ports = {
      client: losing,
      discovery,
      owned,
      lock: createKeyedLock(),
      turns: createFairSemaphore({ slots: 1, perGroup: 1 }),
      handover: createHandover({
        clock: systemClock,
        syncs: () => [],
        syncOf: () => undefined,
        sources: { head: () => undefined, holds: () => false },
        policy: () => unrestrictedPolicy,
        onChange: () => {},
      }),
      signal: lease.signal,
    };
    const pruned = pruneAll(owner, newSyncState(), { keys, commit: sync.commit }, ports);
    await assert.rejects(pruned, /no longer the leader/);
    await owned.stop();
    assert.equal((await names(sync)).length, 8);
  });

  describe('waits', () => {
    const condition = (sync: GitSync, type: string) => sync.status?.conditions?.find((c) => c.type === type);
    /** The GitSync when its condition PrunePending has this reason. */
    const pending = (sync: StartedSync, reason: string): Promise<GitSync> =>
      eventually(
        async () => {
          const now = await live(sync);
          if (condition(now, 'PrunePending')?.reason !== reason)
            throw new Error(JSON.stringify(now.status?.conditions));
          return now;
        },
        { what: `PrunePending ${reason}` },
      );
    const confirm = (sync: StartedSync, type: ResourceType, name: string, uid: string | undefined) =>
      sync.edit(type, name, { metadata: { annotations: { [annotations.pruneConfirmed]: uid ?? '' } } });

    it('for the whole commit: what it replaces stays while the replacement is refused, and until it is ready', async () => {
      const old = deployment('web', 'shop:1');
      const sync = await start({ 'a.yaml': yaml(configMap('settings'), old) });
      await sync.ready();
      const wrong = deployment('web-v2', 'shop:2', 'settings', { replica: 3 });
      sync.push({ 'a.yaml': yaml(configMap('settings-v2'), wrong) });
      await sync.ready('False', /ObjectRejected .*web-v2.*spec.replica/);
      const waiting = await pending(sync, 'PruneBlocked');
      assert.deepEqual(await names(sync), ['settings', 'settings-v2']);
      assert.equal(isGone(await sync.get(resources.deployments, 'web')), false);
      assert.match(condition(waiting, 'PrunePending')?.message ?? '', /Deployment .*web \(until Deployment .*web-v2 /);
      assert.deepEqual(waiting.status?.prunePending?.map(({ id }) => id.split('_')[1]).toSorted(), ['settings', 'web']);
      const sha = sync.push({
        'a.yaml': yaml(configMap('settings-v2'), deployment('web-v2', 'shop:2', 'settings-v2', { replicas: 0 })),
      });
      await sync.ready('True', new RegExp(sha));
      const ready = await eventually(
        async () => {
          const now = await live(sync);
          return condition(now, 'PrunePending')?.status === 'False' ? now : undefined;
        },
        { what: 'the new name to be ready', timeoutMs: 20_000 },
      );
      assert.deepEqual(await names(sync), ['settings-v2']);
      assert.equal(isGone(await sync.get(resources.deployments, 'web')), true);
      assert.equal(condition(ready, 'PrunePending')?.status, 'False');
      assert.equal(ready.status?.prunePending, undefined);
    });

    it('for the end of a Hold on the whole sync', async () => {
      const files = (image: string, ...more: object[]) => ({
        'a.yaml': yaml(configMap('settings'), deployment('web', image), ...more),
      });
      const sync = await start(files('shop:1', configMap('banner')));
      await sync.ready();
      const good = await sync.get(resources.deployments, 'web');
      const second = sync.push(files('shop:2', configMap('banner')));
      await sync.ready('True', new RegExp(second));
      const bad = await sync.get(resources.deployments, 'web');
      const hold = await holdBack(plane(), sync.ns, { good, bad });
      await sync.edit(resources.holds, hold.metadata.name, { spec: { scope: 'GitSync' } });
      const third = sync.push(files('shop:2'));
      await eventually(async () => (await live(sync)).status?.lastAttemptedRevision?.endsWith(third), {
        what: 'the commit',
      });
      await pending(sync, 'ReleaseHeld');
      assert.deepEqual(await names(sync), ['banner', 'settings']);
      const fourth = sync.push(files('shop:3'));
      await sync.ready('True', new RegExp(fourth));
      assert.deepEqual(await names(sync), ['settings']);
    });

    it('for a person where a PersistentVolumeClaim left Git, and says how to confirm it', async () => {
      const claim = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      };
      const type = await plane().discovery.find('v1', 'PersistentVolumeClaim');
      assert.ok(type);
      const sync = await start({ 'a.yaml': yaml(configMap('settings'), configMap('banner'), claim) });
      await sync.ready();
      const sha = sync.push({ 'a.yaml': yaml(configMap('settings')) });
      await sync.ready('True', new RegExp(sha));
      const waiting = await pending(sync, 'ConfirmationRequired');
      assert.deepEqual(await names(sync), ['settings']);
      const { uid } = (await sync.get(type, 'data'))?.metadata ?? {};
      const command = `kubectl annotate persistentvolumeclaims data -n ${sync.ns} metricops.dev/prune-confirmed=${uid}`;
      assert.ok(condition(waiting, 'PrunePending')?.message.includes(command));
      await confirm(sync, type, 'data', 'the uid of another one');
      await eventually(async () => (await live(sync)).status?.lastAttemptedRevision?.endsWith(sha));
      const next = sync.push({ 'a.yaml': yaml(configMap('settings', { v: '2' })) });
      await sync.ready('True', new RegExp(next));
      assert.equal(isGone(await sync.get(type, 'data')), false);
      await confirm(sync, type, 'data', uid);
      await eventually(async () => isGone(await sync.get(type, 'data')), { what: 'the prune of the claim' });
      await eventually(async () => condition(await live(sync), 'PrunePending')?.status === 'False', {
        what: 'the end',
      });
    });

    it('for a person where a Namespace left Git, and lets go of it when the GitSync is deleted', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('settings')) });
      await sync.ready();
      const team = `${sync.ns}-team`;
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: team } };
      const inside = { ...configMap('inside'), metadata: { name: 'inside', namespace: team } };
      const second = sync.push({ 'b.yaml': yaml(namespace, inside) });
      await sync.ready('True', new RegExp(second));
      sync.push({ 'b.yaml': null });
      await pending(sync, 'ConfirmationRequired');
      assert.equal(isGone(await plane().client.get(resources.namespaces, { name: team })), false);
      assert.equal(await plane().client.get(resources.configMaps, { namespace: team, name: 'inside' }), undefined);
      await remove(sync);
      await removed(sync);
      const left = await plane().client.get(resources.namespaces, { name: team });
      assert.equal(isGone(left), false);
      assert.equal(left?.metadata.labels?.['metricops.dev/sync'], undefined);
      const told = async () =>
        (await notes(sync)).some((note) => note.includes(`left in the cluster: Namespace ${team}`));
      await eventually(told, { what: 'the event' });
      await plane().client.delete(resources.namespaces, { name: team });
    });

    it('for a person where a CustomResourceDefinition has objects, and not where it has none', async () => {
      const definition = (plural: string): object => ({
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `${plural}.prune.example.com` },
        spec: {
          group: 'prune.example.com',
          scope: 'Namespaced',
          names: { plural, singular: plural.slice(0, -1), kind: plural.slice(0, -1), listKind: `${plural}List` },
          versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
        },
      });
      const sync = await start({
        'a.yaml': yaml(configMap('settings')),
        'b.yaml': yaml(definition('cups'), definition('spoons')),
      });
      await sync.ready();
      const cup = { apiVersion: 'prune.example.com/v1', kind: 'cup', metadata: { name: 'mine' } };
      plane().kubectl(['apply', '-n', sync.ns, '-f', '-'], yaml(cup));
      const sha = sync.push({ 'b.yaml': null });
      await sync.ready('True', new RegExp(sha));
      await pending(sync, 'ConfirmationRequired');
      const get = (plural: string) => plane().client.get(resources.crds, { name: `${plural}.prune.example.com` });
      assert.equal(isGone(await get('cups')), false);
      assert.equal(isGone(await get('spoons')), true);
      const uid = (await get('cups'))?.metadata.uid ?? '';
      const body = { metadata: { annotations: { [annotations.pruneConfirmed]: uid } } };
      await plane().client.patch(resources.crds, { name: 'cups.prune.example.com' }, { type: 'merge', body });
      await eventually(async () => isGone(await get('cups')), { what: 'the prune of the definition' });
    });

    it('for a person where a commit loses more than half, and applies the rest of it', async () => {
      const sync = await start({ 'a.yaml': numbered(12), 'b.yaml': yaml(configMap('limits', { v: '1' })) });
      await sync.ready();
      sync.push({ 'a.yaml': numbered(4), 'b.yaml': yaml(configMap('limits', { v: '2' })) });
      await sync.ready('False', /PruneLimitExceeded .*8 of 13 objects.*50%/);
      const waiting = await pending(sync, 'PruneLimitExceeded');
      assert.equal((await names(sync)).length, 13);
      assert.deepEqual((await sync.get(resources.configMaps, 'limits'))?.data, { v: '2' });
      const [, name, value] = /--overwrite (\S+)=(\w+)/.exec(condition(waiting, 'PrunePending')?.message ?? '') ?? [];
      assert.equal(name, annotations.pruneConfirmed);
      // What was confirmed are these objects: one more is another question.
      sync.push({ 'a.yaml': numbered(3) });
      await sync.ready('False', /PruneLimitExceeded .*9 of 13 objects/);
      await sync.edit(resources.gitSyncs, 'app', {
        metadata: { annotations: { [annotations.pruneConfirmed]: value } },
      });
      await sync.ready('False', /PruneLimitExceeded/);
      assert.equal((await names(sync)).length, 13);
      const last = sync.push({ 'a.yaml': numbered(4) });
      await sync.ready('True', new RegExp(last));
      assert.equal((await names(sync)).length, 5);
    });

    it('for nobody where spec.maxPrune allows it', async () => {
      const sync = await start({ 'a.yaml': numbered(12) }, { maxPrune: '100%' });
      await sync.ready();
      const sha = sync.push({ 'a.yaml': numbered(1) });
      await sync.ready('True', new RegExp(sha));
      assert.equal((await names(sync)).length, 1);
    });
  });

  describe('of a GitSync that is deleted', () => {
    /** What is left of one ConfigMap. */
    const leftAfter = async (spec: object): Promise<string[]> => {
      const sync = await start({ 'a.yaml': yaml(configMap('one')) });
      await sync.ready();
      await sync.edit(resources.gitSyncs, 'app', { spec });
      await remove(sync);
      await removed(sync);
      return names(sync);
    };

    it('deletes its objects with deletionPolicy Delete, though prune is off', async () =>
      assert.deepEqual(await leftAfter({ deletionPolicy: 'Delete', prune: false }), []));

    it('keeps its objects with deletionPolicy Orphan, though prune is on', async () =>
      assert.deepEqual(await leftAfter({ deletionPolicy: 'Orphan', prune: true }), ['one']));

    it('keeps its objects with the default deletionPolicy where prune is off', async () =>
      assert.deepEqual(await leftAfter({ prune: false }), ['one']));

    it('deletes its objects also when the controller that applied them is gone', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('one')), 'b.yaml': numbered(3) });
      await sync.ready();
      await bench().restart(() => remove(sync));
      await removed(sync);
      assert.deepEqual(await names(sync), []);
    });

    it('keeps everything when it was suspended before', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('one')) });
      await sync.ready();
      await sync.edit(resources.gitSyncs, 'app', { spec: { suspend: true } });
      await remove(sync);
      await removed(sync);
      assert.deepEqual(await names(sync), ['one']);
      assert.equal(
        (await sync.get(resources.configMaps, 'one'))?.metadata.labels?.['metricops.dev/sync'],
        `${sync.ns}.app`,
      );
    });

    it('deletes nothing of what its predecessor of the same name left', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('one')) });
      await sync.ready();
      await sync.edit(resources.gitSyncs, 'app', { spec: { suspend: true } });
      await remove(sync);
      await removed(sync);
      await eventually(() => Date.now() % 1000 < 100); // the API server's times are whole seconds
      await eventually(() => Date.now() % 1000 > 900);
      const other = bench().git.repository(`${sync.ns}-other`);
      const sha = other.commit({ 'a.yaml': yaml(configMap('two')) });
      await bench().sync(sync.ns, 'app', { source: { git: { url: other.url } } });
      await sync.ready('True', new RegExp(sha));
      assert.deepEqual(await names(sync), ['one', 'two']);
    });

    it('lets go of its objects with deletionPolicy Orphan: no mark of ours stays on them', async () => {
      const sync = await start(
        { 'a.yaml': yaml(configMap('settings', { v: '1' }), deployment('web', 'shop:1')) },
        { deletionPolicy: 'Orphan' },
      );
      await sync.ready();
      await sync.edit(resources.configMaps, 'settings', { metadata: { labels: { team: 'shop' } } });
      await remove(sync);
      await removed(sync);
      for (const object of [
        await sync.get(resources.configMaps, 'settings'),
        await sync.get(resources.deployments, 'web'),
      ]) {
        assert.ok(object);
        const { labels = {}, annotations: notes = {}, managedFields = [] } = object.metadata;
        assert.equal(labels['metricops.dev/sync'], undefined);
        assert.deepEqual(
          Object.keys(notes).filter((name) => /metricops.dev\/(commit|source-digest|snapshot)/.test(name)),
          [],
        );
        const managers = (managedFields as { manager: string }[]).map(({ manager }) => manager);
        assert.deepEqual(
          managers.filter((manager) => manager.startsWith('metricops/')),
          [],
        );
      }
      assert.equal((await sync.get(resources.configMaps, 'settings'))?.metadata.labels?.team, 'shop');
      assert.deepEqual((await sync.get(resources.configMaps, 'settings'))?.data, { v: '1' });
    });

    it('keeps its objects elsewhere when its namespace is deleted, which ends', async () => {
      const elsewhere = await plane().namespace('elsewhere');
      const sync = await start({ 'a.yaml': yaml(configMap('one')) }, { targetNamespace: elsewhere });
      await sync.ready();
      await plane().client.delete(resources.namespaces, { name: sync.ns });
      await eventually(async () => (await plane().client.get(resources.namespaces, { name: sync.ns })) === undefined, {
        what: 'the end of the namespace',
        timeoutMs: 60_000,
      });
      assert.equal(
        isGone(await plane().client.get(resources.configMaps, { namespace: elsewhere, name: 'one' })),
        false,
      );
    });

    it('needs no Git: it goes also where its repository can not be read', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('one')) });
      await sync.ready();
      await sync.edit(resources.gitSyncs, 'app', { spec: { source: { git: { url: 'http://127.0.0.1:9/none.git' } } } });
      await sync.ready('False', /RepositoryUnreachable/);
      await remove(sync);
      await removed(sync);
      assert.deepEqual(await names(sync), []);
    });
  });

  describe('and spec.suspend', () => {
    it('applies and corrects nothing while it is suspended, and brings the state in Git back when it is resumed', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('limits', { rps: '100' }), configMap('banner')) });
      await sync.ready();
      await sync.edit(resources.gitSyncs, 'app', { spec: { suspend: true } });
      await eventually(async () =>
        (await live(sync)).status?.conditions?.some((c) => c.type === 'Suspended' && c.status === 'True'),
      );
      const other = await start({ 'a.yaml': yaml(configMap('canary', { v: '1' })) });
      await other.ready();
      const sha = sync.push({ 'a.yaml': yaml(configMap('limits', { rps: '200' })) });
      await sync.edit(resources.configMaps, 'limits', { data: { rps: '1' } });
      await plane().client.delete(resources.configMaps, { namespace: sync.ns, name: 'banner' });
      // Another GitSync's drift, later than all of this, is put right: the reconciler has seen ours.
      await other.edit(resources.configMaps, 'canary', { data: { v: '2' } });
      await eventually(async () => {
        const found = await other.get(resources.configMaps, 'canary');
        return JSON.stringify(found?.data) === '{"v":"1"}';
      });
      assert.deepEqual((await sync.get(resources.configMaps, 'limits'))?.data, { rps: '1' });
      assert.deepEqual(await names(sync), ['limits']);
      await sync.edit(resources.gitSyncs, 'app', { spec: { suspend: false } });
      await sync.ready('True', new RegExp(sha));
      assert.deepEqual((await sync.get(resources.configMaps, 'limits'))?.data, { rps: '200' });
      const suspended = (await live(sync)).status?.conditions?.find((c) => c.type === 'Suspended');
      assert.notEqual(suspended?.status, 'True');
    });

    it('corrects what was changed while it was suspended when Git has nothing new', async () => {
      const sync = await start({ 'a.yaml': yaml(configMap('limits', { rps: '100' }), configMap('banner')) });
      await sync.ready();
      await sync.edit(resources.gitSyncs, 'app', { spec: { suspend: true } });
      await bench().restart(async () => {
        await sync.edit(resources.configMaps, 'limits', { data: { rps: '1' } });
        await plane().client.delete(resources.configMaps, { namespace: sync.ns, name: 'banner' });
      });
      await sync.edit(resources.gitSyncs, 'app', { spec: { suspend: false } });
      await eventually(() => sync.get(resources.configMaps, 'banner'), { what: 'the banner' });
      assert.deepEqual((await sync.get(resources.configMaps, 'limits'))?.data, { rps: '100' });
    });
  });
});
