import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { dump } from 'js-yaml';
import { conditionOf } from '../../src/api/conditions.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { ReleaseHistory } from '../../src/api/release-history.ts';
import { createKubeClient, loadConnection, resources } from '../../src/kube/index.ts';
import { startCluster } from '../../tools/cluster/index.ts';
import { startGitServer } from '../../tools/lib/git-server.ts';
import { runCli } from './cli.ts';
import { kubeconfigOfController, startControllerProcess } from './controller-process.ts';
import { alertOf, GIT_URL, moved, NAMESPACE, objectsIn, objectsOfUser, RECORDED_AT, shopAt } from './installation.ts';
import { eventually } from './poll.ts';

// node test/support/record-installation.ts test/fixtures/vX.Y.Z, in the checkout of a release, with its install.yaml in
// that folder: uses that version as somebody does, and writes what is in the cluster then to objects.yaml beside it.

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('which folder? It has the install.yaml of the release');
const dir = resolve(folder);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const cluster = await startCluster({ name: 'recording', node: false, log: say });
const git = await startGitServer();
const client = createKubeClient(await loadConnection({ kubeconfig: cluster.kubeconfig }));
const kubectl = (...args: string[]): Promise<string> =>
  cluster.exec([cluster.kubectl, '--kubeconfig', cluster.kubeconfig, ...args]);
const until = <T>(what: string, check: () => Promise<T>): Promise<Exclude<T, undefined | false | null>> => {
  say(what);
  return eventually(check, { what, timeoutMs: 90_000 });
};
const at = (name: string) => ({ namespace: NAMESPACE, name });
const current = (number: number) =>
  until(`release ${number} of web is current`, async () => {
    const history = await client.get<ReleaseHistory>(resources.releaseHistories, at('deployment-web'));
    return history?.spec.currentRelease === number;
  });
const synced = (commit: string) =>
  until(`${commit} is applied`, async () => {
    const sync = await client.get<GitSync>(resources.gitSyncs, at('shop'));
    const ready = conditionOf({ status: sync?.status }, 'Ready');
    if (ready?.status === 'True' && ready.message?.includes(commit)) return true;
    throw new Error(JSON.stringify(ready));
  });

/** What any backup has of an object, and its status. */
const recorded = ({ metadata, ...object }: KubeObject): KubeObject => ({
  ...object,
  metadata: {
    name: metadata.name,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
    ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
  },
});

try {
  await kubectl('apply', '--server-side', '-f', join(dir, 'install.yaml'));
  await kubectl('delete', 'mutatingwebhookconfiguration', 'metricops'); // no pod runs that would answer it
  await client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  const controller = await startControllerProcess(await kubeconfigOfController(client, cluster.kubeconfig));
  try {
    const repository = git.repository('shop');
    const first = repository.commit(shopAt('web:v1'));
    for (const object of objectsOfUser(repository.url)) await kubectlApply(object);
    await synced(first);
    await current(1);
    const second = repository.commit(shopAt('web:v2'));
    await runCli(cluster.kubeconfig, ['sync', 'shop', '-n', NAMESPACE, '--no-wait']);
    await synced(second);
    await current(2);
    const rollback = [
      'rollback',
      'deploy/web',
      '--to',
      '1',
      '-n',
      NAMESPACE,
      '--no-wait',
      '--message',
      'web times out',
    ];
    const { code, err } = await runCli(cluster.kubeconfig, rollback);
    if (code !== 0) throw new Error(err);
    await until('the Hold holds', async () => {
      const { items } = await client.list<Hold>(resources.holds, { namespace: NAMESPACE });
      return items[0]?.status?.phase === 'Held';
    });
    await until('the release is current that the Hold restored', async () => {
      const history = await client.get<ReleaseHistory>(resources.releaseHistories, at('deployment-web'));
      return history?.spec.currentRelease === 1;
    });
    await until('an alert is taken', async () => (await controller.deliver(alertOf('api'))) === 200);
    await until('the incident is judged', async () => {
      const { items } = await client.list<Incident>(resources.incidents, { namespace: NAMESPACE });
      return items[0]?.status?.phase === 'Judging';
    });
    await until('the set made its GitSync', async () => client.get(resources.gitSyncs, at('blue')));
    await until('everything is settled', async () => {
      const { items } = await client.list<GitSync>(resources.gitSyncs, { namespace: NAMESPACE });
      return items.every(({ status }) => conditionOf({ status }, 'Ready')?.status === 'True');
    });
  } catch (error) {
    say(controller.logged().slice(-6000));
    throw error;
  } finally {
    await controller.stop();
  }
  const byMs = RECORDED_AT - Date.now();
  const objects = (await objectsIn(client)).map((object) => moved(recorded(object), byMs, [git.url, GIT_URL]));
  const head =
    '# Written by test/support/record-installation.ts: what an installation of this version had in its cluster.\n';
  writeFileSync(
    join(dir, 'objects.yaml'),
    head + objects.map((object) => `---\n${dump(object, { lineWidth: -1, noRefs: true })}`).join(''),
  );
  say(`${objects.length} objects in ${join(dir, 'objects.yaml')}`);
} finally {
  await client.close();
  await git.close();
  await cluster.down();
}

async function kubectlApply(object: KubeObject): Promise<void> {
  const file = join(cluster.stateDir, 'object.json');
  writeFileSync(file, JSON.stringify(object));
  await kubectl('apply', '--server-side', '-f', file);
}
