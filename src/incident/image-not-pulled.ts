import type { RollbackHold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { RestorableRelease } from '../api/release-history.ts';
import { changedRollback, workloadOf } from '../holds/index.ts';
import { irreversibleSince } from '../release/index.ts';
import { pinsFor } from '../snapshot/index.ts';
import {
  type Applied,
  isAsProposed,
  obstacleToCorrection,
  obstacleToPutBack,
  putBackCommand,
  workloadArgument,
} from './correction.ts';
import { ask, move, type Next } from './move.ts';
import type { Observation } from './observation.ts';
import { lookAgainForPerson, REQUEUE_MS } from './timing.ts';

/** In it a kubelet asks the registry three times: what fails for so long is not over in a moment. */
const PULL_MS = 30_000;

/**
 * No pod of the restored release gets its image: one release further back, or to the newest again, as the policy says.
 * undefined: they get it, or may do so yet.
 */
export const imageNotPulled = (incident: Incident, observed: Observation, applied: Applied): Next | undefined => {
  const { unpulled, sharedLimits, isTargetFit } = observed;
  if (!unpulled || applied.age < PULL_MS) return undefined;
  const wish = wishOf(incident, observed, applied);
  if (wish !== 'Ask' && sharedLimits === undefined) return ask('Limits');
  if (wish === 'OlderRelease' && observed.target.release && !isTargetFit) return ask('Target');
  const what = `container ${unpulled.container} of release ${incident.status?.target?.number} can't get its image (${unpulled.reason})`;
  switch (wish) {
    case 'OlderRelease':
      return toOlder(incident, observed, applied, what);
    case 'PutBack':
      return toNewest(incident, observed, applied, what);
    case 'Ask':
      return askPerson(incident, observed, applied, what);
  }
};

/** Once for an incident: what fails after that is a person's. */
const wishOf = (
  incident: Incident,
  { policy }: Observation,
  { hold }: Applied,
): Observation['policy']['onImagePullError'] => {
  const { action } = incident.status?.correction ?? {};
  // The intent is stored, and the Hold is as it was: a crash or a refusal came between.
  const isPending = action === 'OlderRelease' && isAsProposed(incident, hold);
  return action === undefined || isPending ? policy.onImagePullError : 'Ask';
};

const known = { phase: 'Verifying', reason: 'ImagePullFailed' } as const;

const toOlder = (incident: Incident, observed: Observation, applied: Applied, what: string): Next => {
  const { release } = observed.target;
  const obstacle = obstacleToOlder(incident, observed, applied.now);
  if (!release || obstacle !== undefined) return askPerson(incident, observed, applied, what, obstacle);
  const message = `${what}; going back to release ${release.number}`;
  return move(incident, applied.now, {
    ...known,
    message,
    more: { correction: incident.status?.correction ?? { action: 'OlderRelease', time: iso(applied.now) } },
    changeHold: changed(incident, observed, applied.hold, release, message),
    again: REQUEUE_MS,
  });
};

const toNewest = (incident: Incident, observed: Observation, applied: Applied, what: string): Next => {
  const obstacle = obstacleToPutBack(incident, observed, applied.now);
  if (obstacle !== undefined) return askPerson(incident, observed, applied, what, obstacle);
  return move(incident, applied.now, {
    ...known,
    message: `${what}; release ${incident.spec.suspect?.number} runs again, on probation`,
    more: { correction: { action: 'PutBack', time: iso(applied.now) } },
    liftHold: applied.hold,
    again: REQUEUE_MS,
  });
};

const askPerson = (
  incident: Incident,
  observed: Observation,
  { age, now }: Applied,
  what: string,
  obstacle?: string,
): Next => {
  const older = observed.target.release;
  const further = older
    ? `to go one release further back: metricops rollback ${workloadArgument(incident)} --to ${older.number}`
    : 'there is no older release to go to';
  const newest = `to run release ${incident.spec.suspect?.number} again: ${putBackCommand(incident, observed)}`;
  const byItself = obstacle === undefined ? '' : `; not by itself, for ${obstacle}`;
  const message = `${what}; ${further}; ${newest}${byItself}`;
  return move(incident, now, { ...known, message, needsPerson: true, again: lookAgainForPerson(age) });
};

const obstacleToOlder = (incident: Incident, observed: Observation, now: number): string | undefined => {
  const { target, history } = observed;
  if (!target.release) return target.message;
  const irreversible = irreversibleSince(target.release, incident.spec.suspect?.number, history.releases ?? []);
  if (irreversible) return `release ${irreversible.number} is irreversible (${irreversible.irreversible})`;
  return obstacleToCorrection(incident, observed, now);
};

/** It keeps out what it did and the release that can't start, and goes further back: as `metricops rollback --to` does. */
const changed = (
  incident: Incident,
  { history }: Observation,
  hold: RollbackHold,
  target: RestorableRelease,
  message: string,
): RollbackHold =>
  changedRollback(hold, {
    workload: workloadOf(incident),
    digest: hold.spec.target.sourceDigest,
    target,
    images: pinsFor(target, history.releases ?? []),
    origin: 'Incident',
    message,
  });

const iso = (time: number): string => new Date(time).toISOString();
