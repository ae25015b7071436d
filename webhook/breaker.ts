import type { KubeObject } from '../src/api/meta.ts';
import { RECORDER } from './pod.ts';

const PULL_ERRORS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
]);

/** One such pod may be one bad node: where others run, it takes more to stop injecting. */
const STUCK_BESIDE_RUNNING = 3;
/** An open breaker stays so for a while, or it would let one bad pod in at every deletion of another. */
const OPEN_AT_LEAST_MS = 60_000;

interface RecorderStatus {
  name: string;
  image?: string;
  state?: { waiting?: { reason?: string }; running?: object };
}

export type Recorder = 'stuck' | 'running' | 'other' | 'none';

/** How the recorder of a pod does, as the kubelet tells. */
export const recorderIn = (pod: KubeObject): Recorder => {
  const statuses =
    (pod.status as { initContainerStatuses?: RecorderStatus[] } | undefined)?.initContainerStatuses ?? [];
  const status = statuses.find(({ name }) => name === RECORDER);
  if (status !== undefined) {
    if (status.state?.running) return 'running';
    return PULL_ERRORS.has(status.state?.waiting?.reason ?? '') ? 'stuck' : 'other';
  }
  const spec = pod.spec as { initContainers?: { name: string }[] } | undefined;
  return spec?.initContainers?.some(({ name }) => name === RECORDER) ? 'other' : 'none';
};

/**
 * Open: sidecar images can't be pulled, so pods would wait for theirs for ever. Computed anew from the pods each time.
 * @param openedAt when it opened; undefined while it is closed
 * @returns the new openedAt
 */
export const breakerState = (
  pods: Iterable<KubeObject>,
  openedAt: number | undefined,
  now: number,
): { openedAt: number | undefined; stuck: KubeObject[] } => {
  const stuck: KubeObject[] = [];
  let running = 0;
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined) continue;
    const recorder = recorderIn(pod);
    if (recorder === 'stuck') stuck.push(pod);
    else if (recorder === 'running') running += 1;
  }
  const mustOpen = stuck.length >= (running === 0 ? 1 : STUCK_BESIDE_RUNNING);
  if (openedAt === undefined) return { openedAt: mustOpen ? now : undefined, stuck };
  const mayClose = stuck.length === 0 && now - openedAt >= OPEN_AT_LEAST_MS;
  return { openedAt: mayClose ? undefined : openedAt, stuck };
};
