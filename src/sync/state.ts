import type { ObjectMeta } from '../api/meta.ts';

/** What this process knows of one object that it applied. */
export interface Applied {
  hash: string;
  /** What a change by somebody else moves: generation, or resourceVersion for kinds without one. */
  version: string;
  uid: string;
  /** Digest of the release that was applied, for workloads. */
  sourceDigest?: string;
}

/** Memory of one GitSync between two syncs. Losing it costs one apply for each object. */
export interface SyncState {
  applied: Map<string, Applied>;
  drifted: Set<string>;
  /** Of what was planned last: the commit, the spec, and the holds. A sync that would plan the same again does nothing. */
  planned?: { commit: string; fingerprint: string };
  inventory: Map<string, string>;
  /** Since when objects are waited for, by fingerprint. */
  waitingSince?: { fingerprint: string; at: number };
}

export const newSyncState = (): SyncState => ({ applied: new Map(), drifted: new Set(), inventory: new Map() });

export const versionSeen = (metadata: ObjectMeta): string =>
  metadata.generation === undefined ? `rv${metadata.resourceVersion}` : `g${metadata.generation}`;

/** Runs works on the same key one after another. */
export const createKeyedLock = (): (<T>(key: string, work: () => Promise<T>) => Promise<T>) => {
  const tails = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const turn = (tails.get(key) ?? Promise.resolve()).then(work, work);
    const tail = turn.catch(() => {}); // its own caller hears of the failure
    tails.set(key, tail);
    void tail.then(() => {
      if (tails.get(key) === tail) tails.delete(key);
    });
    return turn;
  };
};
