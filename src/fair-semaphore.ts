export interface FairLine<T> {
  /** `lane`: within its group, what is waited for, a host for example. */
  add(group: string, item: T, lane?: string): void;
  /** The next item that may have a place now, which it then has until `leave`. */
  take(): { group: string; lane: string; item: T } | undefined;
  leave(group: string, lane?: string): void;
  clear(): void;
}

export interface Slots {
  slots: number;
  /** Of these, for one group. All by default. */
  perGroup?: number;
  /** Of these, for one lane, whosever it is. All by default. */
  perLane?: number;
}

/**
 * A line for a number of places, served group by group, and within a group lane by lane. One group gets at most
 * `perGroup` of them, one lane at most `perLane`, and the last quarter is for groups that have none: several that hang
 * leave room for those that don't. So it is within a group: the last quarter of its places is for lanes that have none.
 */
export const createFairQueue = <T>({ slots, perGroup = slots, perLane = slots }: Slots): FairLine<T> => {
  /** Maps keep the order in which groups and lanes came, and one that was served goes to the end. */
  const waiting = new Map<string, Map<string, T[]>>();
  const has = createCounts();
  const laneHas = createCounts();
  const shared = perGroup < slots ? slots - Math.floor(slots / 4) : slots;
  const sharedInGroup = perLane < slots ? perGroup - Math.floor(perGroup / 4) : perGroup;
  let taken = 0;

  const mayGroup = (group: string): boolean => {
    const own = has.of(group);
    return own < perGroup && (taken < shared || own === 0);
  };
  const mayLane = (group: string, lane: string): boolean =>
    laneHas.of(lane) < perLane && (has.of(group) < sharedInGroup || has.of(idOf(group, lane)) === 0);
  const count = (group: string, lane: string, by: 1 | -1): void => {
    taken += by;
    has.add(group, by);
    has.add(idOf(group, lane), by);
    laneHas.add(lane, by);
  };

  const serve = (group: string, lanes: Map<string, T[]>, lane: string) => {
    const [item, ...rest] = lanes.get(lane) as [T, ...T[]]; // no lane is kept empty
    lanes.delete(lane);
    if (rest.length > 0) lanes.set(lane, rest);
    waiting.delete(group);
    if (lanes.size > 0) waiting.set(group, lanes);
    count(group, lane, 1);
    return { group, lane, item };
  };

  return {
    add(group, item, lane = '') {
      const lanes = waiting.get(group) ?? new Map<string, T[]>();
      waiting.set(group, lanes);
      const items = lanes.get(lane);
      if (items) items.push(item);
      else lanes.set(lane, [item]);
    },
    take() {
      if (taken >= slots) return undefined;
      for (const [group, lanes] of waiting) {
        const lane = mayGroup(group) ? [...lanes.keys()].find((each) => mayLane(group, each)) : undefined;
        if (lane !== undefined) return serve(group, lanes, lane);
      }
      return undefined;
    },
    leave: (group, lane = '') => count(group, lane, -1),
    clear: () => waiting.clear(),
  };
};

const idOf = (group: string, lane: string): string => JSON.stringify([group, lane]);

const createCounts = () => {
  const counts = new Map<string, number>();
  const of = (key: string): number => counts.get(key) ?? 0;
  return {
    of,
    add(key: string, by: number): void {
      if (of(key) + by > 0) counts.set(key, of(key) + by);
      else counts.delete(key);
    },
  };
};

/** Runs the work when the group's turn has come. */
export type FairSemaphore = <T>(group: string, work: () => Promise<T>) => Promise<T>;

/** A bounded number of works at a time, whoever they belong to, shared fairly between groups. */
export const createFairSemaphore = (limits: { slots: number; perGroup: number }): FairSemaphore => {
  const line = createFairQueue<() => void>(limits);
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
