import type { KubeObject } from '../../src/api/meta.ts';
import { isNotFound, type KubeClient, type ResourceType, resources, type WatchCache } from '../../src/kube/index.ts';

/**
 * Pods that are ready as soon as they are there, for a control plane without nodes: what a kubelet would write is
 * written, nothing runs.
 */
export const startHollowNode = (
  client: KubeClient,
  pods: WatchCache,
  onError: (error: unknown) => void,
): (() => void) => {
  const see = async (pod: KubeObject): Promise<void> => {
    if (pod.metadata.deletionTimestamp !== undefined) {
      const { namespace, name } = pod.metadata;
      // As the kubelet: the last word on a deleted pod, without a grace period.
      await client.raw('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, { gracePeriodSeconds: 0 });
      return;
    }
    if ((pod.status as { phase?: string } | undefined)?.phase === 'Running') return;
    await client.patch(PODS, pod.metadata, { type: 'merge', body: { status: ready(pod) } }, { subresource: 'status' });
  };
  const on = (pod: KubeObject | undefined): void => {
    if (pod) see(pod).catch((error) => isNotFound(error) || onError(error)); // it went meanwhile
  };
  for (const pod of pods.list()) on(pod);
  return pods.onChange(on);
};

const PODS: ResourceType = resources.pods;

const ready = (pod: KubeObject): object => {
  const now = new Date().toISOString();
  const { containers } = pod.spec as { containers: { name: string; image: string }[] };
  const condition = (type: string): object => ({ type, status: 'True', lastTransitionTime: now });
  return {
    phase: 'Running',
    startTime: now,
    conditions: ['Initialized', 'ContainersReady', 'Ready', 'PodScheduled'].map(condition),
    containerStatuses: containers.map(({ name, image }) => ({
      name,
      image,
      imageID: `${image.replace(/:.*/, '')}@sha256:${'0'.repeat(64)}`,
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: now } },
    })),
  };
};
