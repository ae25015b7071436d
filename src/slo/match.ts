import { annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { isWorkloadOptedIn } from '../api/optin.ts';
import type { RollbackPolicy } from '../api/rollback-policy.ts';
import { isWorkloadKind, type WorkloadKey, workloadString } from '../api/workload.ts';
import { guardingPolicyAmong } from '../policy/guard.ts';
import { claimsAlert, type Labels } from '../policy/labels.ts';
import { POLICY_LABEL } from './rules.ts';

export interface AlertMatch {
  workload: WorkloadKey;
  /** The policy that guards the workload, however the alert found it; undefined when none does. */
  policy?: RollbackPolicy;
}

export interface MatchInput {
  policies: readonly RollbackPolicy[];
  workloads: readonly KubeObject[];
  namespaceOf: (name: string) => KubeObject | undefined;
  /** Alerts must carry this label where one Alertmanager serves many clusters. */
  cluster?: { label: string; value: string } | undefined;
  /** What the platform allows: an alert that names no namespace may be about any. */
  withoutNamespace: boolean;
}

/** A workload that an alert may be about. */
interface Candidate {
  key: WorkloadKey;
  policy: RollbackPolicy | undefined;
  /** An alert that has all of the labels of one of these is about it. */
  ways: readonly Labels[];
}

/**
 * Says which workloads an alert is about. Our own objects decide: the policy that guards a workload claims the alert, or
 * the workload's annotation does, or the alert names, by its namespace and deployment labels, a workload that a policy
 * guards or that opted in. Only workloads of the namespace that the alert names, so that nobody claims another's alerts.
 * To be made for each delivery: it reads the objects once.
 */
export const createMatcher = (input: MatchInput): ((labels: Labels) => AlertMatch[]) => {
  const everywhere = once(() => candidatesOf(input, input.namespaceOf));
  const policies = Map.groupBy(input.policies, ({ metadata }) => metadata.namespace);
  const workloads = Map.groupBy(input.workloads, ({ metadata }) => metadata.namespace);
  const byNamespace = new Map<string, Candidate[]>();
  /** Most deliveries are about one namespace: what is in the others is not looked into. */
  const candidatesIn = (namespace: string): Candidate[] => {
    const of = { policies: policies.get(namespace) ?? [], workloads: workloads.get(namespace) ?? [] };
    const found = byNamespace.get(namespace) ?? candidatesOf(of, input.namespaceOf);
    byNamespace.set(namespace, found);
    return found;
  };
  /** Nothing can be stored in a namespace that is going away, and nothing needs to. */
  const isThere = ({ namespace }: WorkloadKey): boolean =>
    input.namespaceOf(namespace)?.metadata.deletionTimestamp === undefined;
  return (labels) => {
    if (input.cluster && labels[input.cluster.label] !== input.cluster.value) return [];
    const { namespace } = labels;
    const candidates = namespace !== undefined ? candidatesIn(namespace) : input.withoutNamespace ? everywhere() : [];
    return candidates
      .filter((candidate) => candidate.ways.some((way) => claimsAlert(way, labels)) && isThere(candidate.key))
      .map(({ key, policy }) => ({ workload: key, ...(policy ? { policy } : {}) }));
  };
};

/** Those that a policy names come first, whether they are there or not; then all that are there. */
const candidatesOf = (
  { policies, workloads }: Pick<MatchInput, 'policies' | 'workloads'>,
  namespaceOf: MatchInput['namespaceOf'],
): Candidate[] => {
  const guarding = guardingPolicyAmong(policies);
  const found = new Map<string, Candidate>();
  const add = (key: WorkloadKey, workload: KubeObject | undefined): void => {
    const policy = guarding(key, workload);
    const ways = waysTo(key, { workload, policy, namespace: namespaceOf(key.namespace) });
    found.set(workloadString(key), { key, policy, ways });
  };
  for (const { metadata, spec } of policies) {
    const { kind = '', name = '' } = spec.targetRef ?? {};
    if (isWorkloadKind(kind)) add({ kind, name, namespace: metadata.namespace ?? '' }, undefined);
  }
  for (const workload of workloads) {
    const { namespace = '', name } = workload.metadata;
    if (isWorkloadKind(workload.kind)) add({ kind: workload.kind, name, namespace }, workload);
  }
  return [...found.values()];
};

/**
 * The labels by which an alert reaches a workload: all of one of these. Its namespace and name, where it has a policy or
 * opted in; what its annotation claims; what the policy claims that names it by targetRef. What guards many workloads
 * does not say which of them an alert is about: there only the name does.
 *
 * @param about.workload undefined: a policy names it, and it is not there (any more)
 */
export const waysTo = (
  { kind, namespace, name }: WorkloadKey,
  about: { workload: KubeObject | undefined; policy: RollbackPolicy | undefined; namespace: KubeObject | undefined },
): Labels[] => {
  const { workload, policy } = about;
  const isFollowed = policy !== undefined || (workload !== undefined && consents(workload, about.namespace));
  const claimed = [
    parseLabels(workload?.metadata.annotations?.[annotations.alerts]),
    ...(policy?.spec.targetRef
      ? [
          { namespace, [POLICY_LABEL]: policy.metadata.name },
          ...policy.spec.objectives.map(({ alerts }) => alerts?.matchLabels),
        ]
      : []),
  ];
  const byName = isFollowed ? [{ namespace, [kind.toLowerCase()]: name }] : [];
  const said = claimed.filter((labels) => labels !== undefined).filter((labels) => Object.keys(labels).length > 0);
  return [...byName, ...said];
};

const once = <T>(make: () => T): (() => T) => {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

/** `a=b,c=d` */
const parseLabels = (text: string | undefined): Record<string, string> | undefined => {
  if (text === undefined) return undefined;
  const pairs = text.split(',').map((pair) => pair.trim().split('=', 2));
  return Object.fromEntries(
    pairs
      .filter((p): p is [string, string] => p.length === 2)
      .map(([k, v]) => [k.trim(), v.trim().replace(/^"|"$/g, '')]),
  );
};

const consents = (workload: KubeObject, namespace: KubeObject | undefined): boolean =>
  workload.metadata.annotations?.[annotations.rollback] !== undefined || isWorkloadOptedIn(workload, namespace);
