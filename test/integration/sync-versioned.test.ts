import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { canonical } from '../../src/snapshot/index.ts';
import { eventually } from '../support/poll.ts';
import { configMap, DIGEST_KEY, deployment, holdBack, type StartedSync, useSync, yaml } from '../support/sync.ts';

const VERSIONED = { 'metricops.dev/versioned': 'true' };
const cronJobs: ResourceType = {
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  namespaced: true,
};

const settings = (data: Record<string, string>): KubeObject => configMap('settings', data, VERSIONED);
const login = (password: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'login', annotations: VERSIONED },
  stringData: { password },
});
/** The ConfigMap that the Deployment's pods take their environment from. */
const settingsOf = (workload: KubeObject | undefined): string => {
  type Spec = { template: { spec: { containers: { envFrom: { configMapRef: { name: string } }[] }[] } } };
  return (workload?.spec as Spec | undefined)?.template.spec.containers[0]?.envFrom[0]?.configMapRef.name ?? '';
};

describe('versioned configuration', () => {
  const { plane, bench, start } = useSync();
  const names = async (type: ResourceType, ns: string, prefix: string): Promise<string[]> =>
    (await plane().client.list(type, { namespace: ns })).items
      .map(({ metadata }) => metadata.name)
      .filter((name) => name.startsWith(prefix));
  const replicaSets = async (ns: string): Promise<KubeObject[]> =>
    (await plane().client.list(resources.replicaSets, { namespace: ns })).items;
  /** The ReplicaSets of the Deployment, when there are so many. */
  const rolledTo = (ns: string, count: number): Promise<KubeObject[]> =>
    eventually(
      async () => {
        const sets = await replicaSets(ns);
        return sets.length === count && sets;
      },
      { what: `${count} ReplicaSets` },
    );
  const applied = async (started: StartedSync, files: Record<string, string | null>): Promise<void> => {
    const sha = started.push(files);
    await started.ready('True', new RegExp(sha));
  };
  /** A Deployment whose releases nobody records: no snapshot needs its configuration. */
  const unrecorded = (extra: object = {}): KubeObject => {
    const object = deployment('web', 'shop:v1', 'settings', extra);
    return { ...object, metadata: { name: 'web' } };
  };

  it('has names by its content, and every place where a pod template can name it says so', async () => {
    const [config, secret] = [{ name: 'settings' }, { name: 'login' }];
    const container = (name: string): object => ({
      name,
      image: 'shop:v1',
      env: [
        { name: 'A', valueFrom: { configMapKeyRef: { ...config, key: 'v' } } },
        { name: 'B', valueFrom: { secretKeyRef: { ...secret, key: 'password' } } },
      ],
      envFrom: [{ configMapRef: config }, { secretRef: secret }],
    });
    const sources = [{ configMap: config }, { secret }];
    const template = {
      metadata: { labels: { app: 'web' } },
      spec: {
        restartPolicy: 'Always',
        imagePullSecrets: [secret],
        initContainers: [container('init')],
        containers: [container('c'), container('d')],
        volumes: [
          { name: 'config', configMap: config },
          { name: 'secret', secret: { secretName: 'login' } },
          { name: 'projected', projected: { sources } },
          { name: 'csi', csi: { driver: 'csi.example.com', nodePublishSecretRef: secret } },
          { name: 'azure', azureFile: { shareName: 'share', secretName: 'login' } },
          { name: 'ceph', cephfs: { monitors: ['10.0.0.1'], secretRef: secret } },
          { name: 'cinder', cinder: { volumeID: '1', secretRef: secret } },
          { name: 'flex', flexVolume: { driver: 'example.com/flex', secretRef: secret } },
          {
            name: 'iscsi',
            iscsi: { targetPortal: '10.0.0.1', iqn: 'iqn.2001-04.com.example:a', lun: 0, secretRef: secret },
          },
          { name: 'rbd', rbd: { monitors: ['10.0.0.1'], image: 'a', secretRef: secret } },
          { name: 'scale', scaleIO: { gateway: 'https://10.0.0.1', system: 'a', volumeName: 'a', secretRef: secret } },
          { name: 'storageos', storageos: { volumeName: 'a', secretRef: secret } },
        ],
      },
    };
    const once = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } };
    const of = (kind: string, apiVersion: string, spec: object): KubeObject => ({
      apiVersion,
      kind,
      metadata: { name: 'web' },
      spec,
    });
    const selector = { matchLabels: { app: 'web' } };
    const workloads: [ResourceType, KubeObject][] = [
      [resources.deployments, of('Deployment', 'apps/v1', { selector, template })],
      [resources.statefulSets, of('StatefulSet', 'apps/v1', { selector, serviceName: 'web', template })],
      [resources.daemonSets, of('DaemonSet', 'apps/v1', { selector, template })],
      [cronJobs, of('CronJob', 'batch/v1', { schedule: '0 3 * * *', jobTemplate: { spec: { template: once } } })],
      [resources.jobs, of('Job', 'batch/v1', { suspend: true, template: once })],
      [resources.pods, of('Pod', 'v1', template.spec)],
    ];
    const objects = [settings({ v: '1' }), login('hunter2'), ...workloads.map(([, object]) => object)];
    const { get, ns, ready } = await start({ 'a.yaml': yaml(...objects) });
    await ready();
    const [configName = '', ...noMore] = await names(resources.configMaps, ns, 'settings');
    const [secretName = ''] = await names(resources.secrets, ns, 'login');
    assert.match(configName, /^settings-[0-9a-f]{10}$/);
    assert.match(secretName, /^login-[0-9a-f]{10}$/);
    assert.deepEqual(noMore, []);
    const count = (text: string, what: string): number => text.split(what).length - 1;
    for (const [type, object] of workloads) {
      const live = JSON.stringify((await get(type, 'web'))?.spec);
      assert.deepEqual([count(live, '"settings"'), count(live, '"login"')], [0, 0], object.kind);
      // Three containers with two each, and the volumes; of the Secret also the image pull secret.
      assert.deepEqual([count(live, `"${configName}"`), count(live, `"${secretName}"`)], [8, 18], object.kind);
    }
  });

  it('leaves neighbours that are not marked, and names that only look alike, as they are', async () => {
    const web = deployment('web', 'shop:v1', 'settings');
    const spec = web.spec as { template: { spec: { containers: { envFrom: object[]; args?: string[] }[] } } };
    const [container] = spec.template.spec.containers;
    assert.ok(container);
    container.args = ['--config=settings', 'settings'];
    container.envFrom.push({ configMapRef: { name: 'features' } }, { secretRef: { name: 'settings', optional: true } });
    const { get, ns, ready } = await start({ 'a.yaml': yaml(settings({ v: '1' }), configMap('features'), web) });
    await ready();
    const live = (await get(resources.deployments, 'web'))?.spec as typeof spec;
    const [name = ''] = await names(resources.configMaps, ns, 'settings-');
    assert.deepEqual(live.template.spec.containers[0]?.args, ['--config=settings', 'settings']);
    assert.deepEqual(live.template.spec.containers[0]?.envFrom, [
      { configMapRef: { name } },
      { configMapRef: { name: 'features' } },
      { secretRef: { name: 'settings', optional: true } },
    ]);
    assert.ok(await get(resources.configMaps, 'features'));
  });

  it('rolls a Deployment when only its content changes, and not when it does not', async () => {
    const files = (data: Record<string, string>, note: string): Record<string, string> => ({
      'a.yaml': yaml(settings(data), unrecorded(), configMap('note', { note })),
    });
    const started = await start(files({ v: '1' }, 'a'));
    const { get, ns, ready } = started;
    await ready();
    const before = settingsOf(await get(resources.deployments, 'web'));
    await rolledTo(ns, 1);
    await applied(started, files({ v: '2' }, 'a'));
    const after = settingsOf(await get(resources.deployments, 'web'));
    assert.notEqual(after, before);
    assert.deepEqual((await get(resources.configMaps, after))?.data, { v: '2' });
    assert.deepEqual((await get(resources.configMaps, before))?.data, { v: '1' }, 'for pods of the old release');
    assert.equal((await get(resources.configMaps, after))?.immutable, true);
    await rolledTo(ns, 2);
    const { generation } = (await get(resources.deployments, 'web'))?.metadata ?? {};
    await applied(started, files({ v: '2' }, 'b'));
    assert.equal((await get(resources.deployments, 'web'))?.metadata.generation, generation);
    await applied(started, files({ v: '1' }, 'b'));
    assert.equal(settingsOf(await get(resources.deployments, 'web')), before, 'the old content has the old name');
    assert.equal((await rolledTo(ns, 2)).length, 2, 'and the old ReplicaSet');
  });

  it('stays while a ReplicaSet of the Deployment names it, and is pruned with the next commit when none does', async () => {
    const files = (v: string, note = 'a'): Record<string, string> => ({
      'a.yaml': yaml(settings({ v }), unrecorded({ replicas: 0 }), configMap('note', { note })),
    });
    const started = await start(files('1'));
    const { get, ns, ready } = started;
    await ready();
    const [old] = await rolledTo(ns, 1);
    assert.ok(old);
    const first = settingsOf(await get(resources.deployments, 'web'));
    await applied(started, files('2'));
    await rolledTo(ns, 2);
    await applied(started, files('2', 'b'));
    assert.ok(await get(resources.configMaps, first), 'kubectl rollout undo would go back to it');
    await plane().client.delete(resources.replicaSets, old.metadata);
    await eventually(async () => (await replicaSets(ns)).every((s) => s.metadata.uid !== old.metadata.uid));
    await applied(started, files('2', 'c'));
    assert.equal(await get(resources.configMaps, first), undefined);
    assert.deepEqual(await names(resources.configMaps, ns, 'settings'), [
      settingsOf(await get(resources.deployments, 'web')),
    ]);
  });

  it('stays while a recorded release needs it, though its ReplicaSet is gone', async () => {
    const files = (v: string, note = 'a'): Record<string, string> => ({
      'a.yaml': yaml(settings({ v }), deployment('web', 'shop:v1'), configMap('note', { note })),
    });
    const started = await start(files('1'));
    const { get, ns, ready } = started;
    await ready();
    const [old] = await rolledTo(ns, 1);
    const web = await get(resources.deployments, 'web');
    assert.ok(old && web);
    await applied(started, files('2'));
    await rolledTo(ns, 2);
    await plane().client.delete(resources.replicaSets, old.metadata);
    await eventually(async () => (await replicaSets(ns)).every((s) => s.metadata.uid !== old.metadata.uid));
    await applied(started, files('2', 'b'));
    assert.ok(await get(resources.configMaps, settingsOf(web)), 'its snapshot names it');
    const snapshot = web.metadata.annotations?.['metricops.dev/snapshot'] ?? '';
    await plane().client.delete(resources.controllerRevisions, { namespace: ns, name: snapshot });
    await applied(started, files('2', 'c'));
    assert.equal(await get(resources.configMaps, settingsOf(web)), undefined);
  });

  it('stays while the history of a StatefulSet or DaemonSet names it', async () => {
    const { replicas: _, ...spec } = unrecorded().spec as { replicas: number };
    const queue = { ...unrecorded(), kind: 'StatefulSet', spec: { ...spec, serviceName: 'web' } };
    const agent = { ...unrecorded(), kind: 'DaemonSet', spec };
    for (const workload of [queue, agent]) {
      const files = (v: string, note = 'a'): Record<string, string> => ({
        'a.yaml': yaml(settings({ v }), workload, configMap('note', { note })),
      });
      const started = await start(files('1'));
      const { get, ns, ready } = started;
      await ready();
      const revisions = async (): Promise<KubeObject[]> =>
        (await plane().client.list(resources.controllerRevisions, { namespace: ns })).items;
      const [old] = await eventually(async () => (await revisions()).length === 1 && revisions(), {
        what: 'a revision',
      });
      assert.ok(old);
      const [first = ''] = await names(resources.configMaps, ns, 'settings');
      await applied(started, files('2'));
      await eventually(async () => (await revisions()).length === 2, { what: 'the second revision' });
      await applied(started, files('2', 'b'));
      assert.ok(await get(resources.configMaps, first), workload.kind);
      const reverted = settingsOf(
        await get(workload.kind === 'DaemonSet' ? resources.daemonSets : resources.statefulSets, 'web'),
      );
      assert.notEqual(reverted, first);
    }
  });

  it('stays while a Job that started with it is not finished', async () => {
    const nightly: KubeObject = {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'nightly' },
      spec: {
        schedule: '0 3 1 1 *',
        jobTemplate: {
          spec: {
            template: {
              spec: {
                restartPolicy: 'Never',
                containers: [{ name: 'c', image: 'shop:v1', envFrom: [{ configMapRef: { name: 'settings' } }] }],
              },
            },
          },
        },
      },
    };
    const files = (v: string, note = 'a'): Record<string, string> => ({
      'a.yaml': yaml(settings({ v }), nightly, configMap('note', { note })),
    });
    const started = await start(files('1'));
    const { get, ns, ready } = started;
    await ready();
    const [first = ''] = await names(resources.configMaps, ns, 'settings');
    plane().kubectl(['create', 'job', 'by-hand', '--from=cronjob/nightly', '--namespace', ns]);
    await applied(started, files('2'));
    assert.ok(await get(resources.configMaps, first), 'its pod may start again');
    // As the kubelet would: there is no node here.
    const pod = await eventually(async () => (await plane().client.list(resources.pods, { namespace: ns })).items[0]);
    const ended = { type: 'merge', body: { status: { phase: 'Succeeded' } } } as const;
    await plane().client.patch(resources.pods, pod.metadata, ended, { subresource: 'status' });
    plane().kubectl(['wait', 'job/by-hand', '--for=condition=Complete', '--timeout=30s', '--namespace', ns]);
    await applied(started, files('2', 'b'));
    assert.equal(await get(resources.configMaps, first), undefined);
  });

  it('comes back under its old name with a rollback by Hold, which restarts nothing on top of it', async () => {
    const files = (v: string): Record<string, string> => ({
      'a.yaml': yaml(settings({ v }), login(v), deployment('web', 'shop:v1')),
    });
    const started = await start(files('good'));
    const { get, ns, ready } = started;
    await ready();
    const [oldSet] = await rolledTo(ns, 1);
    assert.ok(oldSet);
    const good = await get(resources.deployments, 'web');
    const name = settingsOf(good);
    const uid = (await get(resources.configMaps, name))?.metadata.uid;
    await applied(started, files('bad'));
    await rolledTo(ns, 2);
    const bad = await get(resources.deployments, 'web');
    await holdBack(plane(), ns, { good, bad });
    await eventually(async () => (await ready()).status?.heldRevision, { what: 'the held sync' });
    const held = await eventually(
      async () => {
        const live = await get(resources.deployments, 'web');
        return settingsOf(live) === name ? live : undefined;
      },
      { what: 'the old configuration' },
    );
    assert.equal((await get(resources.configMaps, name))?.metadata.uid, uid, 'it was there all the time');
    const template = (o: KubeObject | undefined): unknown => (o?.spec as { template: unknown } | undefined)?.template;
    assert.deepEqual(template(held), template(good), 'no restart annotation');
    type Scaled = { replicas: number } | undefined;
    const isBack = async (): Promise<boolean> =>
      ((await get(resources.replicaSets, oldSet.metadata.name))?.spec as Scaled)?.replicas ===
      (held?.spec as Scaled)?.replicas;
    await eventually(isBack, { what: 'the old ReplicaSet scaled up' });
    assert.equal((await replicaSets(ns)).length, 2, 'no third ReplicaSet');
    bench().controller.requestSync({ namespace: ns, name: 'app' });
    await ready();
    assert.ok(await get(resources.configMaps, name), 'not pruned while it is held');
  });

  it('does not let a Secret be guessed from its name by who has not the key of the installation', async () => {
    const { ns, ready } = await start({ 'a.yaml': yaml(login('hunter2')) });
    await ready();
    const [name = ''] = await names(resources.secrets, ns, 'login');
    const data = { password: Buffer.from('hunter2').toString('base64') };
    const contents = [{ data }, { type: undefined, data }, { type: 'Opaque', data }, data, 'hunter2'].map((c) =>
      canonical(c),
    );
    const hash = name.slice('login-'.length);
    for (const content of contents) {
      for (const algorithm of ['sha256', 'sha1', 'sha512', 'md5'])
        assert.ok(!createHash(algorithm).update(content).digest('hex').startsWith(hash), content);
    }
    const keyed = contents.map((c) => createHmac('sha256', DIGEST_KEY).update(c).digest('hex').slice(0, hash.length));
    assert.ok(keyed.includes(hash), 'a digest with the key');
  });
});
