import type { GitSync } from '../api/gitsync.ts';
import type { Reason } from '../api/reasons.ts';
import { conditionIs } from './conditions.ts';

export interface DependencyProblem {
  reason: Reason;
  message: string;
  /** The one that is Ready, but for an older commit. It is on its way, and its conditions may never tell of it. */
  behind?: GitSync;
}

/**
 * Why the sync has to wait for others; undefined when it may go on.
 * @param isCurrent whether what is known of its repository is what this GitSync's Ready is about
 */
export const dependencyProblem = (
  sync: GitSync,
  siblingsIn: () => readonly GitSync[],
  isCurrent: (sync: GitSync) => boolean,
): DependencyProblem | undefined => {
  if (sync.spec.dependsOn.length === 0) return undefined;
  const byName = new Map(siblingsIn().map((s) => [s.metadata.name, s]));
  const cycle = cycleFrom(sync.metadata.name, byName, []);
  if (cycle) return { reason: 'DependencyCycle', message: `dependsOn is a circle: ${cycle.join(' → ')}` };
  for (const { name } of sync.spec.dependsOn) {
    const other = byName.get(name);
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

const cycleFrom = (name: string, byName: ReadonlyMap<string, GitSync>, path: string[]): string[] | undefined => {
  if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
  for (const next of byName.get(name)?.spec.dependsOn ?? []) {
    const found = cycleFrom(next.name, byName, [...path, name]);
    if (found) return found;
  }
  return undefined;
};
