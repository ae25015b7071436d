import { annotations } from './annotations.ts';
import type { KubeObject } from './meta.ts';

/** Name of the injected container. */
export const RECORDER = 'metricops-recorder';

/** What became of the sidecar in a pod that asks for it. */
export type Injection =
  | { is: 'injected' }
  /** The webhook left the pod alone, and wrote why. */
  | { is: 'skipped'; why: string }
  /** The webhook was away when the pod was made: nothing says why there is no sidecar. A restart of the pod heals it. */
  | { is: 'missed' };

/**
 * From the webhook's word on the pod, or from its containers. Of a pod that was read as metadata only the word decides,
 * and every pod that we inject has it.
 */
export const injectionOf = (pod: KubeObject): Injection => {
  const word = pod.metadata.annotations?.[annotations.injection];
  const { initContainers } = (pod.spec ?? {}) as { initContainers?: { name: string }[] | null };
  const hasRecorder = initContainers?.some(({ name }) => name === RECORDER) === true;
  if (word === 'injected' || hasRecorder) return { is: 'injected' };
  return word === undefined ? { is: 'missed' } : { is: 'skipped', why: word };
};
