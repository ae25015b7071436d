import { releasesOf } from '../api/release-history.ts';
import { adoptSnapshots } from '../snapshot/index.ts';
import type { RecorderPorts } from './types.ts';

export interface Adoption {
  /** Makes restored snapshots those of their histories; without a request when nothing was restored. Never rejects. */
  adopt(): Promise<void>;
  stop(): void;
}

/**
 * A history that appears with releases in it was not made here: the process has just started, or it was restored from a
 * backup. The controller makes it empty.
 */
export const createAdoption = ({
  caches: { histories },
  client,
  log,
}: Pick<RecorderPorts, 'client' | 'log'> & { caches: Pick<RecorderPorts['caches'], 'histories'> }): Adoption => {
  let isNeeded = true;
  const stop = histories.onChange((history, previous) => {
    isNeeded ||= !previous && releasesOf(history).length > 0;
  });
  return {
    async adopt() {
      if (!isNeeded) return;
      isNeeded = false;
      try {
        const { adopted, refused } = await adoptSnapshots(client, (name) => histories.get(name));
        if (adopted + refused > 0) log.info({ adopted, refused }, 'snapshots from a backup');
      } catch (err) {
        isNeeded = true;
        log.warn({ err }, 'snapshots from a backup not adopted');
      }
    },
    stop,
  };
};
