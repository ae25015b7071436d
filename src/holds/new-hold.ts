import { API_VERSION, annotations } from '../api/annotations.ts';
import type { Hold, HoldSpec, RollbackHold } from '../api/hold.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { holdName } from '../snapshot/index.ts';

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
  /** Digests that are kept out as well. */
  others?: readonly string[];
  images?: readonly { container: string; image: string }[];
  scope?: HoldSpec['scope'];
  origin: HoldSpec['origin'];
}

/** Keeps the digest out, and the target in. */
export const newRollback = ({ target, others = [], images = [], scope, origin, ...said }: NewRollback): RollbackHold =>
  newHold(said, {
    action: 'Rollback',
    rejectedDigests: [said.digest, ...others],
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

/** As an incident proposes it, in its namespace: whoever approves creates the very same. */
export const proposedHold = (
  namespace: string,
  { name, spec }: { name: string; spec: HoldSpec },
  requestedBy?: string,
): Hold => made({ namespace, name, requestedBy }, spec);

const AGAIN = '-again';

/** What is left of a Hold that a person deleted, under the other of two names: the one that goes still has its own. */
export const holdAgain = (hold: RollbackHold, rejectedDigests: string[], message: string): RollbackHold => {
  const { name, namespace = '' } = hold.metadata;
  const other = name.endsWith(AGAIN) ? name.slice(0, -AGAIN.length) : `${name}${AGAIN}`;
  const requestedBy = hold.metadata.annotations?.[annotations.requestedBy];
  return made({ namespace, name: other, requestedBy }, { ...hold.spec, rejectedDigests, message });
};

/**
 * A Hold that is there already with what is asked for now: it keeps out what it did and the new digest, and it stays
 * with the incident that it came of.
 */
export const changedRollback = (existing: RollbackHold, asked: NewRollback): RollbackHold => {
  const { scope, origin, incidentRef } = existing.spec;
  const { spec } = newRollback({
    ...asked,
    scope: asked.scope ?? scope,
    origin,
    incident: asked.incident ?? incidentRef?.name,
  });
  const before = existing.spec.rejectedDigests.filter((d) => d !== spec.target.sourceDigest && d !== asked.digest);
  return { ...existing, spec: { ...spec, rejectedDigests: [...before, asked.digest] } };
};

const newHold = <Rest extends Omit<HoldSpec, 'workloadRef' | 'incidentRef' | 'message'>>(
  { workload, digest, message, incident, requestedBy }: Said,
  rest: Rest,
) =>
  made(
    { namespace: workload.namespace, name: holdName(workload, digest), requestedBy },
    {
      workloadRef: { kind: workload.kind, name: workload.name },
      ...rest,
      ...(incident === undefined ? {} : { incidentRef: { name: incident } }),
      message: message.slice(0, 1024),
    },
  );

/** The only place where a Hold is made. */
const made = <Spec extends HoldSpec>(
  { namespace, name, requestedBy }: { namespace: string; name: string; requestedBy: string | undefined },
  spec: Spec,
) => ({
  apiVersion: API_VERSION,
  kind: 'Hold',
  metadata: {
    namespace,
    name,
    ...(requestedBy === undefined ? {} : { annotations: { [annotations.requestedBy]: requestedBy } }),
  },
  spec,
});
