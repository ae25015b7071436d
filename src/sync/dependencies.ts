import { conditionIs } from '../api/conditions.ts';
import type { GitSync } from '../api/gitsync.ts';
import type { Reason } from '../api/reasons.ts';

export interface DependencyProblem {
  reason: Reason;
  message: string;
  /** The one that is Ready, but for an older commit. It is on its way, and its conditions may never tell of it. */
  behind?: GitSync;
}

/**
 * Why the sync has to wait for others; undefined when it may go on.
 * @param byName the GitSync of this name in the same namespace
 * @param isCurrent whether what is known of its repository is what this GitSync's Ready is about
 */
export const dependencyProblem = (
  sync: GitSync,
  byName: (name: string) => GitSync | undefined,
  isCurrent: (sync: GitSync) => boolean,
): DependencyProblem | undefined => {
  if (sync.spec.dependsOn.length === 0) return undefined;
  const cycle = cycleFrom(sync, byName);
  if (cycle) return { reason: 'DependencyCycle', message: `dependsOn is a circle: ${namesOf(cycle)}` };
  for (const { name } of sync.spec.dependsOn) {
    const other = byName(name);
    if (!other) return { reason: 'DependencyNotReady', message: `GitSync ${name} does not exist` };
    if (!conditionIs(other.status?.conditions, 'Ready', 'True'))
      return { reason: 'DependencyNotReady', message: `GitSync ${name} is not Ready` };
    if (!isCurrent(other))
      return {
        reason: 'DependencyNotReady',
        message: `GitSync ${name} is not Ready with its newest revision`,
        behind: other,
      };
  }
  return undefined;
};

/**
 * The first circle on the way from this GitSync. Depth first, with a stack of its own: a chain of thousands is no deep
 * recursion, and each GitSync is looked up once, however many paths lead to it.
 */
const cycleFrom = (sync: GitSync, byName: (name: string) => GitSync | undefined): string[] | undefined => {
  const way = [stepAt(sync.metadata.name, sync)];
  const onWay = new Set([sync.metadata.name]);
  const finished = new Set<string>();
  for (let at = way.at(-1); at; at = way.at(-1)) {
    const next = at.rest.pop();
    if (next === undefined) {
      way.pop();
      onWay.delete(at.name);
      finished.add(at.name);
    } else if (onWay.has(next)) {
      const names = way.map(({ name }) => name);
      return [...names.slice(names.indexOf(next)), next];
    } else if (!finished.has(next)) {
      way.push(stepAt(next, byName(next)));
      onWay.add(next);
    }
  }
  return undefined;
};

/** A GitSync, and what of its dependsOn is still to be followed: the last one next. */
const stepAt = (name: string, sync: GitSync | undefined): { name: string; rest: string[] } => ({
  name,
  rest: (sync?.spec.dependsOn ?? []).map((dependency) => dependency.name).toReversed(),
});

const SHOWN = 10;

const namesOf = (cycle: readonly string[]): string =>
  cycle.length <= SHOWN
    ? cycle.join(' → ')
    : [...cycle.slice(0, SHOWN - 1), `… (${cycle.length - SHOWN} more)`, cycle.at(-1)].join(' → ');
