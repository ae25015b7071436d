import type { ServiceGraphSource } from '../api/platform-policy.ts';
import { escapeRegExp } from './expression.ts';
import type { Sample } from './responses.ts';

/** A call from a workload of the namespace that was asked about: names, of whatever kind they are. */
export interface Call {
  caller: string;
  callee: { namespace: string; name: string };
}

/** As far back as a call counts: what is called once a day only is no reason to wait for it. */
const RANGE = '1h';
const MAX_CALLS = 500;
/** Names that a query lists, at most. */
const MAX_NAMES = 200;

interface Source {
  metric: string;
  /** Matchers in PromQL. */
  matchers: (namespace: string, names: readonly string[]) => readonly string[];
  caller: readonly string[];
  callee: readonly string[];
  /** Labels with namespaces, where the metric has them. */
  callerNamespace: string;
  calleeNamespace: string;
}

const KINDS = ['deployment', 'statefulset', 'daemonset'] as const;

const SOURCES: Record<Exclude<ServiceGraphSource, 'None'>, Source> = {
  // Tempo and the servicegraph connector of OpenTelemetry: names of services, with a namespace only as a dimension.
  Traces: {
    metric: 'traces_service_graph_request_total',
    matchers: (_, names) => [`client=~${JSON.stringify(names.slice(0, MAX_NAMES).map(escapeRegExp).join('|'))}`],
    caller: ['client'],
    callee: ['server'],
    callerNamespace: 'client_k8s_namespace_name',
    calleeNamespace: 'server_k8s_namespace_name',
  },
  // One side counts: both would see a call twice.
  Istio: {
    metric: 'istio_requests_total',
    matchers: (namespace) => ['reporter="source"', `source_workload_namespace=${JSON.stringify(namespace)}`],
    caller: ['source_workload'],
    callee: ['destination_workload'],
    callerNamespace: 'source_workload_namespace',
    calleeNamespace: 'destination_workload_namespace',
  },
  Linkerd: {
    metric: 'response_total',
    matchers: (namespace) => ['direction="outbound"', `namespace=${JSON.stringify(namespace)}`],
    caller: KINDS,
    callee: KINDS.map((kind) => `dst_${kind}`),
    callerNamespace: 'namespace',
    calleeNamespace: 'dst_namespace',
  },
};

/**
 * One query for what the workloads of a namespace called in the last hour.
 *
 * @param names of the workloads of the namespace
 */
export const callsQuery = (
  source: Exclude<ServiceGraphSource, 'None'>,
  namespace: string,
  names: readonly string[],
): string => {
  const { metric, matchers, caller, callee, callerNamespace, calleeNamespace } = SOURCES[source];
  const labels = [...caller, ...callee, callerNamespace, calleeNamespace].join(', ');
  const selector = `${metric}{${matchers(namespace, names).join(', ')}}`;
  return `topk(${MAX_CALLS}, sum by (${labels}) (rate(${selector}[${RANGE}])) > 0)`;
};

/** The calls that its answer shows. A side without a namespace is of the caller's. */
export const callsOf = (
  source: Exclude<ServiceGraphSource, 'None'>,
  namespace: string,
  samples: readonly Sample[],
): Call[] => {
  const { caller, callee, callerNamespace, calleeNamespace } = SOURCES[source];
  return samples.flatMap(({ labels }) => {
    const of = (names: readonly string[]): string | undefined => names.map((name) => labels[name]).find(Boolean);
    const [from, to] = [of(caller), of(callee)];
    if (!from || !to || (labels[callerNamespace] || namespace) !== namespace) return [];
    return [{ caller: from, callee: { namespace: labels[calleeNamespace] || namespace, name: to } }];
  });
};
