import { conditionOf } from '../../api/conditions.ts';
import type { RollbackHold } from '../../api/hold.ts';
import type { Match } from './match-holds.ts';
import type { PlannedObject } from './types.ts';

/** What the queue of the Holds is still to apply stays as it is in the cluster, whatever keeps that from being done. */
export const leaveToHolds = (
  held: readonly Match[],
  desired: Map<string, PlannedObject>,
  keep: Map<string, string>,
): void => {
  const left = new Set<RollbackHold>();
  for (const { hold, notes } of held.filter((match) => match.left)) {
    left.add(hold);
    const said = hold.status?.phase === 'Failed' ? conditionOf(hold, 'Held')?.message : undefined;
    notes.push(said ?? 'the rollback is not applied yet');
  }
  for (const [key, { hold }] of desired) {
    if (!hold || !left.has(hold)) continue;
    desired.delete(key);
    keep.set(key, `Hold ${hold.metadata.name} applies it`);
  }
};
