import type { Release } from '../api/release-history.ts';

/** A Hold that keeps a digest out. */
export interface Rejection {
  /** Since when: RFC 3339. */
  time: string;
  /** Name of the Incident that asked for it. */
  incident?: string | undefined;
}

/** The release as a Hold leaves it. A Hold that is younger than the last lift is another rejection. */
export const withRejection = (release: Release, hold: Rejection | undefined): Release => {
  if (!hold) return release;
  const incidentRef = hold.incident === undefined ? {} : { incidentRef: { name: hold.incident } };
  if (!isNew(release, hold)) return { ...incidentRef, ...release };
  const { incidentRef: _, ...rest } = release;
  return { ...rest, ...incidentRef, rejectedTime: hold.time, rejectedCount: (release.rejectedCount ?? 0) + 1 };
};

/** It was rejected, and no person lifted that since: also where the Hold is missing, as after a restore. */
export const isKeptOut = ({ rejectedTime, liftedTime }: Release): boolean =>
  rejectedTime !== undefined && !isSince(liftedTime, rejectedTime);

/** `time` is known, and not before the other one. */
export const isSince = (time: string | undefined, other: string): boolean =>
  time !== undefined && Date.parse(time) >= Date.parse(other);

const isNew = ({ rejectedTime, liftedTime }: Release, { time }: Rejection): boolean =>
  rejectedTime === undefined || (isSince(liftedTime, rejectedTime) && isSince(time, liftedTime ?? time));

/** What an incident found of a digest. */
export interface Guilt {
  /** Since when it is closed: RFC 3339. undefined: it may still find otherwise. */
  closedTime: string | undefined;
}

/** The release as an incident leaves it. Incidents expire; what they found does not. */
export const withGuilt = (release: Release, guilt: Guilt | undefined): Release =>
  guilt?.closedTime === undefined || isSince(release.guiltyTime, guilt.closedTime)
    ? release
    : { ...release, guiltyTime: guilt.closedTime };

/** It was found guilty, and no person lifted a Hold of it since. */
export const isCondemned = ({ guiltyTime, liftedTime }: Release): boolean =>
  guiltyTime !== undefined && !isSince(liftedTime, guiltyTime);
