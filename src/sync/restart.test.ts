import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { type ApiRequest, createApiServer } from '../../test/support/api-server.ts';
import { gitSync, type Leader, startLeader } from '../../test/support/leader.ts';
import { eventually } from '../../test/support/poll.ts';
import { createRepositories } from '../../test/support/repositories.ts';
import { type GitSync, gitSyncSpec } from '../api/gitsync.ts';
import type { Occurrence } from '../api/occurrence.ts';
import { KubeError, type ResourceType, resources } from '../kube/index.ts';
import { entriesOf } from '../ssa/managed-fields.ts';
import { createMetrics } from '../telemetry/index.ts';

const URL = 'https://git.example.com/shop.git';
const APP = { namespace: 'shop', name: 'app' };
const KEY = (name: string) => ({ namespace: 'shop', name });

const configMap = (name: string, k: string): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { k },
});
const deployment = (image: string, more: object = {}): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' }, ...more }, spec: { containers: [{ name: 'web', image }] } },
  },
});

describe('after a restart', () => {
  let leader: Leader | undefined;
  afterEach(async () => {
    await leader?.stop();
    leader = undefined;
  });

  const setUp = (spec: object = {}) => {
    const server = createApiServer({ namespaces: ['shop'] });
    const repositories = createRepositories();
    const told: Occurrence[] = [];
    const commit = (...objects: object[]) =>
      repositories.commit(URL, Object.fromEntries(objects.map((o, i) => [`${i}.yaml`, JSON.stringify(o)])));
    const full = { ...gitSyncSpec.parse({ source: { git: { url: URL } } }), interval: '1h', ...spec };
    const commitFiles = (files: Record<string, string>) => repositories.commit(URL, files);
    server.seed(resources.gitSyncs, gitSync(APP.namespace, APP.name, full));
    /** Starts a leader that remembers nothing, and waits until it has taken care of the GitSync. */
    const start = async () => {
      const metrics = createMetrics();
      const [before, questions] = [server.requests.length, repositories.asked.length];
      leader = await startLeader(server, repositories, { ports: { metrics, occurred: (o) => told.push(o) } });
      await eventually(async () => {
        const { values } = await metrics.syncs.get();
        return values.some(({ value, labels }) => value > 0 && labels.result !== 'failed');
      });
      return {
        writes: () => server.requests.slice(before).filter(isWrite).map(describeRequest),
        asked: () => server.requests.slice(before),
        renders: () => repositories.asked.slice(questions).filter((question) => question.startsWith('read')).length,
      };
    };
    const stop = async () => {
      await leader?.stop();
      leader = undefined;
    };
    /** What happens while nobody runs. */
    const restart = async (meanwhile: () => unknown = () => {}) => {
      await stop();
      await meanwhile();
      return start();
    };
    const edit = (type: ResourceType, name: string, body: object) =>
      server.client.patch(type, KEY(name), { type: 'merge', body }, { fieldManager: 'kubectl-edit' });
    const status = () => (server.get(resources.gitSyncs, APP.namespace, APP.name) as GitSync).status;
    const kOf = (name: string): unknown =>
      (server.get(resources.configMaps, 'shop', name)?.data as { k?: string } | undefined)?.k;
    return { server, commit, commitFiles, start, restart, stop, edit, status, kOf, told };
  };
  const three = [configMap('a', '1'), configMap('b', '1'), deployment('web:1')];

  it('nothing is written and no object is asked for, where nothing changed', async () => {
    const { commit, start, restart } = setUp();
    commit(...three);
    await start();
    const { asked } = await restart();
    assert.deepEqual(
      asked()
        .filter(({ verb }) => !['list', 'watch'].includes(verb))
        .filter(({ verb }) => verb !== 'raw')
        .map(describeRequest),
      [],
    );
  });

  it('nothing is rendered where nothing changed, nor where a commit leaves the folder alone', async () => {
    const { commitFiles, start, restart, status } = setUp({ path: 'app' });
    const app = Object.fromEntries(three.map((object, i) => [`app/${i}.yaml`, JSON.stringify(object)]));
    commitFiles(app);
    assert.equal((await start()).renders(), 1);
    const { renders, writes } = await restart();
    assert.deepEqual([renders(), writes()], [0, []]);
    let commit = '';
    const again = await restart(() => {
      commit = commitFiles({ ...app, 'other/0.yaml': JSON.stringify(configMap('other', '1')) });
    });
    await eventually(() => status()?.lastAttemptedRevision?.endsWith(commit));
    assert.equal(again.renders(), 0);
  });

  it('what is changed by hand after that is reverted, at the price of one render and one apply', async () => {
    const { commit, start, restart, edit, kOf, told } = setUp();
    commit(...three);
    await start();
    const { writes, renders } = await restart();
    assert.equal(renders(), 0);
    await edit(resources.configMaps, 'b', { data: { k: 'by hand' } });
    await eventually(() => kOf('b') === '1');
    assert.equal(renders(), 1);
    const applies = writes().filter((what) => what.startsWith('apply') && isOfObject(what));
    assert.deepEqual(applies, ['apply ConfigMap b']);
    assert.ok(told.some(({ reason }) => reason === 'DriftCorrected'));
  });

  it('what is deleted after that is only reported, where spec.drift says so', async () => {
    const { server, commit, start, restart, status, kOf } = setUp({ drift: 'Report' });
    commit(...three);
    await start();
    const { renders } = await restart();
    assert.equal(renders(), 0);
    await server.client.delete(resources.configMaps, KEY('a'));
    await eventually(() => status()?.drift?.length === 1);
    assert.equal(kOf('a'), undefined);
  });

  it('what an earlier process applied and did not say is found, and goes where Git is without it', async () => {
    const { server, commit, start, restart, status } = setUp();
    commit(...three);
    await start();
    const before = status();
    await restart(() => commit(...three, configMap('more', '1')));
    await eventually(() => server.get(resources.configMaps, 'shop', 'more'));
    await restart(async () => {
      commit(...three);
      const body = { status: { inventory: before?.inventory, plannedFrom: before?.plannedFrom } };
      await server.client.patch(resources.gitSyncs, APP, { type: 'merge', body }, { subresource: 'status' });
    });
    await eventually(() => server.get(resources.configMaps, 'shop', 'more') === undefined);
  });

  it('the plan is made again where a Hold is in force', async () => {
    const { server, commit, start, restart } = setUp();
    commit(...three);
    await start();
    const { renders } = await restart(() =>
      server.client.create(resources.holds, {
        apiVersion: 'metricops.dev/v1alpha1',
        kind: 'Hold',
        metadata: KEY('web'),
        spec: {
          action: 'Rollback',
          workloadRef: { kind: 'Deployment', name: 'web' },
          rejectedDigests: [`v1:${'0'.repeat(64)}`],
          target: { release: 1, sourceDigest: `v1:${'1'.repeat(64)}`, snapshotRef: { name: 'none' } },
        },
      }),
    );
    assert.equal(renders(), 1);
  });

  for (const [when, undoneAfter] of [
    ['while nobody ran', false],
    ['after a restart', true],
  ] as const) {
    it(`what a person undid ${when} (kubectl rollout undo) is held, and the GitSync has a Warning`, async () => {
      const { server, commit, start, restart, edit, told } = setUp();
      const annotated = (image: string) => deployment(image, { annotations: { 'metricops.dev/inject': 'true' } });
      const notes = () => server.get(resources.deployments, 'shop', 'web')?.metadata.annotations ?? {};
      commit(annotated('web:1'));
      await start();
      const [digest = '', snapshot = ''] = [notes()['metricops.dev/source-digest'], notes()['metricops.dev/snapshot']];
      await restart(() => commit(annotated('web:2')));
      await eventually(() => notes()['metricops.dev/source-digest'] !== digest);
      const [history] = server.list(resources.releaseHistories);
      assert.ok(history);
      const release = {
        number: 1,
        sourceDigest: digest,
        snapshotRef: { name: snapshot },
        workloadUID: 'u',
        images: [],
        firstSeenTime: new Date().toISOString(),
        outcome: 'Good',
      };
      const spec = { releases: [release] };
      await server.client.patch(resources.releaseHistories, history.metadata, { type: 'merge', body: { spec } });
      const undo = () =>
        edit(resources.deployments, 'web', {
          metadata: { annotations: { 'metricops.dev/source-digest': digest, 'metricops.dev/snapshot': snapshot } },
          spec: { template: { spec: { containers: [{ name: 'web', image: 'web:1' }] } } },
        });
      await restart(undoneAfter ? undefined : undo);
      if (undoneAfter) await undo();
      await eventually(() => server.list(resources.holds).length === 1);
      const ofSync = () => told.filter((o) => o.reason === 'ReleaseHeld' && o.regarding.kind === 'GitSync');
      await eventually(() => ofSync().length > 0);
      assert.deepEqual(
        ofSync().map(({ severity }) => severity),
        ['warning'],
      );
    });
  }

  it('what an earlier process applied and did not say is no undo of a person, where Git goes back', async () => {
    const { server, commit, start, restart, status } = setUp();
    const annotated = (image: string) => deployment(image, { annotations: { 'metricops.dev/inject': 'true' } });
    const notes = () => server.get(resources.deployments, 'shop', 'web')?.metadata.annotations ?? {};
    commit(annotated('web:1'));
    await start();
    const before = status();
    const first = notes()['metricops.dev/source-digest'];
    const second = (): number => Math.floor(Date.now() / 1000);
    const applied = second();
    await eventually(() => second() > applied, { what: 'the next second, for the API server notes no less' });
    await restart(() => commit(annotated('web:2')));
    await eventually(() => notes()['metricops.dev/source-digest'] !== first);
    const [history] = server.list(resources.releaseHistories);
    assert.ok(history);
    const release = {
      number: 2,
      sourceDigest: notes()['metricops.dev/source-digest'],
      snapshotRef: { name: notes()['metricops.dev/snapshot'] },
      workloadUID: 'u',
      images: [],
      firstSeenTime: new Date().toISOString(),
      outcome: 'Active',
    };
    const body = { spec: { releases: [release] } };
    await server.client.patch(resources.releaseHistories, history.metadata, { type: 'merge', body });
    await restart(async () => {
      commit(annotated('web:1'));
      const said = { status: { inventory: before?.inventory, plannedFrom: before?.plannedFrom } };
      await server.client.patch(resources.gitSyncs, APP, { type: 'merge', body: said }, { subresource: 'status' });
    });
    await eventually(() => notes()['metricops.dev/source-digest'] === first, { what: 'what Git says' });
    assert.deepEqual(server.list(resources.holds), []);
  });

  it('a hand edit that was made while nobody ran costs the writes to that object, and the GitSync says what was reverted', async () => {
    const { commit, start, restart, edit, kOf, told } = setUp();
    commit(...three);
    await start();
    const { writes } = await restart(() => edit(resources.configMaps, 'b', { data: { k: 'by hand' } }));
    await eventually(() => kOf('b') === '1');
    assert.deepEqual(writes().filter(isOfObject), ['patch ConfigMap b', 'apply ConfigMap b']);
    assert.ok(
      told.some(({ reason, message }) => reason === 'DriftCorrected' && message.includes('/data/k')),
      JSON.stringify(told),
    );
    assert.deepEqual((await restart()).writes(), []);
  });

  it('what was added by hand while nobody ran goes away again', async () => {
    const { server, commit, start, restart, edit } = setUp();
    commit(...three);
    await start();
    await restart(() => edit(resources.configMaps, 'b', { data: { more: 'by hand' } }));
    await eventually(() => !JSON.stringify(server.get(resources.configMaps, 'shop', 'b')?.data).includes('more'));
  });

  it('what was deleted while nobody ran comes back', async () => {
    const { server, commit, start, restart, kOf } = setUp();
    commit(...three);
    await start();
    const { writes } = await restart(() => server.client.delete(resources.configMaps, KEY('a')));
    await eventually(() => kOf('a') === '1');
    assert.deepEqual(writes().filter(isOfObject), ['apply ConfigMap a']);
  });

  it('of a new commit only what it changes is applied', async () => {
    const { commit, start, restart, kOf } = setUp();
    commit(...three);
    await start();
    const { writes } = await restart(() => commit(configMap('a', '2'), ...three.slice(1)));
    await eventually(() => kOf('a') === '2');
    assert.deepEqual(writes().filter(isOfObject), ['apply ConfigMap a']);
  });

  it('everything is applied once again where the status was lost', async () => {
    const { server, commit, start, restart, status } = setUp();
    commit(...three);
    await start();
    const body = { status: null };
    const { writes } = await restart(() =>
      server.client.patch(resources.gitSyncs, APP, { type: 'merge', body }, { subresource: 'status' }),
    );
    await eventually(() => status()?.inventory?.entries.length === 3);
    assert.equal(writes().filter(isOfObject).length, 3);
  });

  it('everything is applied once again where a version that sends something else wrote the status', async () => {
    const { server, commit, start, restart, status } = setUp();
    commit(...three);
    await start();
    const entries = status()?.inventory?.entries.map((entry) => ({ ...entry, sent: 'otherwise' }));
    const { writes } = await restart(() =>
      server.client.patch(
        resources.gitSyncs,
        APP,
        { type: 'merge', body: { status: { inventory: { entries }, plannedFrom: { digest: 'otherwise' } } } },
        { subresource: 'status' },
      ),
    );
    await eventually(() => status()?.inventory?.entries.every(({ sent }) => sent !== 'otherwise'));
    assert.equal(writes().filter(isOfObject).length, 3);
  });

  it('a commit that was applied and is not in the status, for the process ended, is taken back where Git took it back', async () => {
    const { server, commit, start, restart, kOf } = setUp();
    commit(...three);
    await start();
    await restart(async () => {
      // The apply of k=2, of a process that ended before its status: in another second than the one before.
      const was = server.get(resources.configMaps, 'shop', 'a');
      assert.ok(was);
      const later = new Date(Date.now() + 5_000).toISOString().replace(/\.\d+Z$/, 'Z');
      const managedFields = entriesOf(was).map((entry) =>
        entry.manager.startsWith('metricops/') ? { ...entry, time: later } : entry,
      );
      server.seed(resources.configMaps, { ...was, data: { k: '2' }, metadata: { ...was.metadata, managedFields } });
    });
    await eventually(() => kOf('a') === '1');
  });

  it('a release that could not be recorded is recorded by the next process', async () => {
    const { server, commit, start, restart, status } = setUp();
    commit(deployment('web:1', { annotations: { 'metricops.dev/inject': 'true' } }));
    const away = new KubeError('away', { status: 503, reason: 'ServiceUnavailable' });
    server.fault = ({ verb, type }) => {
      if (verb === 'create' && type.kind === 'ControllerRevision') throw away;
      return undefined;
    };
    await start();
    await eventually(() => status()?.conditions?.some(({ type, status: is }) => type === 'Recorded' && is === 'False'));
    await restart(() => {
      server.fault = () => undefined;
    });
    await eventually(() => server.list(resources.controllerRevisions).length === 1);
  });

  it('a workload that was opted in while nobody ran is recorded', async () => {
    const { server, commit, start, restart, edit } = setUp();
    commit(...three);
    await start();
    const opted = { metadata: { annotations: { 'metricops.dev/inject': 'true' } } };
    await restart(() => edit(resources.deployments, 'web', opted));
    await eventually(() => server.list(resources.controllerRevisions).length === 1);
  });

  it('the replicas are let go of where an autoscaler came while nobody ran', async () => {
    const { server, commit, start, restart } = setUp();
    const scaled = deployment('web:1') as { spec: object };
    commit({ ...scaled, spec: { ...scaled.spec, replicas: 1 } });
    await start();
    await restart(() =>
      server.client.create(resources.horizontalPodAutoscalers, {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: KEY('web'),
        spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
      }),
    );
    await eventually(() => {
      const web = server.get(resources.deployments, 'shop', 'web');
      const ours = web && entriesOf(web).find(({ manager }) => manager === 'metricops/shop/app');
      return ours && !JSON.stringify(ours.fieldsV1).includes('f:replicas');
    });
  });

  it('a difference that is only reported is still reported', async () => {
    const { commit, start, restart, edit: byHand, status } = setUp({ drift: 'Report' });
    commit(...three);
    await start();
    await byHand(resources.configMaps, 'b', { data: { k: 'by hand' } });
    await eventually(() => status()?.drift?.length === 1);
    const { writes } = await restart();
    assert.deepEqual(
      status()?.drift?.map(({ id }) => id),
      ['shop_b__ConfigMap'],
    );
    assert.deepEqual(
      writes().filter((what) => !what.startsWith('apply ConfigMap b')),
      [],
    );
  });

  it('a refusal of the platform that came while nobody ran is said', async () => {
    const { server, commit, start, stop, status } = setUp();
    commit(...three);
    await start();
    await stop();
    await server.client.create(resources.platformPolicies, {
      apiVersion: 'metricops.dev/v1alpha1',
      kind: 'PlatformPolicy',
      metadata: { name: 'default' },
      spec: { deniedKinds: ['ConfigMap'] },
    });
    await start();
    await eventually(() => status()?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'False'));
  });

  it('an inventory too long to be listed is known, too: an edit costs the applies of its group', async () => {
    const { commit, start, restart, edit: byHand, kOf, status } = setUp();
    commit(...Array.from({ length: 1_200 }, (_, i) => configMap(`cm-${i}`, '1')));
    await start();
    await eventually(() => status()?.inventoryDigests?.length === 256);
    assert.deepEqual((await restart()).writes(), []);
    const { writes } = await restart(() => byHand(resources.configMaps, 'cm-7', { data: { k: 'by hand' } }));
    await eventually(() => kOf('cm-7') === '1');
    const applied = writes().filter(isOfObject);
    assert.ok(applied.includes('apply ConfigMap cm-7') && applied.length < 30, `${applied}`);
  }).timeout(60_000);
});

const isWrite = ({ verb, dryRun }: ApiRequest): boolean =>
  ['create', 'replace', 'patch', 'apply', 'delete'].includes(verb) && !dryRun;
const describeRequest = ({ verb, type, name, subresource }: ApiRequest): string =>
  `${verb} ${type.kind} ${name}${subresource ? ` ${subresource}` : ''}`;
const isOfObject = (what: string): boolean => !what.includes('GitSync');
