import type { GitSync } from '../api/gitsync.ts';
import { type KubeObject, keyOf, keyString } from '../api/meta.ts';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import { refusalOfObject } from '../policy/platform.ts';
import { ignoreRulesChanged } from '../ssa/ignore-rules.ts';
import type { SyncState } from './state/sync-state.ts';

// What counts as applied no more, so that the next plan sends it again although Git says nothing new.

/** Differences that were only reported are corrected since spec.drift says so. */
export const recheckReported = ({ spec }: GitSync, state: SyncState): void => {
  if (spec.drift === 'Correct') for (const id of state.reported.keys()) state.drifted.add(id);
};

/** Objects of which other fields are ours now. */
export const forgetIgnoredBefore = ({ spec }: GitSync, state: SyncState, objects: readonly KubeObject[]): void => {
  const { ignoreDifferences = spec.ignoreDifferences } = state;
  for (const object of objects) {
    if (ignoreRulesChanged(ignoreDifferences, spec.ignoreDifferences, object))
      state.applied.delete(keyString(keyOf(object)));
  }
  state.ignoreDifferences = spec.ignoreDifferences;
};

/** Objects that the platform does not allow any more: their apply says so. */
export const forgetRefused = (
  sync: GitSync,
  { applied }: SyncState,
  objects: readonly KubeObject[],
  policy: PlatformPolicySpec,
): void => {
  for (const object of objects) if (refusalOfObject(sync, object, policy)) applied.delete(keyString(keyOf(object)));
};
