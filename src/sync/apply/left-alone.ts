import { isSwitchedOn } from '../../api/annotation-values.ts';
import { annotations } from '../../api/annotations.ts';
import { applyRuleOf } from '../../api/apply-rule.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { SyncState } from '../state/sync-state.ts';

/** By the annotations: paused in the cluster, or never to be applied again by Git's own word. */
export const isLeftAlone = (object: KubeObject, live: KubeObject | undefined): boolean =>
  isPaused(live) || (applyRuleOf(object) === 'CreateOnly' && live !== undefined);

export const isPaused = (live: KubeObject | undefined): boolean => isSwitchedOn(live?.metadata, annotations.pause);

/** By Git's own word it is none of ours. */
export const leaveAlone = (state: SyncState, key: string): undefined => {
  state.drifted.delete(key);
  state.untouched.add(key);
};
