import type { GitSyncStatus } from '../../api/gitsync.ts';
import type { StatusPatch } from '../../api/status-patch.ts';
import type { HookMemory } from '../state/hook-run.ts';
import { gone } from './inventory-status.ts';

/** Nothing changes before the status of an earlier process was asked. */
export const hooksStatus = (
  before: GitSyncStatus,
  { hooks }: HookMemory,
): StatusPatch<Pick<GitSyncStatus, 'hookRun' | 'hooks'>> => {
  if (hooks) return { hookRun: hooks.run, hooks: [...hooks.entries] };
  return hooks === null && before.hookRun ? { hookRun: gone, hooks: gone } : {};
};
