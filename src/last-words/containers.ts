import { RECORDER } from '../api/injection.ts';
import type { KubeObject } from '../api/meta.ts';
import { isOrdinaryWait } from '../health/failing-containers.ts';

/** A container of a pod, as its kubelet reports it, and which logs there are of it. */
export interface Container {
  pod: string;
  name: string;
  /** E.g. `waiting (CrashLoopBackOff), 4 restarts, ended before with exit code 1 (Error) at 2026-01-01T12:00:00Z`. */
  state: string;
  /** It ended other than it should, or does not start. */
  hasFailed: boolean;
  /** Of the run before its last restart, and of the one that is, or was last. */
  logs: readonly ('previous' | 'current')[];
}

interface Terminated {
  reason?: string;
  exitCode?: number;
  signal?: number;
  finishedAt?: string;
}
interface Status {
  name: string;
  restartCount?: number;
  state?: { waiting?: { reason?: string }; running?: unknown; terminated?: Terminated };
  lastState?: { terminated?: Terminated };
}

/** Without the injected recorder, and without init containers that ended as they should. */
export const containersOf = (pod: KubeObject): Container[] => {
  const { containerStatuses, initContainerStatuses } = (pod.status ?? {}) as {
    containerStatuses?: Status[];
    initContainerStatuses?: Status[];
  };
  const init = (initContainerStatuses ?? []).filter(({ state }) => state?.terminated?.exitCode !== 0);
  return [...(containerStatuses ?? []), ...init]
    .filter(({ name }) => name !== RECORDER)
    .map((status) => containerOf(pod.metadata.name, status));
};

const containerOf = (pod: string, status: Status): Container => {
  const { name, restartCount = 0, state = {}, lastState } = status;
  const before = lastState?.terminated;
  const parts = [
    stateWords(state),
    restartCount > 0 ? `${restartCount} restart${restartCount === 1 ? '' : 's'}` : undefined,
    before && `ended before with ${exitWords(before)}`,
  ];
  return {
    pod,
    name,
    state: parts.filter((part) => part !== undefined).join(', '),
    hasFailed: [state.terminated, before].some((end) => end && end.exitCode !== 0) || !isOrdinary(state),
    logs: [...(before ? (['previous'] as const) : []), ...(hasOwnLog(state) ? (['current'] as const) : [])],
  };
};

/** Of a container that waits for its next start, a kubelet gives the log of the run before. */
const hasOwnLog = ({ running, terminated }: NonNullable<Status['state']>): boolean =>
  running !== undefined || terminated !== undefined;

const isOrdinary = ({ waiting }: NonNullable<Status['state']>): boolean => isOrdinaryWait(waiting?.reason);

const stateWords = ({ waiting, running, terminated }: NonNullable<Status['state']>): string => {
  if (terminated) return `ended with ${exitWords(terminated)}`;
  if (running !== undefined) return 'running';
  return waiting?.reason === undefined ? 'not started' : `waiting (${waiting.reason.slice(0, MAX_REASON)})`;
};

const exitWords = ({ exitCode, reason, signal, finishedAt }: Terminated): string =>
  [
    `exit code ${exitCode ?? 'unknown'}`,
    reason === undefined ? undefined : `(${reason.slice(0, MAX_REASON)})`,
    signal === undefined ? undefined : `by signal ${signal}`,
    finishedAt === undefined ? undefined : `at ${finishedAt}`,
  ]
    .filter((part) => part !== undefined)
    .join(' ');

/** The word of a runtime. */
const MAX_REASON = 64;
