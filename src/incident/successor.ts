import type { Evidence, Incident } from '../api/incident.ts';
import { currentOf } from '../api/release-history.ts';
import { workloadOf } from '../holds/index.ts';
import type { AlertMatch } from '../slo/index.ts';
import type { Alert } from './alertmanager-webhook.ts';
import { lastBegan } from './evidence.ts';
import { placeOf, type Stored } from './place.ts';

/**
 * The incident of the release that came after the suspect, with the alerts that fire on: Alertmanager sends them again
 * in hours only. As the intake would create it now. undefined: there is one already, no alert fires, or no release came.
 *
 * @param now milliseconds since the epoch
 */
export const successorOf = (
  incident: Incident,
  stored: Stored,
  policy: AlertMatch['policy'],
  now: number,
): Incident | undefined => {
  if (currentOf(stored.history)?.sourceDigest === incident.spec.suspect?.sourceDigest) return undefined;
  const alerts = incident.spec.evidence.filter(isOfAnyRelease).map(alertOf);
  const others = stored.incidents.filter(({ metadata }) => metadata.name !== incident.metadata.name);
  const match = { workload: workloadOf(incident), ...(policy ? { policy } : {}) };
  const place = placeOf({ match, alerts, truncated: false }, { ...stored, incidents: others }, now);
  return place.do === 'create' ? place.incident : undefined;
};

/** What the pods of a release did is evidence against that one only. */
const isOfAnyRelease = ({ status, source }: Evidence): boolean => status === 'firing' && source !== 'Rollout';

const alertOf = ({ source, status, labels, fingerprint, ...times }: Evidence): Alert => ({
  source,
  status,
  labels,
  fingerprint,
  startsAt: lastBegan(times),
});
