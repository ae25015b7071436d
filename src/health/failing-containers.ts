import { RECORDER } from '../api/injection.ts';
import type { KubeObject } from '../api/meta.ts';

/** A container of an application that does not run, as the kubelet reports it. */
export interface FailingContainer {
  name: string;
  /** The kubelet's or the runtime's word: CrashLoopBackOff, OOMKilled, ImagePullBackOff, CreateContainerConfigError … */
  reason: string;
  restarts: number;
  /** It ends again and again; otherwise it does not start at all. */
  crashes: boolean;
  /** When it ended last, in milliseconds since the epoch; undefined where it never ran. */
  endedAt: number | undefined;
}

interface Terminated {
  reason?: string;
  exitCode?: number;
  finishedAt?: string;
}
interface ContainerStatus {
  name: string;
  restartCount?: number;
  state?: { waiting?: { reason?: string }; running?: unknown; terminated?: Terminated };
  lastState?: { terminated?: Terminated };
}

/** A process may end once or twice for a neighbour's sake; the kubelet waits 10, 20 and 40 s between the first restarts. */
const RESTARTS = 3;
/** The kubelet waits five minutes at most: what ran for longer has settled. */
const SETTLED_MS = 600_000;
/** What every container waits for at first. Any other reason to wait is trouble, whatever kubelets will call it. */
const ORDINARY: ReadonlySet<string> = new Set(['PodInitializing', 'ContainerCreating']);

/** Whether a container that waits for this reason is about to start. */
export const isOrdinaryWait = (reason: string | undefined): boolean => reason === undefined || ORDINARY.has(reason);

/**
 * Containers of the pod that crash again and again, or can't be started. The injected recorder is not counted: its
 * failures are none of the application's. Pods that ended as they should, or are being deleted, have none.
 *
 * @param now milliseconds since the epoch
 */
export const failingContainers = (pod: KubeObject, now: number): FailingContainer[] => {
  const { phase, initContainerStatuses, containerStatuses } = (pod.status ?? {}) as {
    phase?: string;
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
  };
  if (pod.metadata.deletionTimestamp !== undefined || phase === 'Succeeded') return [];
  return [...(initContainerStatuses ?? []), ...(containerStatuses ?? [])]
    .filter(({ name }) => name !== RECORDER)
    .flatMap((status) => failureOf(status, now) ?? []);
};

const failureOf = (status: ContainerStatus, now: number): FailingContainer | undefined => {
  const { name, restartCount: restarts = 0, state, lastState } = status;
  const last = state?.terminated ?? lastState?.terminated;
  const endedAt = last?.finishedAt === undefined ? undefined : Date.parse(last.finishedAt);
  const waiting = state?.waiting?.reason;
  if (last && endedAt !== undefined && restarts >= RESTARTS && now - endedAt < SETTLED_MS) {
    const reason = last.reason === 'OOMKilled' ? last.reason : (waiting ?? last.reason ?? 'Error');
    return { name, reason, restarts, crashes: true, endedAt };
  }
  if (waiting === undefined || isOrdinaryWait(waiting)) return undefined;
  if (waiting === 'CrashLoopBackOff') return undefined; // it may still come to rest
  return { name, reason: waiting, restarts, crashes: false, endedAt };
};
