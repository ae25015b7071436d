import { isDeepStrictEqual } from 'node:util';
import type { Condition } from '../api/common.ts';
import { type ConditionInput, withConditions } from '../api/conditions.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import type { RollbackPolicy, RollbackPolicyStatus } from '../api/rollback-policy.ts';
import { WORKLOAD_KINDS, type WorkloadKind, type WorkloadRef } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import { createWorkQueue, isConflict, isNotFound, type KubeClient, resources, type WatchCache } from '../kube/index.ts';
import type { PlatformPolicyWatch } from '../policy/platform-policy.ts';
import { historyName } from '../snapshot/index.ts';
import type { Log } from '../telemetry/index.ts';
import { createMeasurement, storedMeasurements } from './measurement.ts';
import type { QueriesOf } from './query-queue.ts';
import { conditionsOf } from './readiness.ts';
import { createSelectors } from './selectors.ts';

export interface PolicyStatusPorts {
  client: KubeClient;
  caches: {
    rollbackPolicies: WatchCache<RollbackPolicy>;
    workloads: Record<WorkloadKind, WatchCache>;
    namespaces: WatchCache;
    histories: WatchCache<ReleaseHistory>;
    holds: WatchCache<Hold>;
    incidents: WatchCache<Incident>;
    platform: PlatformPolicyWatch;
  };
  /** undefined: no Prometheus is configured. */
  queries: QueriesOf | undefined;
  /** Where the deliveries of Alertmanager are noted. */
  systemNamespace: string;
  otherToolOf: (workload: KubeObject) => string | undefined;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** Until the watch shows what somebody else wrote meanwhile. */
const RETRY_MS = 200;
/** What only Prometheus knows of a policy is asked for so often, one policy after the other. */
const MEASURE_MS = 5 * 60_000;
/** While something is missing: a person may be about to add it. */
const MEASURE_AGAIN_MS = 60_000;

/**
 * Keeps the status of every RollbackPolicy: whether a burn would lead to what it says. Level-triggered, but for what is
 * measured in Prometheus, and writes only what changed. To be run by the leader only.
 */
export const startPolicyStatus = (ports: PolicyStatusPorts): { stop(): Promise<void> } => {
  const { caches, client, clock, log, queries } = ports;
  const selectors = createSelectors();
  const measure = queries && createMeasurement({ ...ports, queries, selectors });
  /** By key of the policy. */
  const measured = new Map<string, { generation: number | undefined; inputs: ConditionInput[] }>();

  const work = async (key: string): Promise<number | undefined> => {
    const policy = policyAt(key);
    if (!policy) return undefined;
    const { namespace = '', generation, resourceVersion } = policy.metadata;
    const known = measured.get(key);
    const inputs = conditionsOf(policy, {
      policies: caches.rollbackPolicies.list(namespace),
      workloads: WORKLOAD_KINDS.flatMap((kind) => caches.workloads[kind].list(namespace)),
      namespace: caches.namespaces.get({ name: namespace }),
      platform: caches.platform.current(),
      hasPrometheus: queries !== undefined,
      otherToolOf: ports.otherToolOf,
      selectors,
      historyOf: (workload) => caches.histories.get({ namespace, name: historyName(workload) }),
      holds: caches.holds.list(namespace),
      measured: known && known.generation === generation ? known.inputs : storedMeasurements(policy),
      now: clock.now(),
    });
    const before = policy.status ?? {};
    const conditions = withConditions(
      (before.conditions ?? []).filter(({ type }) => inputs.some((input) => input.type === type)),
      inputs,
      { now: clock.now(), generation },
    );
    if (isSame(before, conditions, generation)) return undefined;
    const status: RollbackPolicyStatus = {
      conditions,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
    try {
      const body = { metadata: { resourceVersion }, status };
      await client.patch(
        resources.rollbackPolicies,
        policy.metadata,
        { type: 'merge', body },
        { subresource: 'status' },
      );
    } catch (error) {
      if (isConflict(error)) return RETRY_MS;
      if (!isNotFound(error)) throw error;
    }
    return undefined;
  };

  const common = { clock, random: ports.random, maxBackoffMs: 60_000 };
  const queue = createWorkQueue({
    ...common,
    concurrency: 4,
    onError: (policy, err, retryInMs) => log.warn({ policy, err, retryInMs }, 'status of RollbackPolicy not written'),
    worker: work,
  });
  const measuring = createWorkQueue({
    ...common,
    concurrency: 1,
    onError: (policy, err, retryInMs) => log.warn({ policy, err, retryInMs }, 'RollbackPolicy not measured'),
    async worker(key) {
      const policy = policyAt(key);
      if (!policy || !measure) {
        measured.delete(key);
        return undefined;
      }
      const inputs = await measure(policy);
      measured.set(key, { generation: policy.metadata.generation, inputs });
      queue.add(key);
      return inputs.every(({ status }) => status === true) ? MEASURE_MS : MEASURE_AGAIN_MS;
    },
  });
  const policyAt = (key: string): RollbackPolicy | undefined => {
    const [namespace = '', name = ''] = key.split('/');
    return caches.rollbackPolicies.get({ namespace, name });
  };
  const addAll = (namespace?: string): void => {
    for (const { metadata } of caches.rollbackPolicies.list(namespace))
      queue.add(`${metadata.namespace}/${metadata.name}`);
  };
  /** Policies that may guard the workload. */
  const addOf = (namespace: string | undefined, { kind, name }: WorkloadRef): void => {
    for (const { metadata, spec } of caches.rollbackPolicies.list(namespace)) {
      const { targetRef } = spec;
      if (!targetRef || (targetRef.kind === kind && targetRef.name === name))
        queue.add(`${metadata.namespace}/${metadata.name}`);
    }
  };
  const stops = [
    caches.rollbackPolicies.onChange((policy, previous) => {
      const { namespace, name, generation } = (policy ?? previous)?.metadata ?? { name: '' };
      const isUnchanged = policy !== undefined && generation === previous?.metadata.generation;
      if (!isUnchanged) measuring.add(`${namespace}/${name}`);
      // One that appears, changes or goes may change which of the others count; its status does not.
      if (isUnchanged) queue.add(`${namespace}/${name}`);
      else addAll(namespace);
    }),
    ...WORKLOAD_KINDS.map((kind) =>
      caches.workloads[kind].onChange((workload, previous) => {
        if (workload && previous && readOf(workload, ports) === readOf(previous, ports)) return;
        addAll((workload ?? previous)?.metadata.namespace);
      }),
    ),
    ...[caches.histories, caches.holds].map((cache: WatchCache<ReleaseHistory> | WatchCache<Hold>) =>
      cache.onChange((object: ReleaseHistory | Hold | undefined, previous: ReleaseHistory | Hold | undefined) => {
        const changed = object ?? previous;
        if (changed) addOf(changed.metadata.namespace, changed.spec.workloadRef);
      }),
    ),
    caches.namespaces.onChange((namespace, previous) => {
      const labelsOf = (one: KubeObject | undefined): string => JSON.stringify(one?.metadata.labels ?? {});
      if (labelsOf(namespace) !== labelsOf(previous)) addAll((namespace ?? previous)?.metadata.name);
    }),
    caches.platform.onChange(() => addAll()),
  ];
  addAll();
  for (const { metadata } of caches.rollbackPolicies.list()) measuring.add(`${metadata.namespace}/${metadata.name}`);

  return {
    async stop() {
      for (const stop of stops) stop();
      await Promise.all([queue.stop(), measuring.stop()]);
    },
  };
};

/** All that the conditions read of a workload: most of its changes are of its status. */
const readOf = (workload: KubeObject, { otherToolOf }: Pick<PolicyStatusPorts, 'otherToolOf'>): string => {
  const { template } = (workload.spec ?? {}) as { template?: { metadata?: { annotations?: object } } };
  const { labels, annotations } = workload.metadata;
  return JSON.stringify([labels, annotations, template?.metadata?.annotations, otherToolOf(workload)]);
};

const isSame = (
  before: RollbackPolicyStatus,
  conditions: readonly Condition[],
  generation: number | undefined,
): boolean => before.observedGeneration === generation && isDeepStrictEqual(before.conditions, conditions);
