import type { KubeObject } from '../src/api/meta.ts';
import type { AdmittedPod } from './pod.ts';

interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

interface PolicyPort {
  protocol?: string;
  port?: number | string;
  endPort?: number;
}

interface Rule {
  from?: unknown[];
  ports?: PolicyPort[];
}

interface Policy {
  spec?: { podSelector?: Selector; policyTypes?: string[]; ingress?: Rule[] };
}

/**
 * Whether everybody whom the NetworkPolicies of the namespace let reach the one port of the pod may reach the other as
 * well. What Prometheus is, nobody knows here: so it is asked of each rule.
 */
export const admitsAsWell = (
  pod: AdmittedPod,
  { from, to }: { from: number; to: number },
  policies: readonly KubeObject[],
): boolean => {
  const selecting = (policies as (KubeObject & Policy)[]).filter(
    ({ spec }) =>
      (spec?.policyTypes ?? ['Ingress']).includes('Ingress') && selects(spec?.podSelector, pod.metadata?.labels ?? {}),
  );
  if (selecting.length === 0) return true;
  const rules = selecting.flatMap(({ spec }) => spec?.ingress ?? []);
  const isForAll = rules.some((rule) => isAnybody(rule) && admits(rule, to, pod));
  return isForAll || rules.every((rule) => !admits(rule, from, pod) || admits(rule, to, pod));
};

const isAnybody = ({ from }: Rule): boolean => from === undefined || from.length === 0;

const admits = ({ ports }: Rule, port: number, pod: AdmittedPod): boolean =>
  ports === undefined ||
  ports.length === 0 ||
  ports.some(
    (one) =>
      (one.protocol ?? 'TCP') === 'TCP' &&
      (one.port === undefined ||
        (typeof one.port === 'string'
          ? isNamed(pod, one.port, port)
          : one.port <= port && port <= (one.endPort ?? one.port))),
  );

const isNamed = ({ spec }: AdmittedPod, name: string, port: number): boolean =>
  [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
    .flatMap(({ ports }) => ports ?? [])
    .some((declared) => declared.name === name && declared.containerPort === port);

/** An operator that is not known selects: then the rules count. */
const selects = ({ matchLabels = {}, matchExpressions = [] }: Selector = {}, labels: Record<string, string>): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === 'In') return value !== undefined && values.includes(value);
    if (operator === 'NotIn') return value === undefined || !values.includes(value);
    if (operator === 'Exists') return value !== undefined;
    return operator === 'DoesNotExist' ? value === undefined : true;
  });
