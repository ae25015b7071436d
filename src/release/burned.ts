import type { Incident } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import type { WorkloadRef } from '../api/workload.ts';
import { currentSince } from './history.ts';
import type { Unfit } from './last-good.ts';

/**
 * Releases of the workload that burned while they were current, and of which nobody knows better: their incident found no
 * NotGuilty, and goes on or ended with another release while its alerts fired. By number, with why.
 *
 * @param incidents of the namespace of the workload
 */
export const burnedReleases = (
  incidents: readonly Incident[],
  { kind, name }: WorkloadRef,
  releases: readonly Release[],
): Unfit => {
  const burned = new Map<number, string>();
  for (const { metadata, spec, status } of incidents) {
    if (spec.workloadRef.kind !== kind || spec.workloadRef.name !== name) continue;
    const began = firingSince(spec);
    if (began === undefined || !isUnsettled(status)) continue;
    const isSuspect = (release: Release): boolean =>
      // Whoever came before the alert, and was recorded after it, is the one that burned; but not one that came back later.
      release.sourceDigest === spec.suspect?.sourceDigest &&
      began < endOf(release) &&
      !(Date.parse(release.restoredTime ?? '') > began);
    const isMisjudged = (release: Release): boolean =>
      status?.misjudgedTime !== undefined && release.sourceDigest === status.target?.sourceDigest;
    for (const release of releases.filter((one) => isSuspect(one) || isMisjudged(one)))
      if (!isBackSince(release, status?.closedTime)) burned.set(release.number, `incident ${metadata.name}`);
  }
  return burned;
};

/** When the first of the alerts that still fire began, in milliseconds since the epoch. */
const firingSince = ({ evidence }: Incident['spec']): number | undefined => {
  const firing = evidence.filter(({ status }) => status === 'firing');
  return firing.length === 0
    ? undefined
    : Math.min(...firing.map(({ startsAt, receivedTime }) => Date.parse(startsAt ?? receivedTime)));
};

/** Nothing was found out while its alerts fired: another release came. */
const isUnsettled = (status: Incident['status']): boolean =>
  status?.verdict?.result !== 'NotGuilty' && (status?.closedTime === undefined || status.reason === 'Superseded');

/** It ran again since, which says more; or a person accepted it. */
const isBackSince = (release: Release, closedTime: string | undefined): boolean =>
  release.outcome === 'Accepted' || (closedTime !== undefined && currentSince(release) > Date.parse(closedTime));

/**
 * The same of the release that was current when the first alert of an incident began, where the suspect was not: it burned
 * before the suspect came.
 *
 * @param began of the first alert, in milliseconds since the epoch
 */
export const burnedBefore = (suspect: Release, releases: readonly Release[], began: number): Unfit =>
  new Map(
    began >= currentSince(suspect)
      ? []
      : releases
          .filter(({ number }) => number !== suspect.number)
          .filter((release) => currentSince(release) <= began && began < endOf(release))
          .map(({ number }) => [number, `its alert began before release ${suspect.number}`]),
  );

const endOf = ({ supersededTime }: Release): number => Date.parse(supersededTime ?? '') || Number.POSITIVE_INFINITY;
