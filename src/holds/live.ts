import type { KubeObject } from '../api/meta.ts';
import { toolOf } from '../ssa/tools.ts';

/** Another reconciler that would put the rejected release back. A person with kubectl apply would not. */
export const otherToolOf = (object: KubeObject): string | undefined => {
  const tool = toolOf(object);
  return tool === 'kubectl apply' ? undefined : tool;
};
