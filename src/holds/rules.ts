import { type Hold, isRollback, type RollbackHold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { ObjectKey } from '../api/meta.ts';
import type { WorkloadKey, WorkloadRef } from '../api/workload.ts';
import { isInForce } from './finalizer.ts';

type Workload = Pick<ObjectKey, 'kind' | 'namespace' | 'name'>;

/** Holds of the workload that count. A Hold that is being deleted counts until the controller has let go of it. */
export const holdsOf = (holds: readonly Hold[], { kind, namespace, name }: Workload): Hold[] =>
  holds.filter(
    (hold) =>
      hold.metadata.namespace === namespace &&
      hold.spec.workloadRef.kind === kind &&
      hold.spec.workloadRef.name === name &&
      isInForce(hold),
  );

/** Whether a person accepted this digest of the workload: then nothing rejects it. */
export const isDigestAccepted = (holds: readonly Hold[], workload: Workload, digest: string): boolean =>
  holdsOf(holds, workload).some(({ spec }) => spec.acceptedDigests?.includes(digest));

/** Whether the Hold, as it stands, keeps this digest of its workload out. */
export const rejects = ({ spec }: Pick<RollbackHold, 'spec'>, digest: string): boolean =>
  spec.rejectedDigests.includes(digest);

/** Holds that keep this digest of the workload out; none where a person accepted it. */
export const rejectionsOf = (holds: readonly Hold[], workload: Workload, digest: string): RollbackHold[] =>
  isDigestAccepted(holds, workload, digest)
    ? []
    : holdsOf(holds, workload)
        .filter(isRollback)
        .filter((hold) => rejects(hold, digest));

/** Whether this digest of the workload must not run. */
export const isDigestRejected = (holds: readonly Hold[], workload: Workload, digest: string): boolean =>
  rejectionsOf(holds, workload, digest).length > 0;

/** Whether a Hold of the workload took it back to this digest. */
export const isRollbackTarget = (holds: readonly Hold[], workload: Workload, digest: string): boolean =>
  holdsOf(holds, workload).some((hold) => isRollback(hold) && hold.spec.target.sourceDigest === digest);

/** The same Holds, each without the digests that a person accepted: what is left to keep out. */
export const effective = (rollbacks: readonly RollbackHold[], holds: readonly Hold[]): readonly RollbackHold[] => {
  const acceptances = holds.filter(({ spec }) => spec.action === 'Accept');
  if (acceptances.length === 0) return rollbacks;
  return rollbacks.map((hold) => {
    const workload = workloadOf(hold);
    const rejectedDigests = hold.spec.rejectedDigests.filter((d) => !isDigestAccepted(acceptances, workload, d));
    return rejectedDigests.length === hold.spec.rejectedDigests.length
      ? hold
      : { ...hold, spec: { ...hold.spec, rejectedDigests } };
  });
};

export const workloadOf = ({
  metadata,
  spec,
}: {
  metadata: { namespace?: string };
  spec: { workloadRef: WorkloadRef };
}): WorkloadKey => ({
  ...spec.workloadRef,
  namespace: metadata.namespace ?? '',
});

/** What people answered to an incident, as far as no rollback comes of it. Approving is the Hold that it proposes. */
export type Answer = 'Denied' | 'Accepted';

/**
 * @param holds of the namespace of the incident
 * @returns Accepted where the suspect's digest is, whichever incident it was accepted for; Denied where a Hold denies
 *   the rollback of this very incident
 */
export const answerOf = (holds: readonly Hold[], incident: Pick<Incident, 'metadata' | 'spec'>): Answer | undefined => {
  const workload = workloadOf(incident);
  const { suspect } = incident.spec;
  if (suspect && isDigestAccepted(holds, workload, suspect.sourceDigest)) return 'Accepted';
  const isDenial = ({ spec }: Hold): boolean =>
    spec.action === 'Deny' && spec.incidentRef?.name === incident.metadata.name;
  return holdsOf(holds, workload).some(isDenial) ? 'Denied' : undefined;
};
