import { annotations } from '../src/api/annotations.ts';
import type { KubeObject } from '../src/api/meta.ts';
import { recorderIn } from './breaker.ts';
import { isInSystemNamespace, isNotOptedIn } from './decide.ts';
import type { AdmittedPod } from './pod.ts';

const ENDED = new Set(['Succeeded', 'Failed']);

/**
 * Pods that asked for the recorder, are there, have none, and were not told why: the webhook was away when they were
 * made, or they are older than the opt-in. A restart of their workload injects them.
 */
export const missedInjections = (
  pods: Iterable<KubeObject>,
  isNamespaceOptedIn: (namespace: string) => boolean,
): KubeObject[] =>
  [...pods].filter((pod) => {
    const namespace = pod.metadata.namespace ?? '';
    const question = {
      pod: pod as AdmittedPod,
      namespace,
      namespaceOptedIn: isNamespaceOptedIn(namespace),
      cluster: { nativeSidecars: true, breakerOpen: false },
    };
    return (
      !isInSystemNamespace(question) &&
      !isNotOptedIn(question) &&
      pod.metadata.deletionTimestamp === undefined &&
      !ENDED.has((pod.status as { phase?: string } | undefined)?.phase ?? '') &&
      pod.metadata.annotations?.[annotations.injection]?.startsWith('skipped') !== true &&
      recorderIn(pod) === 'none'
    );
  });
