import { annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { liveDigest, templateOf } from '../snapshot/index.ts';
import { toolOf } from '../ssa/tools.ts';

/** What the workload runs now: by our annotation, or by its live template where no GitSync wrote one. */
export const currentDigest = (live: KubeObject): string =>
  live.metadata.annotations?.[annotations.sourceDigest] ?? liveDigest(templateOf(live));

/** Another reconciler that would put the rejected release back. A person with kubectl apply would not. */
export const otherToolOf = (object: KubeObject): string | undefined => {
  const tool = toolOf(object);
  return tool === 'kubectl apply' ? undefined : tool;
};
