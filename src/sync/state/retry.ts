import type { GitSync } from '../../api/gitsync.ts';
import { intervalOf, retryIn } from '../../source/backoff.ts';
import type { SyncState } from './sync-state.ts';

/**
 * The same for a sync that failed, by what was tried: another commit or spec begins at 5 s again.
 * @param state remembers how often it failed
 */
export const retrySyncIn = (
  { spec, metadata }: GitSync,
  state: Pick<SyncState, 'failing'>,
  commit: string,
  random: () => number,
): number => {
  const what = `${commit} ${metadata.generation}`;
  const times = state.failing?.what === what ? state.failing.times + 1 : 1;
  state.failing = { what, times };
  return retryIn(times, intervalOf({ spec }), random);
};
