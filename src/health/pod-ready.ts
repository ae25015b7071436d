import type { KubeObject } from '../api/meta.ts';

/** Whether the pod takes requests, as its kubelet says. */
export const isPodReady = ({ status }: KubeObject): boolean => {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string }[] };
  return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
};
