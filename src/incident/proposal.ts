import type { Incident, IncidentStatus } from '../api/incident.ts';
import { newRollback } from '../holds/index.ts';
import { pinsFor } from '../snapshot/index.ts';
import { guiltyBefore } from './guilty-before.ts';
import type { Observation } from './observation.ts';

export type Proposal = NonNullable<IncidentStatus['proposal']>;

/**
 * The Hold that rolls back, whole: what the controller creates in mode Auto is what a person creates to approve.
 * undefined where there is no suspect, or nothing to go back to.
 */
export const proposalOf = (
  { metadata, spec }: Incident,
  { target: { release: target }, policy, verdict, history: { releases = [] } }: Observation,
): Proposal | undefined => {
  const { suspect, workloadRef } = spec;
  if (!suspect || !target) return undefined;
  const hold = newRollback({
    workload: { ...workloadRef, namespace: metadata.namespace ?? '' },
    digest: suspect.sourceDigest,
    others: guiltyBefore(suspect.number, verdict, releases).map(({ sourceDigest }) => sourceDigest),
    target,
    images: pinsFor(target, releases),
    scope: policy.scope,
    origin: 'Incident',
    incident: metadata.name,
    message: verdict?.message ?? '',
  });
  return { name: hold.metadata.name, spec: hold.spec };
};
