import { API_VERSION, annotations } from '../api/annotations.ts';
import type { Hold, HoldSpec, RollbackHold } from '../api/hold.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { holdName } from '../snapshot/index.ts';
import { FINALIZER } from './finalizer.ts';

interface Said {
  workload: WorkloadKey;
  /** sourceDigest that it is about, and is named by: approving, denying and accepting exclude each other. */
  digest: string;
  message: string;
  /** Name of the Incident that it answers. */
  incident?: string | undefined;
  /** User name for the annotation metricops.dev/requested-by. */
  requestedBy?: string | undefined;
}

export interface NewRollback extends Said {
  target: { number: number; sourceDigest: string; snapshotRef: { name: string } };
  images?: readonly { container: string; image: string }[];
  scope?: HoldSpec['scope'];
  origin: HoldSpec['origin'];
}

/** Keeps the digest out, and the target in. */
export const newRollback = ({ target, images = [], scope, origin, ...said }: NewRollback): RollbackHold =>
  newHold(said, {
    action: 'Rollback',
    rejectedDigests: [said.digest],
    target: {
      release: target.number,
      sourceDigest: target.sourceDigest,
      snapshotRef: { name: target.snapshotRef.name },
      ...(images.length > 0 ? { images: [...images] } : {}),
    },
    scope: scope ?? 'Workload',
    origin,
  });

/** The digest is never rejected. */
export const newAcceptance = (said: Said): Hold =>
  newHold(said, { action: 'Accept', acceptedDigests: [said.digest], origin: 'Manual' });

/** The incident ends without a rollback. */
export const newDenial = (said: Said & { incident: string }): Hold =>
  newHold(said, { action: 'Deny', origin: 'Manual' });

/**
 * The Hold that an incident proposed, as it was stored. With its finalizer from the start: who deletes it before the
 * controller has seen it lifts it all the same.
 */
export const proposedHold = (namespace: string, { name, spec }: { name: string; spec: HoldSpec }): Hold => ({
  apiVersion: API_VERSION,
  kind: 'Hold',
  metadata: { namespace, name, finalizers: [FINALIZER] },
  spec,
});

/** The only place where a Hold is composed. */
const newHold = <Rest extends Omit<HoldSpec, 'workloadRef' | 'incidentRef' | 'message'>>(
  { workload, digest, message, incident, requestedBy }: Said,
  rest: Rest,
) => ({
  apiVersion: API_VERSION,
  kind: 'Hold',
  metadata: {
    namespace: workload.namespace,
    name: holdName(workload, digest),
    ...(requestedBy === undefined ? {} : { annotations: { [annotations.requestedBy]: requestedBy } }),
  },
  spec: {
    workloadRef: { kind: workload.kind, name: workload.name },
    ...rest,
    ...(incident === undefined ? {} : { incidentRef: { name: incident } }),
    message: message.slice(0, 1024),
  },
});
