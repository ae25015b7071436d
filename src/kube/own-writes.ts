import type { KubeObject } from '../api/meta.ts';
import type { WatchCache } from './types.ts';

/** The newest of what a watch shows, and what this process wrote, read or was given itself. By `namespace/name`. */
export interface OwnWrites<T extends KubeObject> {
  newest(key: string): T | undefined;
  /** Newer than the watch: it counts until the watch shows this version, or a later one. */
  note(object: T): void;
  /** The object is gone. */
  forget(object: T): void;
}

/** So that nobody decides by a copy that is older than its own last write. */
export const createOwnWrites = <T extends KubeObject>(cache: Pick<WatchCache<T>, 'get'>): OwnWrites<T> => {
  const own = new Map<string, T>();
  return {
    newest(key) {
      const [namespace = '', name = ''] = key.split('/');
      const [written, seen] = [own.get(key), cache.get({ namespace, name })];
      if (written && seen && versionOf(seen) >= versionOf(written)) own.delete(key);
      return own.get(key) ?? seen;
    },
    note: (object) => void own.set(keyOf(object), object),
    forget: (object) => void own.delete(keyOf(object)),
  };
};

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace}/${metadata.name}`;

const versionOf = ({ metadata }: KubeObject): number => Number(metadata.resourceVersion);
