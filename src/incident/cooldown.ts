import { parseDuration } from '../api/common.ts';
import type { Incident } from '../api/incident.ts';
import { isMeasured } from '../api/rollback-policy.ts';
import { burnWindowsOf, canFire, OBJECTIVE_LABEL, promDuration } from '../slo/index.ts';
import { LAST_TIME } from './due.ts';
import type { Observation } from './observation.ts';

/** Why a workload is not rolled back again yet, and when that ends (milliseconds since the epoch). */
export interface Cooldown {
  until: number;
  message: string;
}

/**
 * The cooldown after the last rollback of the workload; undefined where there was none. Even a perfect rollback leaves the
 * alert firing until its short window has no errors any more, Prometheus has evaluated the rule and Alertmanager has sent
 * its group (SRE workbook, chapter 5): an alert of before that says nothing of the release that came after.
 */
export const cooldownOf = (incident: Incident, observed: Observation): Cooldown | undefined => {
  const { rollbacks, policy, alertDelay } = observed;
  if (rollbacks.length === 0) return undefined;
  const own = parseDuration(policy.cooldown);
  const short = shortWindowOf(incident, observed);
  const alertMs = short === undefined ? 0 : short + alertDelay;
  const until = Math.min(Math.max(...rollbacks) + Math.max(own, alertMs), LAST_TIME);
  const why =
    alertMs > own
      ? `alerts may fire for ${promDuration(alertMs)} after a rollback (short window ${promDuration(short ?? 0)} + alertDelay ${promDuration(alertDelay)})`
      : 'the last rollback was too short a time ago';
  return { until, message: `${why}; waiting until ${new Date(until).toISOString()}` };
};

/**
 * In milliseconds: of the alert that is quiet first. By the labels of our own rules; else the shortest of the objectives
 * that burn. undefined where another tool's rule is all that is known.
 */
const shortWindowOf = ({ spec: { evidence } }: Incident, { objectives, verdict }: Observation): number | undefined => {
  const guilty = (verdict?.objectives ?? []).filter(({ result }) => result === 'Guilty').map(({ name }) => name);
  const windows = objectives
    .filter(isMeasured)
    .filter(({ name }) => guilty.includes(name))
    .flatMap((objective) =>
      burnWindowsOf(objective)
        .filter(({ factor }) => canFire(factor, Number(objective.target)))
        .map(({ longMs, shortMs }) => ({ name: objective.name, long: promDuration(longMs), shortMs })),
    );
  const firing = windows.filter(({ name, long }) =>
    evidence.some(
      ({ status, labels }) => status === 'firing' && labels[OBJECTIVE_LABEL] === name && labels.window === long,
    ),
  );
  const known = firing.length > 0 ? firing : windows;
  return known.length === 0 ? undefined : Math.min(...known.map(({ shortMs }) => shortMs));
};
