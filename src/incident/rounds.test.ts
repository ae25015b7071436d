import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { deploymentOf, type HoldBench, startHoldBench } from '../../test/support/holds.ts';
import { eventually } from '../../test/support/poll.ts';
import { answerInRounds, type Rounds } from '../../test/support/rounds.ts';
import { API_VERSION, annotations, labels } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import type { ReleaseHistory, RestorableRelease } from '../api/release-history.ts';
import { rollbackPolicySpec } from '../api/rollback-policy.ts';
import { createCaches } from '../caches.ts';
import { obstacleToTarget } from '../holds/index.ts';
import { resources } from '../kube/index.ts';
import type { Queries } from '../slo/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { createIntake, startIncidents } from './index.ts';

const WEB = { namespace: 'shop', name: 'web' };
const FIELD_MANAGER = 'metricops/shop/app';
const [GOOD, BAD] = [`v1:${'a'.repeat(64)}`, `v1:${'b'.repeat(64)}`];

const workload = (image: string, sourceDigest: string): KubeObject =>
  deploymentOf(image, {
    labels: { [labels.sync]: 'shop.app' },
    annotations: { [annotations.sourceDigest]: sourceDigest },
  });
const service: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: WEB,
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
};
const recorded = (): KubeObject => {
  const object = workload('shop:v1', GOOD);
  const { replicas: _, ...spec } = object.spec as Record<string, unknown>;
  return { ...object, spec };
};

/** The pods of release 2 fail every fifth request, and those of release 1 none. */
const queriesThat = (wait: () => Promise<void>): Queries => ({
  async query() {
    await wait();
    return [];
  },
  async queryRange(expression, { start, end, step }) {
    await wait();
    const count = Math.round((end - start) / step) + 1;
    const value = expression.includes('total') ? 100 : expression.includes('web-2') ? 20 : 0;
    return [{ labels: {}, points: Array.from({ length: count }, (_, i) => ({ at: start + i * step, value })) }];
  },
  async alertingRules() {
    await wait();
    return [];
  },
});

describe('from an alert to the applied rollback', () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  /** A GitSync released web as shop:v1, which became good, then as shop:v2. */
  const released = async (): Promise<HoldBench> => {
    const running: HoldBench = await startHoldBench(
      {
        accountOf: () => ({
          writer: running.client,
          fieldManager: FIELD_MANAGER,
          refusalOf: () => undefined,
          leavesTo: () => [],
          wordsOf: ({ message }) => message,
        }),
      },
      { workload: recorded(), selectors: [service], fieldManager: FIELD_MANAGER, sourceDigest: GOOD },
    );
    stops.push(running.stop);
    const { client, server, clock } = running;
    const options = { fieldManager: FIELD_MANAGER, force: true };
    await client.delete(resources.deployments, WEB);
    await client.apply(resources.deployments, workload('shop:v1', GOOD), options);
    await client.apply(resources.deployments, workload('shop:v2', BAD), options);
    await client.apply(resources.services, service, options);
    const ago = (minutes: number): string => new Date(clock.now() - 60_000 * minutes).toISOString();
    const release = (number: number, sourceDigest: string, more: Partial<RestorableRelease>): RestorableRelease => ({
      number,
      sourceDigest,
      workloadUID: 'u',
      revision: String(number),
      images: [],
      snapshotRef: running.rollback().spec.target.snapshotRef,
      firstSeenTime: ago(60),
      outcome: 'Active',
      ...more,
    });
    const [history] = server.list(resources.releaseHistories) as ReleaseHistory[];
    assert.ok(history);
    const releases = [
      release(2, BAD, { firstSeenTime: ago(4), readyTime: ago(4) }),
      release(1, GOOD, { readyTime: ago(59), goodTime: ago(40), supersededTime: ago(4) }),
    ];
    server.seed(resources.releaseHistories, { ...history, spec: { ...history.spec, currentRelease: 2, releases } });
    const ratio = { errors: 'errors{}[$window]', total: 'total{}[$window]', podLabel: 'pod' };
    server.seed(resources.rollbackPolicies, {
      apiVersion: API_VERSION,
      kind: 'RollbackPolicy',
      metadata: WEB,
      spec: rollbackPolicySpec.parse({
        targetRef: { kind: 'Deployment', name: 'web' },
        objectives: [{ name: 'requests', target: '99', indicator: { ratio } }],
        mode: 'Auto',
      }),
    });
    return running;
  };

  it('nine rounds of questions wait for one another, three of them for Prometheus', async () => {
    const running = await released();
    const { client, server, clock, snapshots, controller, metrics, image } = running;
    const random = (): number => 0.5;
    const { caches, ready, stop } = createCaches(client, { clock, random });
    stops.push(stop);
    await ready();
    let rounds: Rounds | undefined;
    const queries = queriesThat(async () => rounds?.ask('Prometheus'));
    const common = { client, caches, clock, random, log: silentLog(), metrics, occurred: () => {} };
    const incidents = await startIncidents({
      ...common,
      queries: () => queries,
      onHold: controller.request,
      refusalOf: async () => undefined,
      obstacleTo: (key, target) => obstacleToTarget(key, target, { client, snapshots }),
    });
    stops.push(incidents.stop);
    const intake = createIntake({ ...common, onIncident: incidents.notify });
    controller.start();
    rounds = answerInRounds(server);
    stops.push(rounds.stop);
    const alert = {
      status: 'firing',
      labels: { alertname: 'Burn', namespace: 'shop', metricops_policy: 'web' },
      startsAt: new Date(clock.now() - 60_000).toISOString(),
      fingerprint: 'f',
    };
    const answer = await intake.receive({ version: '4', alerts: [alert] });
    assert.equal(answer.status, 200);
    await eventually(() => image() === 'shop:v1', {
      what: JSON.stringify(server.list(resources.incidents).map(({ status }) => status)),
    });
    const { asked } = rounds;
    const applied = asked.findIndex((round) => round.includes('apply Deployment'));
    assert.deepEqual(asked.slice(0, applied + 1), [
      ['create Incident'],
      ['Prometheus', 'get ControllerRevision'],
      ['Prometheus', 'Prometheus', 'Prometheus'],
      // Each pod of the release, before it is called Guilty.
      ['Prometheus', 'Prometheus'],
      // Last, for a person may have lifted the release meanwhile.
      ['get ReleaseHistory'],
      ['replace Incident/status'],
      ['create Hold'],
      ['get Deployment', 'get Service', 'replace Incident/status'],
      ['apply Deployment'],
    ]);
  });
});
