import { newSyncState, type SyncState } from '../../src/sync/state/sync-state.ts';
import { obeyHolds, type Process, reconcileSync, recordReleases, workOnIncidents } from './shipped.ts';

/** What a leader does, each as its own queue does it. */
export const PIECES = {
  'judges its incidents': (process: Process) => workOnIncidents(process),
  'obeys the Holds': obeyHolds,
  'syncs the GitSync': reconcileSync,
  'records the releases': (process: Process) => recordReleases(process),
} as const satisfies Record<string, (process: Process, sync: SyncState) => Promise<void>>;

export type Piece = keyof typeof PIECES;
export const pieces = Object.keys(PIECES) as Piece[];

/** Deep enough that nobody can change the other: all that a sync changes in place is one level below. */
export const copyOfSync = (state: SyncState): SyncState => {
  const copy = (value: unknown): unknown => {
    if (value instanceof Map) return new Map([...value].map(([k, v]) => [k, isPlain(v) ? { ...v } : v]));
    if (value instanceof Set) return new Set(value);
    return isPlain(value) ? { ...value } : value;
  };
  const copies = Object.fromEntries(Object.entries(state).map(([k, v]) => [k, copy(v)]));
  return { ...state, ...(copies as Partial<SyncState>) };
};

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

export { newSyncState };
