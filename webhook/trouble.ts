import { annotations } from '../src/api/annotations.ts';
import { RECORDER } from '../src/api/injection.ts';
import type { KubeObject } from '../src/api/meta.ts';
import { isOrdinaryWait } from '../src/health/failing-containers.ts';

interface Status {
  name: string;
  started?: boolean;
  restartCount?: number;
  state?: {
    waiting?: { reason?: string; message?: string };
    running?: { startedAt?: string };
    terminated?: { exitCode?: number; reason?: string; message?: string };
  };
}

interface PodStatus {
  phase?: string;
  conditions?: { type: string; status: string }[];
  initContainerStatuses?: Status[];
  containerStatuses?: Status[];
}

/** A recorder that crashed beside a running application may come back by itself; one that goes on does not. */
const CRASHES = 3;

const statusOf = (pod: KubeObject): PodStatus => (pod.status ?? {}) as PodStatus;

const recorderImage = (pod: KubeObject): string | undefined => {
  if (pod.metadata.annotations?.[annotations.injection] !== 'injected') return undefined;
  const { initContainers = [] } = (pod.spec ?? {}) as { initContainers?: { name: string; image?: string }[] };
  const recorder = initContainers.find(({ name }) => name === RECORDER);
  return recorder && (recorder.image ?? '');
};

/** Our word on the pod and the container, of this version or an earlier one. */
export const carriesRecorder = (pod: KubeObject): boolean => recorderImage(pod) !== undefined;

/**
 * Whether we put the recorder there: our word on the pod, and our image. A container of that name alone is anybody's.
 */
export const isInjectedBy = (pod: KubeObject, image: string): boolean => recorderImage(pod) === image;

export const hasBegun = (pod: KubeObject): boolean =>
  statusOf(pod).conditions?.some(({ type, status }) => type === 'Initialized' && status === 'True') ?? false;

/** What keeps the recorder of a live pod from running, in the kubelet's words; undefined while nothing does. */
export const troubleOf = (pod: KubeObject): string | undefined => {
  const { phase, initContainerStatuses = [] } = statusOf(pod);
  if (pod.metadata.deletionTimestamp !== undefined || phase === 'Succeeded' || phase === 'Failed') return undefined;
  const recorder = initContainerStatuses.find(({ name }) => name === RECORDER);
  const trouble = recorder && inTrouble(recorder);
  if (!trouble) return undefined;
  return hasBegun(pod) && (recorder.restartCount ?? 0) < CRASHES ? undefined : trouble;
};

/**
 * The recorder runs, and everything before it is done: on a kubelet without native sidecars the pod waits for its end.
 */
export const isHeldByKubelet = (pod: KubeObject): boolean => {
  const { initContainerStatuses = [] } = statusOf(pod);
  const recorder = initContainerStatuses.find(({ name }) => name === RECORDER);
  const others = initContainerStatuses.filter(({ name }) => name !== RECORDER);
  return (
    pod.metadata.deletionTimestamp === undefined &&
    recorder?.state?.running !== undefined &&
    recorder.started !== true &&
    !hasBegun(pod) &&
    others.every(({ state, started }) => state?.terminated?.exitCode === 0 || started === true)
  );
};

/** Only the recorder keeps the pod from starting. */
export const isOnlyTrouble = (pod: KubeObject): boolean => {
  const { initContainerStatuses = [], containerStatuses = [] } = statusOf(pod);
  return [...initContainerStatuses, ...containerStatuses].every(({ name, ...status }) =>
    name === RECORDER ? true : inTrouble(status) === undefined,
  );
};

export const isRecording = (pod: KubeObject): boolean => {
  const recorder = statusOf(pod).initContainerStatuses?.find(({ name }) => name === RECORDER);
  return recorder?.state?.running !== undefined && recorder.started === true;
};

const inTrouble = ({ state }: Omit<Status, 'name'>): string | undefined => {
  const { waiting, terminated } = state ?? {};
  if (waiting && !isOrdinaryWait(waiting.reason)) return words(waiting.reason, waiting.message);
  if (terminated && terminated.exitCode !== 0)
    return words(terminated.reason, terminated.message ?? `exit code ${terminated.exitCode}`);
  return undefined;
};

const words = (reason = 'Unknown', message: string | undefined): string =>
  message === undefined ? reason : `${reason}: ${message.slice(0, 300)}`;
