import { hash } from 'node:crypto';
import type { AlertLinks } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import type { NotifiedKind } from '../api/notification.ts';
import type { WorkloadRef } from '../api/workload.ts';

/** What a forge shows beside a commit. */
export interface CommitNote {
  /** Full SHA. */
  sha: string;
  /** URL of its repository. */
  repository: string;
  /** Of the GitSync that applied it. */
  syncNamespace: string;
  workload: WorkloadRef;
  /** failure: its release does not run. pending: a person decides. success: its release runs. */
  state: 'failure' | 'pending' | 'success';
  description: string;
}

/** Something that happened to an object, read from the object itself: the same after a restart. */
export interface Notice {
  /** Idempotency key. */
  id: string;
  /** RFC 3339. */
  time: string;
  kind: NotifiedKind;
  namespace: string;
  name: string;
  /** Of the catalogue. */
  reason: string;
  /** warning: a person should look. */
  severity: 'info' | 'warning';
  message: string;
  workload?: WorkloadRef | undefined;
  /** Name of the Incident. */
  incident?: string | undefined;
  /** Number of the release under suspicion. */
  release?: number | undefined;
  /** Number of the release that runs instead. */
  targetRelease?: number | undefined;
  /** RFC 3339: when what it ends began. Of a recovery: when the release became current. */
  beganTime?: string | undefined;
  /** ref@commit. */
  revision?: string | undefined;
  links?: AlertLinks | undefined;
  commits: CommitNote[];
}

/** @param object what it happened to */
export const noticeOf = (
  object: KubeObject,
  kind: NotifiedKind,
  rest: Omit<Notice, 'id' | 'kind' | 'namespace' | 'name' | 'commits'> & { commits?: CommitNote[] },
): Notice => {
  const { namespace = '', name, uid = '' } = object.metadata;
  const parts = [kind, namespace, name, uid, rest.time, rest.reason, rest.revision ?? ''];
  return { id: hash('sha256', JSON.stringify(parts)).slice(0, 32), kind, namespace, name, commits: [], ...rest };
};
