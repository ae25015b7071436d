export interface ByteCache<T> {
  get(key: string): T | undefined;
  /** Keeps the value, and drops what was used least lately; one that is larger than all of the room is not kept. */
  set(key: string, value: T, bytes: number): void;
}

/** A cache that holds so many bytes in all. */
export const createByteCache = <T>(maxBytes: number): ByteCache<T> => {
  /** A Map keeps the order of insertion: the one used last is at its end. */
  const entries = new Map<string, { value: T; bytes: number }>();
  let held = 0;
  const drop = (key: string): void => {
    held -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, bytes) {
      drop(key);
      if (bytes > maxBytes) return;
      entries.set(key, { value, bytes });
      held += bytes;
      for (const oldest of entries.keys()) {
        if (held <= maxBytes) return;
        drop(oldest);
      }
    },
  };
};
