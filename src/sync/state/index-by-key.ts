/** Which objects have a key, kept up to date by the events of a watch. */
export interface Index<T> {
  /** Another version of the object `id`; undefined: it is gone. */
  set(id: string, object: T | undefined): void;
  /** Ids of the objects that have this key, in the order in which they got it. */
  of(key: string): Iterable<string>;
}

/** So that "who follows this?" costs no walk over all objects. */
export const createIndex = <T>(keysOf: (object: T) => readonly string[]): Index<T> => {
  const ids = new Map<string, Set<string>>();
  const keys = new Map<string, ReadonlySet<string>>();

  const leave = (id: string, key: string): void => {
    const others = ids.get(key);
    others?.delete(id);
    if (others?.size === 0) ids.delete(key);
  };
  return {
    set(id, object) {
      const now = new Set(object === undefined ? [] : keysOf(object));
      for (const key of keys.get(id) ?? []) if (!now.has(key)) leave(id, key);
      for (const key of now) ids.set(key, (ids.get(key) ?? new Set()).add(id));
      if (now.size > 0) keys.set(id, now);
      else keys.delete(id);
    },
    of: (key) => ids.get(key) ?? [],
  };
};
