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
}

/** Beyond its own deadline, for the controller of Jobs to say so. */
const GRACE_MS = 60_000;

/** What is no Job is done when it is stored. A Job that nobody ends, for it is suspended, has failed after its deadline. */
export const standingOf = (object: KubeObject, now: number): Standing => {
  if (object.kind !== 'Job') return { state: 'Succeeded' };
  const { conditions = [] } = (object.status ?? {}) as JobStatus;
  const has = (type: string) => conditions.find((each) => each.type === type && each.status === 'True');
  if (has('Complete')) return { state: 'Succeeded' };
  const failed = has('Failed');
  if (failed) {
    const { reason, message } = failed;
    return { state: 'Failed', reason: reason || 'Failed', message: message || reason || 'it failed' };
  }
  const { activeDeadlineSeconds: seconds = 0 } = (object.spec ?? {}) as { activeDeadlineSeconds?: number };
  const age = now - Date.parse(object.metadata.creationTimestamp ?? '');
  return age > seconds * 1000 + GRACE_MS
    ? { state: 'Failed', reason: 'Overdue', message: `it has not ended ${seconds} s after it was made` }
    : { state: 'Running' };
};
