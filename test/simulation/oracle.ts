import type { Counter } from './counters.ts';
import { contrast, countsIn, ratioOf } from './counts.ts';
import type { Run } from './shipped.ts';
import { HOUR, MINUTE, type Pod, type World } from './world.ts';

/** e^10: one time in twenty thousand chance looks like that. */
const CLEAR = 10;
/** So many requests show that somebody else is well. */
const ENOUGH = 200;

/**
 * Why nobody could have found the guilty release, although the oracle knows which one it is: the series do not show it.
 * undefined: it could be seen, or nobody is guilty.
 */
export const unseeable = (
  world: World,
  counters: readonly Counter[],
  { alerts, evidenceAt, end }: Run,
): string | undefined => {
  const { guilt, services, pods, faultAt } = world;
  if (!guilt) return undefined;
  if (alerts.length === 0 && evidenceAt === undefined) return 'no alert';
  const service = services.find(({ name }) => name === guilt.service);
  const releases = (service?.releases ?? []).filter(({ number }) => guilt.releases.includes(number));
  if (releases.some(({ crashes }) => crashes)) return undefined;
  const named = (filter: (pod: Pod) => boolean): Set<string> => new Set(pods.filter(filter).map(({ name }) => name));
  const isGuilty = (pod: Pod): boolean => releases.includes(pod.release);
  const ofService = named((pod) => pod.service === guilt.service);
  const mine = named(isGuilty);
  const during = { from: faultAt, to: end };
  const before = { from: faultAt - 2 * HOUR, to: faultAt };
  const own = countsIn(counters, mine, during);
  const beside = named((pod) => pod.service === guilt.service && !isGuilty(pod));
  if (contrast(own, countsIn(counters, beside, during)) > CLEAR) return undefined;
  if (contrast(own, countsIn(counters, ofService, before)) < CLEAR) return 'too few requests';
  const deployed = Math.min(...releases.map(({ at }) => at));
  if (faultAt - deployed < 30 * MINUTE) return undefined;
  // Long after the release anything may have happened, unless all others are well.
  const wellBeside = services.some(({ name, calls }) => {
    if (name === guilt.service || calls.some((call) => call.service === guilt.service)) return false;
    const theirs = named((pod) => pod.service === name);
    const counts = countsIn(counters, theirs, during);
    return counts.total >= ENOUGH && ratioOf(counts) < ratioOf(own) / 4;
  });
  return wellBeside ? undefined : 'nobody else to compare with';
};
