import type { GitSync, GitSyncStatus, HookEntry } from '../../api/gitsync.ts';

/** The hooks of one revision, as far as they have come. The status has all of it, so that the next process goes on with it. */
export interface HookRun {
  run: NonNullable<GitSyncStatus['hookRun']>;
  /** In the order in which they run. */
  entries: readonly HookEntry[];
}

/** What a GitSync remembers of its hooks. */
export interface HookMemory {
  hooks?: HookRun | null;
}

/** What an earlier process left in the status; null where no hooks were ever run. */
export const recallHooks = ({ status }: GitSync, memory: HookMemory): void => {
  if (memory.hooks !== undefined) return;
  const { hookRun: run, hooks: entries = [] } = status ?? {};
  memory.hooks = run ? { run, entries } : null;
};

/** Whether a hook runs, is still to, or failed: then there is something to do, or to say, although nothing is new. */
export const areHooksPending = ({ hooks }: HookMemory): boolean => !!hooks && hooks.run.state !== 'Succeeded';
