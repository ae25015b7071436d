import type { KubeObject } from '../api/meta.ts';
import { isPodReady } from '../health/pod-ready.ts';
import { resources } from '../kube/index.ts';
import type { EnforcePorts } from './types.ts';

/** The controller never replaces a broken pod of the rejected revision by itself (kubernetes#67250). */
export const deleteStuckPods = async (
  live: KubeObject,
  { client, signal }: Pick<EnforcePorts, 'client' | 'signal'>,
): Promise<void> => {
  const status = live.status as { updateRevision?: string } | undefined;
  const selector = (live.spec as { selector?: { matchLabels?: Record<string, string> } }).selector?.matchLabels ?? {};
  const labelSelector = Object.entries({ ...selector, 'controller-revision-hash': status?.updateRevision ?? '' })
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
  const { items } = await client.list(resources.pods, { namespace: live.metadata.namespace ?? '', labelSelector });
  for (const pod of items.filter((p) => !isPodReady(p))) {
    signal.throwIfAborted();
    await client.delete(resources.pods, pod.metadata, pod.metadata.uid === undefined ? {} : { uid: pod.metadata.uid });
  }
};
