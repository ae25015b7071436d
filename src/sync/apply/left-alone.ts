import { annotations } from '../../api/annotations.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { SyncState } from '../state/sync-state.ts';

/** What Git says of how to apply the object: `ignore`, `create-only`, or nothing. */
export const applyRuleOf = ({ metadata }: KubeObject): string | undefined => metadata.annotations?.[annotations.apply];

/** By the annotations: paused in the cluster, or never to be applied again by Git's own word. */
export const isLeftAlone = (object: KubeObject, live: KubeObject | undefined): boolean =>
  isPaused(live) || (applyRuleOf(object) === 'create-only' && live !== undefined);

export const isPaused = (live: KubeObject | undefined): boolean =>
  live?.metadata.annotations?.[annotations.pause] === 'true';

/** By Git's own word it is none of ours. */
export const leaveAlone = (state: SyncState, key: string): undefined => {
  state.drifted.delete(key);
  state.untouched.add(key);
};
