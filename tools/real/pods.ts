import type { KubeObject } from '../../src/api/meta.ts';
import { isNotFound, resources } from '../../src/kube/index.ts';
import type { Plane } from './plane.ts';

const JOB = 'batch.kubernetes.io/job-name';

/**
 * No node runs pods here. What waits for them goes on all the same: those of a Job are said to have ended well, all others
 * to be ready.
 */
export const runPods = async ({ client }: Pick<Plane, 'client'>): Promise<void> => {
  const { items } = await client.list(resources.pods);
  for (const { metadata } of items.filter(isWaiting)) {
    const ready = { type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() };
    const status =
      metadata.labels?.[JOB] === undefined ? { phase: 'Running', conditions: [ready] } : { phase: 'Succeeded' };
    await client
      .patch(resources.pods, metadata, { type: 'merge', body: { status } }, { subresource: 'status' })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }
};

const isWaiting = ({ metadata, status }: KubeObject): boolean => {
  const { phase = 'Pending' } = (status ?? {}) as { phase?: string };
  return phase === 'Pending' && metadata.deletionTimestamp === undefined;
};
