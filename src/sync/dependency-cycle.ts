import type { GitSync } from '../api/gitsync.ts';

/**
 * The first circle on the way from this GitSync. Depth first, with a stack of its own: a chain of thousands is no deep
 * recursion, and each GitSync is looked up once, however many paths lead to it.
 */
export const cycleFrom = (sync: GitSync, byName: (name: string) => GitSync | undefined): string[] | undefined => {
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
