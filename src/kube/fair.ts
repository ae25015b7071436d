export interface FairLine<T> {
  add(group: string, item: T): void;
  /** The next item that may have a place now, which it then has until `leave`. */
  take(): { group: string; item: T } | undefined;
  leave(group: string): void;
  clear(): void;
}

/**
 * A line for a number of places, served group by group. One group gets at most `perGroup` of them, and the last quarter
 * is for groups that have none: several that hang leave room for those that don't.
 */
export const createFairLine = <T>({
  places,
  perGroup = places,
}: {
  places: number;
  perGroup?: number;
}): FairLine<T> => {
  /** A Map keeps the order in which groups came, and a served group goes to its end. */
  const waiting = new Map<string, T[]>();
  const has = new Map<string, number>();
  const shared = perGroup < places ? places - Math.floor(places / 4) : places;
  let taken = 0;

  const may = (group: string): boolean => {
    const own = has.get(group) ?? 0;
    return taken < places && own < perGroup && (taken < shared || own === 0);
  };

  return {
    add(group, item) {
      const items = waiting.get(group);
      if (items) items.push(item);
      else waiting.set(group, [item]);
    },
    take() {
      for (const [group, items] of waiting) {
        if (!may(group)) continue;
        const item = items.shift() as T; // no group is kept empty
        waiting.delete(group);
        if (items.length > 0) waiting.set(group, items);
        has.set(group, (has.get(group) ?? 0) + 1);
        taken += 1;
        return { group, item };
      }
      return undefined;
    },
    leave(group) {
      const left = (has.get(group) ?? 1) - 1;
      if (left > 0) has.set(group, left);
      else has.delete(group);
      taken -= 1;
    },
    clear: () => waiting.clear(),
  };
};

/** Runs the work when the group's turn has come. */
export type Turns = <T>(group: string, work: () => Promise<T>) => Promise<T>;

/** A bounded number of works at a time, whoever they belong to, shared fairly between groups. */
export const createTurns = (limits: { places: number; perGroup: number }): Turns => {
  const line = createFairLine<() => void>(limits);
  const serve = (): void => {
    for (let next = line.take(); next; next = line.take()) next.item();
  };
  return async (group, work) => {
    await new Promise<void>((begin) => {
      line.add(group, begin);
      serve();
    });
    try {
      return await work();
    } finally {
      line.leave(group);
      serve();
    }
  };
};
