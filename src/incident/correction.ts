import type { RollbackHold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import { frozenAt } from '../policy/freeze.ts';
import { HOUR_MS, reachedLimit } from './limits.ts';
import { move, type Next, stay } from './move.ts';
import type { Observation } from './observation.ts';
import { REQUEUE_MS } from './timing.ts';

/** An applied rollback that does not help. */
export interface Applied {
  hold: RollbackHold;
  /** Milliseconds since it was applied. */
  age: number;
  /** Milliseconds since the epoch. */
  now: number;
}

/**
 * Why a rollback that did not help is not corrected without a person, in words; undefined: it may be. The limits of the
 * namespace and the cluster have to be known.
 */
export const obstacleToCorrection = (incident: Incident, observed: Observation, now: number): string | undefined => {
  const { policy, paused, hold, rollbacks } = observed;
  if (policy.mode !== 'Auto') return `the mode is ${policy.mode}`;
  const frozen = frozenAt(policy.freeze, now);
  if (frozen) return `${frozen.what} holds`;
  if (paused) return 'metricops.dev/pause is set on the workload';
  if (!hold || !isAsProposed(incident, hold)) return 'a person made or changed its Hold';
  const lastHour = 1 + rollbacks.filter((at) => now - at < HOUR_MS).length;
  if (lastHour >= policy.maxPerHour)
    return `${lastHour} rollbacks in the last hour; maxPerHour is ${policy.maxPerHour}`;
  return reachedLimit(observed.sharedLimits ?? [], 1);
};

/** The same, of letting the newer release run again. */
export const obstacleToPutBack = (incident: Incident, observed: Observation, now: number): string | undefined => {
  const { suspect, isOfGitSync } = observed;
  if (!isOfGitSync) return 'no GitSync applies the workload';
  // Rejected twice, only accepting lets it run.
  if (suspect?.liftedTime !== undefined) return `release ${suspect.number} was lifted once already`;
  return obstacleToCorrection(incident, observed, now);
};

/** It goes where the incident proposed, and nobody else created it. */
export const isAsProposed = ({ metadata, status }: Incident, { spec }: RollbackHold): boolean =>
  spec.origin === 'Incident' &&
  spec.incidentRef?.name === metadata.name &&
  spec.target.sourceDigest === status?.proposal?.spec.target?.sourceDigest;

/** The newer release is to run again: until its Hold is gone. A crash or a refusal may have come between. */
export const putBack = (incident: Incident, { hold }: Observation, now: number): Next => {
  const { status = {}, spec } = incident;
  if (hold?.metadata.deletionTimestamp !== undefined) return stay(incident, REQUEUE_MS);
  if (hold) return { status, createHold: false, liftHold: hold, again: REQUEUE_MS };
  const [newer, older] = [spec.suspect?.number, status.target?.number];
  const isMisjudged = status.misjudgedTime !== undefined;
  const why = isMisjudged ? `release ${older} burned as well` : `release ${older} could not start`;
  const next = isMisjudged ? 'look for another cause' : 'fix forward';
  return move(incident, now, {
    phase: 'Dismissed',
    reason: isMisjudged ? 'Misjudged' : 'ImagePullFailed',
    message: `${why}: release ${newer} runs again, on probation; ${next}`,
  });
};

/** With which command the newer release runs again. */
export const putBackCommand = (incident: Incident, { isOfGitSync }: Observation): string =>
  isOfGitSync
    ? `metricops lift ${workloadArgument(incident)}`
    : `metricops rollback ${workloadArgument(incident)} --to ${incident.spec.suspect?.number}`;

/** As the command line takes it. */
export const workloadArgument = ({ metadata, spec: { workloadRef } }: Incident): string =>
  `${workloadRef.kind.toLowerCase()}/${workloadRef.name} -n ${metadata.namespace}`;
