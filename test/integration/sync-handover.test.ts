import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations } from '../../src/api/annotations.ts';
import type { GitSync, GitSyncSpec } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { resources } from '../../src/kube/index.ts';
import type { GitRepository } from '../../tools/lib/git-server.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, useSync, yaml } from '../support/sync.ts';

const workload = yaml(configMap('settings'), deployment('web', 'shop:1'));
const rest = yaml(configMap('rest'));

describe('an object that moves to another GitSync', () => {
  const { plane, bench } = useSync();

  /** Two GitSyncs, `old` and `new`, of the folders with these names; one repository unless another one is given. */
  const two = async (
    specs: { old?: Partial<GitSyncSpec>; next?: Partial<GitSyncSpec> } = {},
    files: Record<string, string> = {
      'old/web.yaml': workload,
      'old/rest.yaml': rest,
      'new/rest.yaml': yaml(configMap('more')),
    },
  ) => {
    const ns = await plane().namespace('move');
    const repository = bench().git.repository(ns);
    repository.commit(files);
    await bench().sync(ns, 'old', { source: { git: { url: repository.url } }, path: 'old', ...specs.old });
    await bench().sync(ns, 'new', { source: { git: { url: repository.url } }, path: 'new', ...specs.next });
    await bench().ready(ns, 'old');
    await bench().ready(ns, 'new');
    const get = (type = resources.deployments, name = 'web') => plane().client.get(type, { namespace: ns, name });
    const before = await get();
    assert.ok(before);
    const push = (changes: Record<string, string | null>, to: GitRepository = repository): string => {
      const sha = to.commit(changes);
      for (const name of ['old', 'new']) bench().controller.requestSync({ namespace: ns, name });
      return sha;
    };
    const ready = (name: string, sha: string) => bench().ready(ns, name, 'True', new RegExp(sha));
    const sync = (name: string) => plane().client.get<GitSync>(resources.gitSyncs, { namespace: ns, name });
    const pending = (name: string) =>
      eventually(
        async () => {
          const found = (await sync(name))?.status?.conditions?.find((c) => c.type === 'PrunePending');
          return found?.reason === 'HandoverPending' ? found : undefined;
        },
        { what: `${name} waits` },
      );
    return { ns, repository, before, get, push, ready, sync, pending };
  };
  const owner = (object: KubeObject | undefined): string | undefined => object?.metadata.labels?.['metricops.dev/sync'];
  const move = { 'old/web.yaml': null, 'new/web.yaml': workload };
  const isMoved = async (moved: Awaited<ReturnType<typeof two>>): Promise<void> => {
    const now = await eventually(
      async () => {
        const object = await moved.get();
        return owner(object) === `${moved.ns}.new` ? object : undefined;
      },
      { what: 'the new owner' },
    );
    assert.equal(now.metadata.uid, moved.before.metadata.uid);
    assert.equal(now.metadata.deletionTimestamp, undefined);
    const managers = ((now.metadata.managedFields ?? []) as { manager: string }[]).map(({ manager }) => manager);
    assert.ok(!managers.includes(`metricops/${moved.ns}/old`), String(managers));
    // Nothing of it is left with the old one.
    await eventually(
      async () => {
        const { status } = (await moved.sync('old')) ?? {};
        if (status?.objectCount !== 1) throw new Error(JSON.stringify(status));
        return true;
      },
      { what: 'the inventory of the old one' },
    );
  };

  for (const [first, specs] of [
    ['any of them', {}],
    ['the old one', { next: { dependsOn: [{ name: 'old' }] } }],
    ['the new one', { old: { dependsOn: [{ name: 'new' }] } }],
  ] as const) {
    it(`in one commit keeps its uid when ${first} comes first`, async () => {
      const moved = await two(specs as object);
      const sha = moved.push(move);
      await isMoved(moved);
      await moved.ready('old', sha);
      await moved.ready('new', sha);
    });
  }

  it('keeps its uid when the commit of the new owner comes first', async () => {
    const moved = await two();
    moved.push({ 'new/web.yaml': workload });
    await bench().ready(moved.ns, 'new', 'False', /OwnedByAnother/);
    const sha = moved.push({ 'old/web.yaml': null });
    await isMoved(moved);
    await moved.ready('new', sha);
  });

  it('keeps its uid when the new owner has another repository, and the leader changes between', async () => {
    const moved = await two();
    const other = bench().git.repository(`${moved.ns}-other`);
    other.commit({ 'new/web.yaml': workload });
    await plane().client.patch(
      resources.gitSyncs,
      { namespace: moved.ns, name: 'new' },
      { type: 'merge', body: { spec: { source: { git: { url: other.url } } } } },
    );
    await bench().ready(moved.ns, 'new', 'False', /OwnedByAnother/);
    await bench().restart(async () => void moved.repository.commit({ 'old/web.yaml': null }));
    await isMoved(moved);
  });

  it('loses the fields that only the old owner had', async () => {
    const moved = await two(
      {},
      {
        'old/web.yaml': yaml(configMap('settings', { kept: '1', dropped: '1' }), deployment('web', 'shop:1')),
        'old/rest.yaml': rest,
        'new/rest.yaml': yaml(configMap('more')),
      },
    );
    moved.push({
      'old/web.yaml': null,
      'new/web.yaml': yaml(configMap('settings', { kept: '2' }), deployment('web', 'shop:1')),
    });
    await isMoved(moved);
    const settings = async () => (await moved.get(resources.configMaps, 'settings'))?.data;
    await eventually(async () => JSON.stringify(await settings()) === '{"kept":"2"}', { what: 'the fields' });
  });

  it('leaves also an owner that does not prune', async () => {
    const moved = await two({ old: { prune: false } });
    moved.push({ 'old/web.yaml': null });
    await bench().ready(moved.ns, 'old', 'True', /gone from Git and kept: .*web/);
    const sha = moved.push({ 'new/web.yaml': workload });
    await isMoved(moved);
    await moved.ready('new', sha);
  });

  it('leaves also an owner that may not prune it', async () => {
    const protectedOnes = [configMap('settings'), deployment('web', 'shop:1')].map((object) => ({
      ...object,
      metadata: { ...object.metadata, annotations: { [annotations.prune]: 'disabled' } },
    }));
    const moved = await two(
      {},
      { 'old/web.yaml': yaml(...protectedOnes), 'old/rest.yaml': rest, 'new/rest.yaml': yaml(configMap('more')) },
    );
    moved.push({ 'old/web.yaml': null });
    await bench().ready(moved.ns, 'old', 'True', /gone from Git and kept: .*web/);
    moved.push({ 'new/web.yaml': yaml(...protectedOnes) });
    await isMoved(moved);
  });

  it('swaps places with one that comes the other way', async () => {
    const moved = await two();
    const more = await moved.get(resources.configMaps, 'more');
    const sha = moved.push({
      'old/web.yaml': null,
      'old/rest.yaml': yaml(configMap('more')),
      'new/rest.yaml': yaml(configMap('rest')),
      'new/web.yaml': workload,
    });
    await isMoved(moved);
    await moved.ready('old', sha);
    await moved.ready('new', sha);
    const now = await moved.get(resources.configMaps, 'more');
    assert.deepEqual([now?.metadata.uid, owner(now)], [more?.metadata.uid, `${moved.ns}.old`]);
  });

  it('is deleted when its removal is a commit of its own', async () => {
    const moved = await two();
    const sha = moved.push({ 'old/web.yaml': null });
    await moved.ready('old', sha);
    await eventually(async () => (await moved.get()) === undefined, { what: 'the prune' });
    const next = moved.push({ 'new/web.yaml': workload });
    await moved.ready('new', next);
    assert.notEqual((await moved.get())?.metadata.uid, moved.before.metadata.uid);
  });

  it("becomes the other one's when the GitSync is deleted that has it", async () => {
    const moved = await two();
    moved.push({ 'new/web.yaml': workload });
    await bench().ready(moved.ns, 'new', 'False', /OwnedByAnother/);
    await plane().client.delete(resources.gitSyncs, { namespace: moved.ns, name: 'old' });
    await eventually(async () => (await moved.sync('old')) === undefined, { what: 'the end of the old one' });
    await eventually(async () => owner(await moved.get()) === `${moved.ns}.new`, { what: 'the new owner' });
    assert.equal((await moved.get())?.metadata.uid, moved.before.metadata.uid);
    assert.equal(await moved.get(resources.configMaps, 'rest'), undefined);
  });

  it('is not handed to one that writes with other rights', async () => {
    const moved = await two();
    plane().kubectl(['create', 'serviceaccount', 'deployer', '-n', moved.ns]);
    plane().kubectl([
      'create',
      'rolebinding',
      'deployer',
      '--clusterrole=admin',
      `--serviceaccount=${moved.ns}:deployer`,
      '-n',
      moved.ns,
    ]);
    await plane().client.patch(
      resources.gitSyncs,
      { namespace: moved.ns, name: 'new' },
      { type: 'merge', body: { spec: { serviceAccountName: 'deployer' } } },
    );
    const sha = moved.push(move);
    await moved.ready('new', sha);
    assert.notEqual((await moved.get())?.metadata.uid, moved.before.metadata.uid);
  });

  describe('the old owner waits', () => {
    it('for one that has not planned the commit, at most for its timeout', async () => {
      const moved = await two({ old: { timeout: '4s' } });
      await plane().client.patch(
        resources.gitSyncs,
        { namespace: moved.ns, name: 'new' },
        { type: 'merge', body: { spec: { dependsOn: [{ name: 'missing' }] } } },
      );
      await bench().ready(moved.ns, 'new', 'False', /DependencyNotReady/);
      const sha = moved.push({ 'old/web.yaml': null, 'new/rest.yaml': yaml(configMap('other')) });
      assert.match(
        (await moved.pending('old')).message,
        /Deployment .*web \(until it is known whether GitSync .*new wants it\)/,
      );
      assert.ok(await moved.get());
      await moved.ready('old', sha); // those that depend on it go on
      await eventually(async () => (await moved.get()) === undefined, { what: 'the prune' });
    });

    for (const [what, spec, changes] of [
      ['a suspended one', { suspend: true }, {}],
      ['one that can not render the commit', {}, { 'new/broken.yaml': 'kind: [' }],
    ] as const) {
      it(`not for ${what}`, async () => {
        const moved = await two({ old: { timeout: '1h' } });
        await plane().client.patch(
          resources.gitSyncs,
          { namespace: moved.ns, name: 'new' },
          { type: 'merge', body: { spec } },
        );
        const sha = moved.push({ 'old/web.yaml': null, 'new/rest.yaml': yaml(configMap('other')), ...changes });
        await moved.ready('old', sha);
        await eventually(async () => (await moved.get()) === undefined, { what: 'the prune' });
      });
    }
  });
});
