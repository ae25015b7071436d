import type { GitSync } from '../../api/gitsync.ts';
import type { FairSemaphore } from '../../fair-semaphore.ts';
import type { KeyedLock } from '../../lock.ts';

export interface InTurnPorts {
  /** By namespace of the GitSync: one whose requests hang leaves connections for the others. */
  turns: FairSemaphore;
  /** By keyString of the object: of the rollbacks as well. */
  lock: KeyedLock;
}

/**
 * Writes one object for a GitSync. The turn comes first, then the lock: a rollback of the same object waits for a write
 * that runs, and for none that only queues. The other way round, a write with the lock and without a turn and one with
 * a turn and without the lock would wait for each other without end.
 */
export const inTurn = <T>(
  { metadata }: GitSync,
  key: string,
  { turns, lock }: InTurnPorts,
  write: () => Promise<T>,
): Promise<T> => turns(metadata.namespace ?? '', () => lock(key, write));
