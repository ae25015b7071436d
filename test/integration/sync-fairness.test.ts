import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { resources } from '../../src/kube/index.ts';
import { type GitServer, startGitServer } from '../../tools/lib/git-server.ts';
import { type ForeignWebhook, runForeignWebhook } from '../support/admission.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, holdBack, imageOf, useSync, yaml } from '../support/sync.ts';

describe('what is sick delays nobody else', () => {
  const { plane, bench, start } = useSync();

  describe('a Git server that answers nothing', () => {
    let silent: GitServer;
    before(async () => {
      silent = await startGitServer();
      silent.setFault('hang');
    });
    after(() => silent?.close());

    it('does not delay the GitSyncs of other servers, however many use it', async () => {
      const ns = await plane().namespace('silent');
      const url = (i: number): string => `${silent.url}/team-${i}.git`;
      const names = Array.from({ length: 100 }, (_, i) => i);
      await Promise.all(
        names.map((i) => bench().sync(ns, `team-${i}`, { source: { git: { url: url(i) } }, timeout: '60s' })),
      );
      await eventually(() => silent.requests.length >= 10, { what: 'questions to the silent server' });
      const { ready, push, get } = await start({ 'a.yaml': yaml(configMap('one')) });
      await ready();
      const sha = push({ 'a.yaml': yaml(configMap('two')) });
      await ready('True', new RegExp(sha));
      assert.ok(await get(resources.configMaps, 'two'));
      assert.ok(silent.requests.length < names.length, 'the silent server is still being asked');
    });
  });

  describe('a namespace in which every write hangs', () => {
    let webhook: ForeignWebhook;
    let sick: string[];
    before(async () => {
      sick = [await plane().namespace('sick'), await plane().namespace('sick')];
      webhook = await runForeignWebhook(plane(), sick);
    });
    after(() => webhook?.remove());

    it('delays neither the GitSyncs of other namespaces nor a rollback, and is synced when it recovers', async () => {
      const well = await start({ 'web.yaml': yaml(configMap('settings'), deployment('web', 'shop:v1')) });
      await well.ready();
      const good = await well.get(resources.deployments, 'web');
      const bad = well.push({ 'web.yaml': yaml(configMap('settings'), deployment('web', 'shop:v2')) });
      await well.ready('True', new RegExp(bad));
      const now = await well.get(resources.deployments, 'web');
      webhook.say('hang');
      const teams = Array.from({ length: 20 }, (_, i) => `team-${i}`);
      const prices = (team: string) => Array.from({ length: 10 }, (_, i) => configMap(`${team}-price-${i}`));
      const files = Object.fromEntries(['app', ...teams].map((team) => [`${team}/a.yaml`, yaml(...prices(team))]));
      const delayed = await Promise.all(sick.map((namespace) => start(files, { path: 'app' }, { namespace })));
      for (const { ns, repository } of delayed) {
        for (const team of teams)
          await bench().sync(ns, team, { source: { git: { url: repository.url } }, path: team });
      }
      await eventually(() => webhook.open() >= 15, { what: 'writes that hang' });

      const another = await start({ 'a.yaml': yaml(configMap('one')) });
      await another.ready();
      await holdBack(plane(), well.ns, { good, bad: now });
      await eventually(async () => imageOf(await well.get(resources.deployments, 'web')) === 'shop:v1', {
        what: 'the rollback',
      });
      assert.ok(webhook.open() > 0, 'writes still hang');

      webhook.say('allow');
      for (const { ns } of delayed) for (const team of ['app', ...teams]) await bench().ready(ns, team);
    });
  });
}).timeout(60_000);
