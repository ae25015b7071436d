import type { KubeObject } from '../api/meta.ts';
import type { WatchCache } from './types.ts';

/** The newest of what a watch shows, and what this process wrote, read or was given itself. By `namespace/name`. */
export interface OwnWrites<T extends KubeObject> {
  newest(key: string): T | undefined;
  /** Newer than the watch: it counts until the watch shows this version, or a later one. */
  note(object: T): void;
  /** Writes the object of this key: the answer is noted. Rejects as the request does. */
  send(key: string, request: () => Promise<T>): Promise<T>;
  /**
   * Whether what the watch shows was written by somebody else, as far as that is known: not while this process writes
   * the object itself. Whoever sends asks for the newest after it.
   */
  isNews(object: T): boolean;
  /** The object is gone. */
  forget(object: T): void;
}

/** So that nobody decides by a copy that is older than its own last write. */
export const createOwnWrites = <T extends KubeObject>(cache: Pick<WatchCache<T>, 'get'>): OwnWrites<T> => {
  const own = new Map<string, T>();
  const sending = new Set<string>();
  const note = (object: T): void => void own.set(keyOf(object), object);
  return {
    newest(key) {
      const [namespace = '', name = ''] = key.split('/');
      const [written, seen] = [own.get(key), cache.get({ namespace, name })];
      if (written && seen && versionOf(seen) >= versionOf(written)) own.delete(key);
      return own.get(key) ?? seen;
    },
    note,
    async send(key, request) {
      sending.add(key);
      try {
        const written = await request();
        note(written);
        return written;
      } finally {
        sending.delete(key);
      }
    },
    isNews(object) {
      const written = own.get(keyOf(object));
      return !sending.has(keyOf(object)) && !(written && versionOf(object) <= versionOf(written));
    },
    forget: (object) => void own.delete(keyOf(object)),
  };
};

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace}/${metadata.name}`;

const versionOf = ({ metadata }: KubeObject): number => Number(metadata.resourceVersion);
