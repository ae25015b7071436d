import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { simulatedClock } from '../../test/simulation/clock.ts';
import { createCluster } from '../../test/simulation/cluster.ts';
import { digestOf, historyOf, NAMESPACE, policyOf } from '../../test/simulation/manifests.ts';
import type { Service } from '../../test/simulation/world.ts';
import { API_VERSION } from '../api/annotations.ts';
import type { Incident } from '../api/incident.ts';
import { unrestrictedPolicy } from '../api/platform-policy.ts';
import { type ResourceType, resources } from '../kube/index.ts';
import { createMetrics, silentLog } from '../telemetry/index.ts';
import { startIncidents } from './index.ts';

const NOON = Date.parse('2026-03-02T12:00:00Z');
const release = { number: 1, revision: 'r1', at: NOON - 3_600_000, rolloutMs: 60_000, pods: 2 };
const web: Service = {
  name: 'web',
  target: 99,
  size: 2,
  requests: () => 0,
  base: 0,
  releases: [release],
  calls: [],
  lateErrors: false,
};
const time = new Date(NOON).toISOString();
const incident: Incident = {
  apiVersion: API_VERSION,
  kind: 'Incident',
  metadata: { namespace: NAMESPACE, name: 'web-1' },
  spec: {
    workloadRef: { kind: 'Deployment', name: 'web' },
    suspect: { number: 1, sourceDigest: digestOf('web', release) },
    evidence: [
      {
        source: 'Alertmanager',
        fingerprint: 'f',
        alert: 'Burn',
        status: 'firing',
        labels: {},
        receivedTime: time,
        lastReceivedTime: time,
      },
    ],
  },
};

describe('the controller of incidents', () => {
  /** When Prometheus was asked about the incident, in seconds since noon. It knows nothing. */
  const started = async () => {
    const { clock, run } = simulatedClock(NOON);
    const cluster = createCluster(NAMESPACE, clock);
    cluster.put(resources.rollbackPolicies, policyOf(web));
    cluster.put(resources.releaseHistories, historyOf(web, NOON));
    cluster.put(resources.incidents, incident);
    const cache = (type: ResourceType) => cluster.cache<never>(type);
    const looks: number[] = [];
    const controller = await startIncidents({
      client: cluster.client,
      caches: {
        incidents: cache(resources.incidents),
        holds: cache(resources.holds),
        histories: cache(resources.releaseHistories),
        rollbackPolicies: cache(resources.rollbackPolicies),
        namespaces: cache(resources.namespaces),
        syncs: cache(resources.gitSyncs),
        pods: cache(resources.pods),
        replicaSets: cache(resources.replicaSets),
        workloads: {
          Deployment: cache(resources.deployments),
          StatefulSet: cache(resources.statefulSets),
          DaemonSet: cache(resources.daemonSets),
        },
        platform: {
          current: () => unrestrictedPolicy,
          ready: async () => {},
          onChange: () => () => {},
          stop: async () => {},
        },
      },
      queries: () => {
        looks.push((clock.now() - NOON) / 1000);
        return { query: async () => [], queryRange: async () => [], alertingRules: async () => [] };
      },
      clock,
      random: () => 0.5,
      log: silentLog(),
      metrics: createMetrics(),
      occurred: () => {},
      refusalOf: async () => undefined,
      obstacleTo: async () => undefined,
      onHold: () => {},
    });
    const until = (seconds: number): Promise<void> => run(NOON + 1000 * seconds, () => true);
    return { cluster, looks, until, controller };
  };
  const stored = (cluster: ReturnType<typeof createCluster>): Incident | undefined =>
    cluster.list<Incident>(resources.incidents)[0];

  it('looks once where its own status comes back from the watch, and again after five seconds', async () => {
    const { cluster, looks, until, controller } = await started();
    await until(11);
    assert.equal(stored(cluster)?.status?.reason, 'NoData');
    assert.deepEqual(looks, [0, 5, 10]);
    await controller.stop();
  });

  it('looks at once where somebody else wrote it', async () => {
    const { cluster, looks, until, controller } = await started();
    await until(1);
    const known = stored(cluster);
    assert.ok(known);
    const [first] = known.spec.evidence;
    assert.ok(first);
    cluster.put(resources.incidents, {
      ...known,
      spec: { ...known.spec, evidence: [first, { ...first, fingerprint: 'g' }] },
    });
    await until(2);
    assert.deepEqual(looks, [0, 0]);
    await controller.stop();
  });
});
