import { type Deliveries, readDeliveries } from '../alertmanager/index.ts';
import type { ConditionInput } from '../api/conditions.ts';
import type { Incident } from '../api/incident.ts';
import { isReason } from '../api/reasons.ts';
import type { RollbackPolicy } from '../api/rollback-policy.ts';
import { WORKLOAD_KINDS, type WorkloadKind } from '../api/workload.ts';
import type { Clock } from '../clock.ts';
import { type KubeClient, KubeError, type WatchCache } from '../kube/index.ts';
import type { PlatformPolicyWatch } from '../policy/platform-policy.ts';
import { alertsReach } from './alerts-reach.ts';
import { PrometheusError } from './answer.ts';
import { waysTo } from './match.ts';
import { measuredNow } from './measurable.ts';
import type { QueriesOf } from './query-queue.ts';
import { guardedBy } from './readiness.ts';
import type { AlertingRule } from './responses.ts';
import type { Selectors } from './selectors.ts';

export interface MeasurementPorts {
  client: KubeClient;
  caches: {
    rollbackPolicies: WatchCache<RollbackPolicy>;
    workloads: Record<WorkloadKind, WatchCache>;
    namespaces: WatchCache;
    incidents: WatchCache<Incident>;
    platform: PlatformPolicyWatch;
  };
  queries: QueriesOf;
  selectors: Selectors;
  systemNamespace: string;
  clock: Clock;
}

/** Conditions of a policy that take answers of Prometheus, and what Alertmanager delivered. */
const TYPES = ['Measured', 'AlertsReach'];
/** What is the same for all policies is asked for once in so long. */
const SHARED_MS = 60_000;

/** Asks what no object in the cluster says of a policy: conditions Measured and AlertsReach. */
export const createMeasurement = (ports: MeasurementPorts): ((policy: RollbackPolicy) => Promise<ConditionInput[]>) => {
  const { caches, client, clock, queries, selectors, systemNamespace } = ports;
  const rules = shared(clock, () => rulesOf(queries));
  const deliveries = shared(clock, () => deliveriesOf(client, systemNamespace));
  return async (policy) => {
    const { namespace = '' } = policy.metadata;
    const workloads = WORKLOAD_KINDS.flatMap((kind) => caches.workloads[kind].list(namespace));
    const guarded = guardedBy(policy, caches.rollbackPolicies.list(namespace), workloads);
    const names = new Set(guarded.map(({ key }) => `${key.kind}/${key.name}`));
    const isAnyNamespace = caches.platform.current().rollback.alertsWithoutNamespace;
    const of = caches.namespaces.get({ name: namespace });
    const measured = await measuredNow(policy, queries(namespace), selectors);
    if (guarded.length === 0) return [measured];
    const reach = alertsReach({
      ways: guarded
        .flatMap(({ key, workload }) => waysTo(key, { workload, policy, namespace: of }))
        .map((labels) => (isAnyNamespace ? labels : { namespace, ...labels })),
      rules: await rules(),
      deliveries: await deliveries(),
      reachedBefore: caches.incidents
        .list(namespace)
        .some(
          ({ spec }) => names.has(`${spec.workloadRef.kind}/${spec.workloadRef.name}`) && spec.evidence.some(isAlert),
        ),
    });
    return [measured, reach];
  };
};

const isAlert = ({ source }: Incident['spec']['evidence'][number]): boolean => source === 'Alertmanager';

/** What was measured before the controller was restarted, until it is measured again. */
export const storedMeasurements = ({ metadata, status }: RollbackPolicy): ConditionInput[] =>
  (status?.conditions ?? []).flatMap(({ type, status: is, reason, message, observedGeneration }) =>
    TYPES.includes(type) && observedGeneration === metadata.generation && isReason(reason)
      ? [{ type, status: is === 'Unknown' ? is : is === 'True', reason, message }]
      : [],
  );

const rulesOf = async (queries: QueriesOf): Promise<AlertingRule[] | string> => {
  try {
    return await queries('').alertingRules('');
  } catch (error) {
    if (error instanceof PrometheusError) return `the rules of Prometheus are not known: ${error.message}`;
    throw error;
  }
};

const deliveriesOf = async (client: KubeClient, namespace: string): Promise<Deliveries | undefined> => {
  try {
    return await readDeliveries(client, namespace);
  } catch (error) {
    if (error instanceof KubeError) return undefined;
    throw error;
  }
};

const shared = <T>(clock: Pick<Clock, 'now'>, ask: () => Promise<T>): (() => Promise<T>) => {
  let known: { at: number; answer: Promise<T> } | undefined;
  return () => {
    if (!known || clock.now() - known.at >= SHARED_MS) known = { at: clock.now(), answer: ask() };
    return known.answer;
  };
};
