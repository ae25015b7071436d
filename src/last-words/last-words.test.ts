import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { type ApiRequest, createApiServer } from '../../test/support/api-server.ts';
import { at, digest, incident as incidentOf, NOON, verdict } from '../../test/support/incident.ts';
import { eventually } from '../../test/support/poll.ts';
import { annotations } from '../api/annotations.ts';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import { platformPolicySpec } from '../api/platform-policy.ts';
import { rollbackPolicySpec } from '../api/rollback-policy.ts';
import { createCaches } from '../caches.ts';
import { systemClock } from '../clock.ts';
import { newRollback } from '../holds/index.ts';
import { KubeError, type LogOptions, resources } from '../kube/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { startLastWords } from './index.ts';
import { logOf } from './secret.ts';

const NAME = { namespace: 'shop', name: 'i' };
const SECRET = 'metricops-logs-i';
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app', image: 'web:2' }] } };
const deployment = { metadata: { namespace: 'shop', name: 'web' }, spec: { template } };
const replicaSet = (release: number, deployment: KubeObject) => ({
  metadata: {
    namespace: 'shop',
    name: `web-${release}`,
    annotations: { [annotations.sourceDigest]: digest(release) },
    ownerReferences: ownedBy(deployment),
  },
  spec: { template },
});
const ownedBy = ({ apiVersion, kind, metadata: { name, uid = '' } }: KubeObject) => [
  { apiVersion, kind, name, uid, controller: true },
];
interface Pod {
  name: string;
  release: number;
  status: object;
}
const recorder = { name: 'metricops-recorder', state: { running: {} } };
const running = { name: 'app', state: { running: {} } };
const crashing = {
  name: 'app',
  restartCount: 4,
  state: { waiting: { reason: 'CrashLoopBackOff' } },
  lastState: { terminated: { exitCode: 1, reason: 'Error', finishedAt: at(-5) } },
};
const pod = (name: string, status: object, { release = 2, isReady = false } = {}): Pod => ({
  name,
  release,
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
    containerStatuses: [status],
    initContainerStatuses: [recorder],
  },
});
const guilty: IncidentStatus = { phase: 'RollingBack', verdict: verdict('Guilty') };
const { metadata: _, ...rest } = newRollback({
  workload: { kind: 'Deployment', namespace: 'shop', name: 'web' },
  digest: digest(2),
  target: { number: 1, sourceDigest: digest(1), snapshotRef: { name: 's' } },
  images: [],
  origin: 'Incident',
  incident: 'i',
  message: '',
});
const hold = { ...rest, metadata: { namespace: 'shop', name: 'h' } };

describe('the logs of a release that is rolled back', () => {
  const stops: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  interface World {
    status?: IncidentStatus;
    pods?: Pod[];
    holds?: object[];
    policy?: object;
    platform?: object;
    logs?: (pod: string, options: LogOptions) => string | undefined;
    fault?: (request: ApiRequest) => undefined;
  }
  const worldOf = ({ status = guilty, pods = [], holds = [], policy, platform, logs, fault }: World) => {
    const server = createApiServer({ namespaces: ['shop'] });
    const web = server.seed(resources.deployments, deployment);
    for (const release of [1, 2]) {
      const owner = server.seed(resources.replicaSets, replicaSet(release, web));
      for (const { name, status } of pods.filter((each) => each.release === release))
        server.seed(resources.pods, { metadata: { namespace: 'shop', name, ownerReferences: ownedBy(owner) }, status });
    }
    for (const each of holds) server.seed(resources.holds, each);
    if (policy) {
      const spec = rollbackPolicySpec.parse({ selector: {}, ...policy });
      server.seed(resources.rollbackPolicies, { metadata: { namespace: 'shop', name: 'all' }, spec });
    }
    if (platform) {
      const spec = platformPolicySpec.parse(platform);
      server.seed(resources.platformPolicies, { metadata: { name: 'default' }, spec });
    }
    server.seed(resources.incidents, incidentOf(status));
    server.logs = (of, options) => logs?.(of.name, options);
    server.fault = (request) => fault?.(request);
    return server;
  };
  type Server = ReturnType<typeof worldOf>;
  const start = async (server: Server) => {
    const ports = { clock: { ...systemClock, now: () => NOON }, random: () => 0.5 };
    const watched = createCaches(server.client, ports);
    stops.push(watched.stop);
    await watched.ready();
    const room = startLastWords({ ...ports, client: server.client, caches: watched.caches, log: silentLog() });
    stops.push(room.stop);
    return room;
  };
  const logsOf = (server: Server) =>
    (server.get(resources.incidents, 'shop', 'i') as Incident | undefined)?.status?.logs;
  const kept = (server: Server) =>
    eventually(() => logsOf(server), { what: 'status.logs', timeoutMs: 10_000, everyMs: 5 });
  const started = async (world: World) => {
    const server = worldOf(world);
    await start(server);
    return { server, logs: await kept(server) };
  };
  const secretOf = (server: Server) => server.get(resources.secrets, 'shop', SECRET);
  const textOf = (server: Server): string => logOf(secretOf(server) as KubeObject) ?? '';
  const asked = ({ requests }: Server): string[] =>
    requests.filter(({ verb }) => verb === 'log').map(({ name }) => name ?? '');

  it('are read when the Hold is there, and not before', async () => {
    const server = worldOf({ pods: [pod('web-a', crashing)], logs: () => 'no such table\n' });
    const room = await start(server);
    // What comes later is seen later: so was the incident by then.
    const touched = incidentOf({ ...guilty, message: 'rolling back' });
    await server.client.patch(
      resources.incidents,
      NAME,
      { type: 'merge', body: { status: touched.status } },
      { subresource: 'status' },
    );
    assert.deepEqual([asked(server), logsOf(server)], [[], undefined]);
    const before = server.requests.length;
    await server.client.create(resources.holds, hold as never);
    await kept(server);
    const verbs = server.requests.slice(before).map(({ verb }) => verb);
    assert.ok(verbs.indexOf('create') < verbs.indexOf('log'), verbs.join());
    await room.stop();
    assert.match(textOf(server), /no such table/);
  });

  it('are in a Secret that goes with the incident; the incident says where, and how the containers ended', async () => {
    const { server, logs } = await started({
      pods: [pod('web-a', crashing)],
      holds: [hold],
      logs: (_pod, { previous }) => (previous ? 'one\nno such table\n' : undefined),
    });
    assert.equal(logs.secretRef?.name, SECRET);
    const state = `waiting (CrashLoopBackOff), 4 restarts, ended before with exit code 1 (Error) at ${at(-5)}`;
    assert.equal(logs.message, `last log lines of 1 of 1 pod of release 2; app of web-a: ${state}`);
    assert.equal(
      textOf(server),
      `1 of 1 pod of release 2\n\n== Pod web-a, container app: ${state}\n-- Log before its last restart:\none\nno such table\n`,
    );
    const { metadata, type, immutable } = secretOf(server) as KubeObject;
    assert.deepEqual([type, immutable], ['metricops.dev/logs', true]);
    assert.deepEqual(
      metadata.ownerReferences?.map(({ kind, name, uid }) => [kind, name, uid]),
      [['Incident', 'i', server.get(resources.incidents, 'shop', 'i')?.metadata.uid]],
    );
    assert.doesNotMatch(JSON.stringify(logs), /no such table/);
  });

  it('are of the pods of that release, those that crash first, and not of the recorder', async () => {
    const { server } = await started({
      pods: [
        pod('web-a', running, { isReady: true }),
        pod('web-b', running),
        pod('web-c', crashing),
        pod('old', running, { release: 1, isReady: true }),
      ],
      holds: [hold],
      logs: (name, { container }) => `${container} of ${name}`,
    });
    assert.deepEqual(asked(server), ['web-c', 'web-b', 'web-a']);
    const titles = [...textOf(server).matchAll(/^== (Pod .*?):/gm)].map(([, title]) => title);
    assert.deepEqual(
      titles,
      ['web-c', 'web-b', 'web-a'].map((name) => `Pod ${name}, container app`),
    );
  });

  it('stay below 64 KiB, however many pods, containers and lines there are', async () => {
    const many = { ...running, restartCount: 1, lastState: crashing.lastState };
    const containerStatuses = Array.from({ length: 6 }, (_, i) => ({ ...many, name: `c${i}` }));
    const pods = Array.from({ length: 40 }, (_, i) => {
      const made = pod(`web-${String(i).padStart(240, 'x')}`, many);
      return { ...made, status: { ...made.status, containerStatuses } };
    });
    const { server, logs } = await started({
      pods,
      holds: [hold],
      logs: (_pod, { maxBytes, tailLines }) => {
        assert.equal(tailLines, 50);
        return 'x'.repeat(maxBytes);
      },
    });
    assert.ok(asked(server).length <= 12, `${asked(server).length} logs`);
    const size = Buffer.byteLength(textOf(server));
    assert.ok(size <= 64 * 1024 && size > 32 * 1024, `${size} bytes`);
    assert.ok(logs.message.length <= 1024);
  });

  it('that metricops may not read are no obstacle: the incident says which right is missing', async () => {
    const { server, logs } = await started({
      pods: [pod('web-a', crashing)],
      holds: [hold],
      fault: ({ verb }) => {
        if (verb === 'log') throw new KubeError('pods "web-a" is forbidden', { status: 403, reason: 'Forbidden' });
        return undefined;
      },
    });
    assert.equal(logs.secretRef, undefined);
    assert.match(logs.message, /exit code 1 \(Error\).*grant get of pods\/log/);
    assert.equal(secretOf(server), undefined);
  });

  it('that a kubelet does not have are named in their place', async () => {
    const { server, logs } = await started({
      pods: [pod('web-a', crashing), pod('web-b', running)],
      holds: [hold],
      logs: (name) => (name === 'web-b' ? 'started\n' : undefined),
    });
    assert.match(logs.message, /1 of 2 logs could not be read$/);
    assert.match(textOf(server), /-- Log before its last restart: not read: pods "web-a" not found/);
  });

  it('are gone with the pods: a leader that comes later says so', async () => {
    const { logs } = await started({ holds: [hold] });
    assert.deepEqual(
      [logs.secretRef, logs.message],
      [undefined, 'no pod of release 2 was found, so no log of it is kept'],
    );
  });

  it('are read once: a leader that died before it wrote the status is followed by one that finds them', async () => {
    const world = { pods: [pod('web-a', crashing)], holds: [hold], logs: () => 'no such table\n' };
    const { server, logs } = await started(world);
    for (const stop of stops.splice(0).toReversed()) await stop();
    const body = { status: { logs: null } };
    await server.client.patch(resources.incidents, NAME, { type: 'merge', body }, { subresource: 'status' });
    server.requests.length = 0;
    await start(server);
    const again = await kept(server);
    assert.deepEqual([again.secretRef, again.message], [logs.secretRef, logs.message]);
    assert.deepEqual(asked(server), []);
  });

  it('are not stored over a Secret of somebody else', async () => {
    const server = worldOf({ pods: [pod('web-a', crashing)], holds: [hold], logs: () => 'no such table\n' });
    server.seed(resources.secrets, { metadata: { namespace: 'shop', name: SECRET }, data: { theirs: '' } });
    await start(server);
    const logs = await kept(server);
    assert.match(logs.message, /^the logs are not stored, for Secret metricops-logs-i was refused: /);
    assert.deepEqual(secretOf(server)?.data, { theirs: '' });
  });

  it('are read with the proposal where a person is asked', async () => {
    const time = at(0);
    const asks = {
      type: 'NeedsPerson',
      status: 'True',
      reason: 'AwaitingApproval',
      message: '',
      lastTransitionTime: time,
    } as const;
    const proposal = { name: 'h', spec: hold.spec };
    const status: IncidentStatus = { phase: 'Judging', verdict: verdict('Guilty'), proposal, conditions: [asks] };
    const { logs } = await started({ status, pods: [pod('web-a', running)], logs: () => 'started\n' });
    assert.equal(logs.secretRef?.name, SECRET);
  });

  for (const [what, world] of [
    ['the policy of the workload says no', { policy: { evidence: { logs: false } } }],
    ['the platform says no', { platform: { evidence: { logs: false } }, policy: { evidence: {} } }],
    ['the verdict is not Guilty', { status: { phase: 'RollingBack', verdict: verdict('Inconclusive') } }],
    ['it is closed', { status: { ...guilty, phase: 'Recovered' } }],
  ] as [string, World][])
    it(`are not read where ${what}`, async () => {
      const server = worldOf({ ...world, pods: [pod('web-a', crashing)], holds: [hold], logs: () => 'x' });
      const room = await start(server);
      await room.stop();
      assert.deepEqual([asked(server), logsOf(server)], [[], undefined]);
    });
});
