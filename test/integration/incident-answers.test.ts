import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { API_VERSION } from '../../src/api/annotations.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { Release, ReleaseHistory } from '../../src/api/release-history.ts';
import { createCaches } from '../../src/caches.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { newAcceptance, newRollback } from '../../src/holds/index.ts';
import { type IncidentController, startIncidents } from '../../src/incident/index.ts';
import { resources } from '../../src/kube/index.ts';
import { createMetrics, silentLog } from '../../src/telemetry/index.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';

/** No requeue comes of time that passes: the shortest such wait is a second. */
const withoutPolls: Clock = {
  ...systemClock,
  sleep: (ms, signal) => (ms < 1_000 ? systemClock.sleep(ms, signal) : new Promise(() => {})),
};
const digest = (n: number): string => `v1:${String(n).repeat(64)}`;

describe('an open incident', () => {
  const plane = useControlPlane();
  let controller: IncidentController;
  let watched: ReturnType<typeof createCaches>;

  before(async () => {
    const { client } = plane();
    watched = createCaches(client, { clock: systemClock, random: Math.random });
    await watched.ready();
    controller = await startIncidents({
      client,
      caches: watched.caches,
      clock: withoutPolls,
      random: Math.random,
      log: silentLog(),
      metrics: createMetrics(),
      occurred: () => {},
      queries: undefined,
      onHold: () => {},
      refusalOf: async () => undefined,
      obstacleTo: async () => undefined,
    });
  });
  after(async () => {
    await controller?.stop();
    await watched?.stop();
  });

  const release = (number: number): Release & { snapshotRef: { name: string } } => ({
    number,
    sourceDigest: digest(number),
    workloadUID: 'u',
    images: [],
    snapshotRef: { name: `snapshot-${number}` },
    firstSeenTime: new Date(Date.now() - 600_000).toISOString(),
    outcome: number === 1 ? 'Superseded' : 'Active',
  });
  const workloadRef = { kind: 'Deployment', name: 'web' } as const;
  /** Of release 2, which came after release 1. */
  const opened = async (): Promise<Incident> => {
    const { client } = plane();
    const namespace = await plane().namespace('answers');
    await client.create(resources.deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name: 'web' },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'shop:v2' }] } },
      },
    });
    await client.create<ReleaseHistory>(resources.releaseHistories, {
      apiVersion: API_VERSION,
      kind: 'ReleaseHistory',
      metadata: { namespace, name: 'deployment-web' },
      spec: { workloadRef, currentRelease: 2, releases: [release(2), release(1)] },
    });
    const receivedTime = new Date().toISOString();
    const created = await client.create<Incident>(resources.incidents, {
      apiVersion: API_VERSION,
      kind: 'Incident',
      metadata: { namespace, name: 'web' },
      spec: {
        workloadRef,
        suspect: { number: 2, sourceDigest: digest(2) },
        evidence: [
          {
            source: 'Alertmanager',
            fingerprint: 'f',
            alert: 'Burn',
            status: 'firing',
            labels: {},
            receivedTime,
            lastReceivedTime: receivedTime,
          },
        ],
      },
    });
    return comesTo(created, 'Judging');
  };
  const comesTo = ({ metadata }: Incident, phase: string, reason = /./): Promise<Incident> =>
    eventually(
      async () => {
        const now = await plane().client.get<Incident>(resources.incidents, metadata);
        if (now?.status?.phase === phase && reason.test(now.status.reason ?? '')) return now;
        throw new Error(JSON.stringify(now?.status));
      },
      { what: `phase ${phase}`, timeoutMs: 10_000 },
    );
  const workloadOf = ({ metadata: { namespace = '' } }: Incident) => ({ ...workloadRef, namespace });
  const create = (hold: Hold): Promise<Hold> => plane().client.create<Hold>(resources.holds, hold);

  it('ends as soon as a person accepts the release, by a Hold that names no incident', async () => {
    const incident = await opened();
    const acceptance = newAcceptance({ workload: workloadOf(incident), digest: digest(2), message: '' });
    assert.equal(acceptance.spec.incidentRef, undefined);
    await create(acceptance);
    await comesTo(incident, 'Dismissed', /^ReleaseAccepted$/);
  });

  it('goes on as soon as a person rolls the release back, by a Hold that names no incident', async () => {
    const incident = await opened();
    const rollback = newRollback({
      workload: workloadOf(incident),
      digest: digest(2),
      target: release(1),
      origin: 'Manual',
      message: '',
    });
    assert.equal(rollback.spec.incidentRef, undefined);
    await create(rollback);
    await comesTo(incident, 'RollingBack', /^ReleaseHeld$/);
  });

  it('ends as soon as a person denies its rollback', async () => {
    const incident = await opened();
    const { name = '' } = incident.metadata;
    await create({
      apiVersion: API_VERSION,
      kind: 'Hold',
      metadata: { namespace: incident.metadata.namespace ?? '', name: 'no' },
      spec: { workloadRef, action: 'Deny', origin: 'Manual', incidentRef: { name } },
    });
    await comesTo(incident, 'Dismissed', /^Denied$/);
  });
});
