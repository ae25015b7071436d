import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { eventually } from '../../test/support/poll.ts';
import { API_VERSION, annotations } from '../api/annotations.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Release } from '../api/release-history.ts';
import { createCaches } from '../caches.ts';
import { systemClock } from '../clock.ts';
import { judgeRollout } from '../judge/index.ts';
import { apiVersionOf, type ResourceType, resources } from '../kube/index.ts';
import { createMetrics, silentLog } from '../telemetry/index.ts';
import { createIntake } from './intake.ts';
import { observe } from './observe.ts';
import { startRolloutWatch } from './rollout-watch.ts';

const NOW = Date.now();
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();
const digest = (n: number): string => `v1:${String(n).repeat(64)}`;
const READY = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
const crashed = (restartCount: number) => ({
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'False' }],
  containerStatuses: [
    {
      name: 'web',
      restartCount,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { reason: 'Error', exitCode: 1, finishedAt: ago(5) } },
    },
  ],
});

const release = (number: number, rest: Partial<Release> = {}): Release => ({
  number,
  sourceDigest: digest(number),
  workloadUID: 'u',
  revision: `hash${number}`,
  images: [],
  firstSeenTime: ago(number === 2 ? 120 : 7200),
  ...(number === 1 ? { readyTime: ago(7000), goodTime: ago(6000) } : {}),
  outcome: number === 1 ? 'Good' : 'Active',
  ...rest,
});

interface World {
  inject?: string;
  rollback?: string;
  condition?: object;
  suspect?: Partial<Release>;
}

const setUp = async ({ inject = 'true', rollback = 'Auto', condition, suspect = {} }: World = {}) => {
  const server = createApiServer({ namespaces: ['shop'] });
  const owned = (type: ResourceType, name: string) => [
    {
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      name,
      uid: server.get(type, 'shop', name)?.metadata.uid ?? '',
      controller: true,
    },
  ];
  const deploy = (name: string, firstSeenTime?: string): void => {
    server.seed(resources.deployments, {
      metadata: {
        namespace: 'shop',
        name,
        annotations: { [annotations.inject]: inject, [annotations.rollback]: rollback },
      },
      spec: { replicas: 2, template: { spec: { containers: [] } } },
      status: {
        observedGeneration: 1,
        replicas: 3,
        updatedReplicas: 1,
        ...(condition ? { conditions: [condition] } : {}),
      },
    });
    for (const number of [1, 2])
      server.seed(resources.replicaSets, {
        metadata: {
          namespace: 'shop',
          name: `${name}-hash${number}`,
          annotations: { [annotations.sourceDigest]: digest(number) },
          labels: { 'pod-template-hash': `hash${number}` },
          ownerReferences: owned(resources.deployments, name),
        },
        spec: {},
      });
    server.seed(resources.releaseHistories, {
      apiVersion: API_VERSION,
      kind: 'ReleaseHistory',
      metadata: { namespace: 'shop', name: `deployment-${name}` },
      spec: {
        workloadRef: { kind: 'Deployment', name },
        currentRelease: 2,
        releases: [release(2, { ...suspect, ...(firstSeenTime ? { firstSeenTime } : {}) }), release(1)],
      },
    });
  };
  const pod = (of: string, number: number, id: string, status: object): KubeObject =>
    server.seed(resources.pods, {
      metadata: {
        namespace: 'shop',
        name: `${of}-${number}-${id}`,
        labels: { 'pod-template-hash': `hash${number}` },
        ownerReferences: owned(resources.replicaSets, `${of}-hash${number}`),
      },
      spec: {},
      status,
    });
  deploy('web');
  const time = { clock: systemClock, random: Math.random };
  const watched = createCaches(server.client, time);
  await watched.ready();
  const { caches } = watched;
  const ports = {
    client: server.client,
    caches,
    ...time,
    log: silentLog(),
    metrics: createMetrics(),
    occurred: () => {},
  };
  const intake = createIntake({ ...ports, onIncident: () => {} });
  const delivered: string[] = [];
  const watch = startRolloutWatch({
    ...ports,
    intake: {
      observed(match, alert) {
        delivered.push(`${match.workload.name} ${alert.status}`);
        return intake.observed(match, alert);
      },
    },
  });
  const incidents = (): Incident[] => server.list(resources.incidents) as Incident[];
  const opened = (): Promise<Incident> => eventually(() => incidents()[0], { what: 'an incident' });
  const verdictOn = (incident: Incident): string => {
    const question = observe(incident, caches, { refusal: undefined, unfit: new Map(), now: Date.now() }).question();
    const { result, reason } = judgeRollout(question.rollout?.evidence);
    return `${result} ${reason}`;
  };
  const stop = async (): Promise<void> => {
    await watch.stop();
    await watched.stop();
  };
  /** The watch has checked what it was given last. */
  const settled = async (): Promise<void> => {
    for (let i = 0; i < 50; i += 1) await new Promise((next) => setImmediate(next));
  };
  return { server, deploy, pod, caches, delivered, incidents, opened, verdictOn, settled, stop };
};

describe('a release whose pods fail, although no alert says so', () => {
  it('opens an incident when its pods crash for the third time, once, and is guilty while the old pods are ready', async () => {
    const { pod, opened, incidents, delivered, verdictOn, settled, stop } = await setUp();
    pod('web', 1, 'a', READY);
    pod('web', 2, 'b', crashed(2));
    await settled();
    assert.deepEqual(incidents(), []);
    pod('web', 2, 'b', crashed(3));
    const incident = await opened();
    const { source, alert, status, labels } = incident.spec.evidence[0] ?? {};
    assert.deepEqual([source, alert, status], ['Rollout', 'PodsCrash', 'firing']);
    assert.deepEqual(labels, {
      alertname: 'PodsCrash',
      namespace: 'shop',
      deployment: 'web',
      container: 'web',
      reason: 'CrashLoopBackOff',
    });
    assert.equal(incident.spec.suspect?.number, 2);
    assert.equal(verdictOn(incident), 'Guilty PodsCrash');
    pod('web', 2, 'b', crashed(4));
    await settled();
    assert.deepEqual(delivered, ['web firing']);
    await stop();
  });

  it('says on its incident that the pods run again', async () => {
    const { pod, opened, incidents, verdictOn, stop } = await setUp();
    pod('web', 2, 'b', crashed(3));
    await opened();
    pod('web', 2, 'b', READY);
    const over = await eventually(() => incidents().find(({ spec }) => spec.evidence[0]?.status === 'resolved'), {
      what: 'the end of the crashes on the incident',
    });
    assert.equal(verdictOn(over), 'NotGuilty PodsRunning');
    await stop();
  });

  it('opens no second incident for what the first one was closed with', async () => {
    const { server, pod, opened, incidents, delivered, settled, caches, stop } = await setUp();
    pod('web', 2, 'b', crashed(3));
    const incident = await opened();
    server.seed(resources.incidents, { ...incident, status: { phase: 'Observed', closedTime: ago(0) } });
    await eventually(() => caches.incidents.list()[0]?.status?.closedTime, {
      what: 'the closed incident in the cache',
    });
    pod('web', 2, 'b', crashed(5));
    await settled();
    assert.equal(incidents().length, 1);
    assert.deepEqual(delivered, ['web firing']);
    await stop();
  });

  it('opens an incident when a Deployment exceeds its progress deadline, and none for a release that was ready', async () => {
    const condition = {
      type: 'Progressing',
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      lastUpdateTime: ago(3),
    };
    const { pod, opened, verdictOn, stop } = await setUp({ condition });
    pod('web', 1, 'a', READY);
    const incident = await opened();
    assert.equal(incident.spec.evidence[0]?.alert, 'ProgressDeadlineExceeded');
    assert.equal(verdictOn(incident), 'Guilty ProgressDeadlineExceeded');
    await stop();

    const ready = await setUp({ condition, suspect: { readyTime: ago(60) } });
    await ready.settled();
    assert.deepEqual(ready.incidents(), []);
    await ready.stop();
  });

  it('is left to a person where old pods, or workloads that did not release, fail as well', async () => {
    const { pod, opened, verdictOn, settled, deploy, stop } = await setUp();
    pod('web', 1, 'a', READY);
    pod('web', 2, 'b', crashed(3));
    const incident = await opened();
    assert.equal(verdictOn(incident), 'Guilty PodsCrash');
    pod('web', 1, 'a', { ...READY, conditions: [{ type: 'Ready', status: 'False' }] });
    await settled();
    assert.equal(verdictOn(incident), 'Inconclusive OthersFailToo');
    pod('web', 1, 'a', READY);
    deploy('cart', ago(7200));
    pod('cart', 2, 'c', crashed(4));
    await settled();
    assert.equal(verdictOn(incident), 'Inconclusive OthersFailToo');
    await stop();
  });

  it('is guilty although a workload crashes that was released with it', async () => {
    const { pod, opened, verdictOn, settled, deploy, incidents, stop } = await setUp();
    deploy('cart');
    pod('web', 2, 'b', crashed(3));
    pod('cart', 2, 'c', crashed(4));
    await opened();
    await settled();
    const { length } = incidents();
    assert.equal(length, 2);
    for (const incident of incidents()) assert.equal(verdictOn(incident), 'Guilty PodsCrash');
    await stop();
  });

  for (const [what, world] of [
    ['did not opt in', { inject: 'false' }],
    ['says rollback: Off', { rollback: 'Off' }],
  ] as const)
    it(`opens nothing for a workload that ${what}`, async () => {
      const { pod, incidents, settled, stop } = await setUp(world);
      pod('web', 2, 'b', crashed(9));
      await settled();
      assert.deepEqual(incidents(), []);
      await stop();
    });
});
