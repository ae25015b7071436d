import type { KubeObject } from '../../api/meta.ts';

/** How the object of a hook stands. */
export interface Standing {
  state: 'Running' | 'Succeeded' | 'Failed';
  /** Why it failed. */
  reason?: string;
  message?: string;
}

interface JobStatus {
  conditions?: { type: string; status: string; reason?: string; message?: string }[];
  startTime?: string;
  active?: number;
  terminating?: number;
}

interface JobSpec {
  activeDeadlineSeconds?: number;
  suspend?: boolean;
}

/** Beyond its own deadline, for the controller of Jobs to say so. */
const GRACE_MS = 60_000;

/** What is no Job is done when it is stored. A Job that nobody ends, for it is suspended, has failed after its deadline. */
export const standingOf = (object: KubeObject, now: number): Standing => {
  if (object.kind !== 'Job') return { state: 'Succeeded' };
  const { conditions = [], startTime } = statusOf(object);
  const has = (type: string) => conditions.find((each) => each.type === type && each.status === 'True');
  if (has('Complete')) return { state: 'Succeeded' };
  const failed = has('Failed');
  if (failed) {
    const { reason, message } = failed;
    return { state: 'Failed', reason: reason || 'Failed', message: message || reason || 'it failed' };
  }
  const seconds = deadlineOf(object);
  // Kubernetes counts from when it began, which is later where a queue kept it suspended.
  const age = now - Date.parse(startTime ?? object.metadata.creationTimestamp ?? '');
  return age > seconds * 1000 + GRACE_MS
    ? { state: 'Failed', reason: 'Overdue', message: `it has not ended ${seconds} s after it was made` }
    : { state: 'Running' };
};

/** Whether it may do something still. By our clock a Job fails, but does not end: that its conditions and pods say. */
export const isAtWork = (object: KubeObject, now: number): boolean => {
  const { state, reason } = standingOf(object, now);
  const { active = 0, terminating = 0 } = statusOf(object);
  return state === 'Running' || (reason === 'Overdue' && active + terminating > 0);
};

const statusOf = ({ status }: KubeObject): JobStatus => (status ?? {}) as JobStatus;

/** Of one that was not made as a hook there may be none: nobody knows when it ends, unless nobody has it begin. */
const deadlineOf = ({ spec }: KubeObject): number => {
  const { activeDeadlineSeconds, suspend } = (spec ?? {}) as JobSpec;
  return activeDeadlineSeconds ?? (suspend === true ? 0 : Number.POSITIVE_INFINITY);
};
