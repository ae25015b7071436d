export interface FairQueue<T> {
  /** `host`: whom the item waits for, within its group. */
  add(group: string, item: T, host?: string): void;
  /** The next item that may have a place now, which it then has until `leave`. */
  take(): { group: string; host: string; item: T } | undefined;
  leave(group: string, host?: string): void;
  clear(): void;
}

export interface Slots {
  slots: number;
  /** Of these, for one group. All by default. */
  perGroup?: number;
  /** Of these, for one host, whichever groups wait for it. All by default. */
  perHost?: number;
}

/**
 * A queue for a number of places, served group by group, and within a group host by host. One group gets at most
 * `perGroup` of them, one host at most `perHost`, and the last quarter is for groups that have none: several that hang
 * leave room for those that don't. So it is within a group: the last quarter of its places is for hosts that have none.
 */
export const createFairQueue = <T>({ slots, perGroup = slots, perHost = slots }: Slots): FairQueue<T> => {
  /** Maps keep the order in which groups and hosts came, and one that was served goes to the end. */
  const waiting = new Map<string, Map<string, T[]>>();
  const has = createCounts();
  const hostHas = createCounts();
  const shared = perGroup < slots ? slots - Math.floor(slots / 4) : slots;
  const sharedInGroup = perHost < slots ? perGroup - Math.floor(perGroup / 4) : perGroup;
  let taken = 0;

  const mayGroup = (group: string): boolean => {
    const own = has.of(group);
    return own < perGroup && (taken < shared || own === 0);
  };
  const mayHost = (group: string, host: string): boolean =>
    hostHas.of(host) < perHost && (has.of(group) < sharedInGroup || has.of(idOf(group, host)) === 0);
  const count = (group: string, host: string, by: 1 | -1): void => {
    taken += by;
    has.add(group, by);
    has.add(idOf(group, host), by);
    hostHas.add(host, by);
  };

  const serve = (group: string, hosts: Map<string, T[]>, host: string) => {
    const [item, ...rest] = hosts.get(host) as [T, ...T[]]; // no host is kept without an item
    hosts.delete(host);
    if (rest.length > 0) hosts.set(host, rest);
    waiting.delete(group);
    if (hosts.size > 0) waiting.set(group, hosts);
    count(group, host, 1);
    return { group, host, item };
  };

  return {
    add(group, item, host = '') {
      const hosts = waiting.get(group) ?? new Map<string, T[]>();
      waiting.set(group, hosts);
      const items = hosts.get(host);
      if (items) items.push(item);
      else hosts.set(host, [item]);
    },
    take() {
      if (taken >= slots) return undefined;
      for (const [group, hosts] of waiting) {
        const host = mayGroup(group) ? [...hosts.keys()].find((each) => mayHost(group, each)) : undefined;
        if (host !== undefined) return serve(group, hosts, host);
      }
      return undefined;
    },
    leave: (group, host = '') => count(group, host, -1),
    clear: () => waiting.clear(),
  };
};

const idOf = (group: string, host: string): string => JSON.stringify([group, host]);

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
