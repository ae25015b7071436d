import { annotations, labels, SYSTEM_NAMESPACE } from '../src/api/annotations.ts';
import { isOptedIn } from '../src/api/optin.ts';
import type { Reason } from '../src/api/reasons.ts';
import { type AdmittedPod, recorderOf } from './pod.ts';

export interface Question {
  pod: AdmittedPod;
  namespace: string;
  /** The namespace carries the label metricops.dev/inject=enabled. */
  namespaceOptedIn: boolean;
  cluster: ClusterState;
}

export interface ClusterState {
  /** The API server and every kubelet know native sidecars. */
  nativeSidecars: boolean;
  /** Sidecar images can't be pulled at present. */
  breakerOpen: boolean;
}

export type SkipReason = Extract<
  Reason,
  | 'NotOptedIn'
  | 'SystemNamespace'
  | 'StaticPod'
  | 'AlreadyInjected'
  | 'HostNetwork'
  | 'NotLinux'
  | 'NoNativeSidecars'
  | 'BreakerOpen'
>;

type Predicate = (question: Question) => boolean;

export const isNotOptedIn: Predicate = ({ pod, namespaceOptedIn }) =>
  !isOptedIn({
    template: pod.metadata, // the pod's annotations are those of its template, and the workload's were carried there
    namespace: namespaceOptedIn ? { labels: { [labels.inject]: 'enabled' } } : undefined,
  });

export const isInSystemNamespace: Predicate = ({ namespace }) =>
  namespace === 'kube-system' || namespace === SYSTEM_NAMESPACE;

/** The kubelet makes mirror pods of its static pods; their spec is what is running already. */
export const isStaticPod: Predicate = ({ pod }) =>
  pod.metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined ||
  pod.metadata?.annotations?.['kubernetes.io/config.source'] === 'file';

/** A recorder whose restartPolicy another webhook took away would never let the pod start: that one is repaired. */
export const isInjected: Predicate = ({ pod }) => recorderOf(pod)?.restartPolicy === 'Always';

/** Its port would be the node's. */
export const usesHostNetwork: Predicate = ({ pod }) => pod.spec?.hostNetwork === true;

export const isNotLinux: Predicate = ({ pod: { spec } }) =>
  (spec?.os?.name ?? spec?.nodeSelector?.['kubernetes.io/os'] ?? 'linux') !== 'linux';

export const lacksNativeSidecars: Predicate = ({ cluster }) => !cluster.nativeSidecars;

export const isBreakerOpen: Predicate = ({ cluster }) => cluster.breakerOpen;

/** In this order: who did not ask hears nothing of what would have been in the way. */
const REASONS: readonly (readonly [SkipReason, Predicate])[] = [
  ['NotOptedIn', isNotOptedIn],
  ['SystemNamespace', isInSystemNamespace],
  ['StaticPod', isStaticPod],
  ['AlreadyInjected', isInjected],
  ['HostNetwork', usesHostNetwork],
  ['NotLinux', isNotLinux],
  ['NoNativeSidecars', lacksNativeSidecars],
  ['BreakerOpen', isBreakerOpen],
];

/** undefined: inject. Otherwise the first reason not to. */
export const reasonToSkip = (question: Question): SkipReason | undefined =>
  REASONS.find(([, holds]) => holds(question))?.[0];

/** Reasons that whoever asked for the recorder finds on the pod; the others leave the pod as it was. */
const TOLD: readonly SkipReason[] = ['HostNetwork', 'NotLinux', 'NoNativeSidecars', 'BreakerOpen'];

/** Value of the pod's annotation metricops.dev/injection; undefined where none is written. */
export const injectionNote = (reason: SkipReason | undefined): string | undefined =>
  reason === undefined ? 'injected' : TOLD.includes(reason) ? `skipped: ${reason}` : undefined;

export const injectionAnnotation = annotations.injection;
