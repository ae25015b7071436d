import { isDeepStrictEqual } from 'node:util';
import type { Condition } from '../api/common.ts';
import { withConditions } from '../api/conditions.ts';
import type { KubeObject } from '../api/meta.ts';
import type { RollbackPolicy, RollbackPolicyStatus } from '../api/rollback-policy.ts';
import { WORKLOAD_KINDS, type WorkloadKind } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import { createWorkQueue, isConflict, isNotFound, type KubeClient, resources, type WatchCache } from '../kube/index.ts';
import type { PlatformPolicyWatch } from '../policy/platform-policy.ts';
import type { Log } from '../telemetry/index.ts';
import { conditionsOf } from './readiness.ts';
import { createSelectors } from './selectors.ts';

export interface PolicyStatusPorts {
  client: KubeClient;
  caches: {
    rollbackPolicies: WatchCache<RollbackPolicy>;
    workloads: Record<WorkloadKind, WatchCache>;
    namespaces: WatchCache;
    platform: PlatformPolicyWatch;
  };
  hasPrometheus: boolean;
  otherToolOf: (workload: KubeObject) => string | undefined;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** Until the watch shows what somebody else wrote meanwhile. */
const RETRY_MS = 200;

/**
 * Keeps the status of every RollbackPolicy: whether a burn would lead to what it says. Level-triggered, and writes only
 * what changed. To be run by the leader only.
 */
export const startPolicyStatus = (ports: PolicyStatusPorts): { stop(): Promise<void> } => {
  const { caches, client, clock, log } = ports;
  const selectors = createSelectors();

  const work = async (key: string): Promise<number | undefined> => {
    const [namespace = '', name = ''] = key.split('/');
    const policy = caches.rollbackPolicies.get({ namespace, name });
    if (!policy) return undefined;
    const inputs = conditionsOf(policy, {
      policies: caches.rollbackPolicies.list(namespace),
      workloads: WORKLOAD_KINDS.flatMap((kind) => caches.workloads[kind].list(namespace)),
      namespace: caches.namespaces.get({ name: namespace }),
      platform: caches.platform.current(),
      hasPrometheus: ports.hasPrometheus,
      otherToolOf: ports.otherToolOf,
      selectors,
    });
    const { generation, resourceVersion } = policy.metadata;
    const before = policy.status ?? {};
    const conditions = withConditions(before.conditions ?? [], inputs, { now: clock.now(), generation });
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

  const queue = createWorkQueue({
    concurrency: 4,
    clock,
    random: ports.random,
    maxBackoffMs: 60_000,
    onError: (policy, err, retryInMs) => log.warn({ policy, err, retryInMs }, 'status of RollbackPolicy not written'),
    worker: work,
  });
  const addAll = (namespace?: string): void => {
    for (const { metadata } of caches.rollbackPolicies.list(namespace))
      queue.add(`${metadata.namespace}/${metadata.name}`);
  };
  const stops = [
    caches.rollbackPolicies.onChange((policy, previous) => {
      const { namespace, name, generation } = (policy ?? previous)?.metadata ?? { name: '' };
      // One that appears, changes or goes may change which of the others count; its status does not.
      if (policy && generation === previous?.metadata.generation) queue.add(`${namespace}/${name}`);
      else addAll(namespace);
    }),
    ...WORKLOAD_KINDS.map((kind) =>
      caches.workloads[kind].onChange((workload, previous) => {
        if (workload && previous && readOf(workload, ports) === readOf(previous, ports)) return;
        addAll((workload ?? previous)?.metadata.namespace);
      }),
    ),
    caches.namespaces.onChange((namespace, previous) => {
      const labelsOf = (one: KubeObject | undefined): string => JSON.stringify(one?.metadata.labels ?? {});
      if (labelsOf(namespace) !== labelsOf(previous)) addAll((namespace ?? previous)?.metadata.name);
    }),
    caches.platform.onChange(() => addAll()),
  ];
  addAll();

  return {
    async stop() {
      for (const stop of stops) stop();
      await queue.stop();
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
