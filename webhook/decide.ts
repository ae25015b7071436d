import { labels } from '../src/api/annotations.ts';
import { isPodOptedIn } from '../src/api/optin.ts';
import type { Reason } from '../src/api/reasons.ts';
import { isSystemNamespace } from '../src/api/system-namespace.ts';
import { type AdmittedPod, isNameTaken, recorderOf } from './pod.ts';
import { requiredTerms } from './scheduling.ts';

export interface Question {
  pod: AdmittedPod;
  namespace: string;
  /** Of this installation. */
  systemNamespace: string;
  /** The label metricops.dev/inject of the namespace opts its pods in. */
  namespaceOptedIn: boolean;
  /** The recorder's, by our settings. */
  image: string;
  cluster: ClusterState;
}

/** Why a pod that asked is not injected. Each check runs only where all before it passed. */
export interface ClusterState {
  /** A node without native sidecars that the pod can go to, or such an API server. */
  withoutSidecars(pod: AdmittedPod): string | undefined;
  /** What the namespace lets a pod have. */
  outOfBounds(pod: AdmittedPod): { reason: 'LimitRangeExceeded' | 'QuotaExceeded'; words: string } | undefined;
  /** Injection is stopped in the namespace. The last question: its answer may be the pod that is tried. */
  stopped(): string | undefined;
}

export type SkipReason = Extract<
  Reason,
  | 'NotOptedIn'
  | 'SystemNamespace'
  | 'StaticPod'
  | 'AlreadyInjected'
  | 'ContainerNameTaken'
  | 'HostNetwork'
  | 'NotLinux'
  | 'NoNativeSidecars'
  | 'LimitRangeExceeded'
  | 'QuotaExceeded'
  | 'BreakerOpen'
>;

export interface Skip {
  reason: SkipReason;
  /** What exactly was in the way; undefined where the reason says it all. */
  words?: string;
}

type Predicate = (question: Omit<Question, 'cluster'>) => boolean;

export const isNotOptedIn: Predicate = ({ pod, namespaceOptedIn }) =>
  // The workload's annotations were carried into the template, and so into the pod.
  !isPodOptedIn(pod.metadata, namespaceOptedIn ? { labels: { [labels.inject]: 'enabled' } } : undefined);

export const isInSystemNamespace: Predicate = ({ namespace, systemNamespace }) =>
  isSystemNamespace(namespace, systemNamespace);

/** The kubelet makes mirror pods of its static pods; their spec is what is running already. */
export const isStaticPod: Predicate = ({ pod }) =>
  pod.metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined ||
  pod.metadata?.annotations?.['kubernetes.io/config.source'] === 'file';

/** A recorder whose restartPolicy another webhook took away would never let the pod start: that one is repaired. */
export const isInjected: Predicate = ({ pod, image }) => recorderOf(pod, image)?.restartPolicy === 'Always';

/** What a tenant runs under that name is the tenant's. */
export const isTakenByTenant: Predicate = ({ pod, image }) => isNameTaken(pod) && recorderOf(pod, image) === undefined;

/** Its port would be the node's. */
export const usesHostNetwork: Predicate = ({ pod }) => pod.spec?.hostNetwork === true;

const OS = 'kubernetes.io/os';

export const isNotLinux: Predicate = ({ pod }) => {
  const { spec } = pod;
  if ((spec?.os?.name ?? spec?.nodeSelector?.[OS] ?? 'linux') !== 'linux') return true;
  const terms = requiredTerms(pod);
  return (
    terms !== undefined &&
    terms.length > 0 &&
    terms.every(({ matchExpressions = [] }) =>
      matchExpressions.some(
        ({ key, operator, values = [] }) =>
          key === OS &&
          ((operator === 'In' && !values.includes('linux')) || (operator === 'NotIn' && values.includes('linux'))),
      ),
    )
  );
};

/** The order matters: a pod that did not ask gets no reason why it could not have been injected. */
const REASONS: readonly (readonly [SkipReason, Predicate])[] = [
  ['NotOptedIn', isNotOptedIn],
  ['SystemNamespace', isInSystemNamespace],
  ['StaticPod', isStaticPod],
  ['AlreadyInjected', isInjected],
  ['ContainerNameTaken', isTakenByTenant],
  ['HostNetwork', usesHostNetwork],
  ['NotLinux', isNotLinux],
];

/** undefined: inject. Otherwise the first reason not to. */
export const reasonToSkip = (question: Question): Skip | undefined => {
  const reason = REASONS.find(([, holds]) => holds(question))?.[0];
  if (reason !== undefined) return { reason };
  const { pod, cluster } = question;
  const node = cluster.withoutSidecars(pod);
  if (node !== undefined) return { reason: 'NoNativeSidecars', words: node };
  const stopped = cluster.outOfBounds(pod) ?? cluster.stopped();
  return typeof stopped === 'string' ? { reason: 'BreakerOpen', words: stopped } : stopped;
};

/** Reasons that are not written on the pod: it stays as it was. */
const UNTOLD: readonly SkipReason[] = ['NotOptedIn', 'SystemNamespace', 'StaticPod', 'AlreadyInjected'];

/** Value of the pod's annotation metricops.dev/injection; undefined where none is written. */
export const injectionNote = (skip: Skip | undefined): string | undefined => {
  if (skip === undefined) return 'injected';
  if (UNTOLD.includes(skip.reason)) return undefined;
  return `skipped: ${skip.reason}${skip.words === undefined ? '' : `: ${skip.words}`}`;
};
