export interface FairLine<T> {
  readonly size: number;
  add(group: string, item: T): void;
  /** The oldest item of the group that waits longest for its turn. */
  take(): T | undefined;
}

/**
 * A line served group by group, so that what a noisy group adds delays itself only. Over `most` items, the oldest of the
 * group that has the most is given up.
 */
export const createFairLine = <T>(most: number): FairLine<T> => {
  /** A map keeps the order in which groups came; one that was served goes to the end. */
  const groups = new Map<string, T[]>();
  let size = 0;
  const longest = (): T[] | undefined => [...groups.values()].toSorted((a, b) => b.length - a.length)[0];
  return {
    get size() {
      return size;
    },
    add(group, item) {
      const items = groups.get(group) ?? [];
      groups.set(group, items);
      items.push(item);
      if (size === most) longest()?.shift();
      else size += 1;
    },
    take() {
      for (const [group, items] of groups) {
        const item = items.shift();
        groups.delete(group);
        if (items.length > 0) groups.set(group, items);
        if (item === undefined) continue;
        size -= 1;
        return item;
      }
      return undefined;
    },
  };
};
