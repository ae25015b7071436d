import type { ObjectiveVerdict, Verdict } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';

/** What was found for an objective, before it has a name. */
export type Finding = Omit<ObjectiveVerdict, 'name'>;

/**
 * One Guilty objective suffices; only when all are NotGuilty the release is. What is said of the whole is what the
 * objectives that decided it say. There is at least one.
 */
export const combine = (objectives: readonly ObjectiveVerdict[], time: string): Verdict => {
  const has = (result: Verdict['result']): boolean => objectives.some((one) => one.result === result);
  const result = has('Guilty') ? 'Guilty' : has('Inconclusive') ? 'Inconclusive' : 'NotGuilty';
  const deciding = objectives.filter((one) => one.result === result);
  const since = deciding.flatMap(({ sinceRelease }) => sinceRelease ?? []);
  const words = deciding.map(({ name, message }) => (objectives.length === 1 ? message : `${name}: ${message}`));
  return {
    result,
    reason: deciding[0]?.reason ?? 'NoData',
    message: words.join('; ').slice(0, 4096),
    time,
    ...(since.length === 0 ? {} : { sinceRelease: Math.min(...since) }),
    objectives: [...objectives],
  };
};

export const inconclusive = (reason: Reason, message: string): Finding => ({ result: 'Inconclusive', reason, message });
