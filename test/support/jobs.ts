import type { KubeObject } from '../../src/api/meta.ts';
import { resources } from '../../src/kube/index.ts';
import type { ControlPlane } from './cluster.ts';
import { eventually } from './poll.ts';

/** A Job of one pod, which nobody runs here: it ends when `endJob` says so. */
export const job = (name: string, annotations: Record<string, string> = {}, spec: object = {}): KubeObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, annotations },
  spec: {
    backoffLimit: 0,
    template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'shop:v1' }] } },
    ...spec,
  },
});

/** As the kubelet would say it of the pod of a Job, which may have a namesake of before. */
export const endJob = async (
  { client }: ControlPlane,
  namespace: string,
  name: string,
  phase: 'Succeeded' | 'Failed' = 'Succeeded',
): Promise<string> => {
  const running = await eventually(
    async () => {
      const live = await client.get(resources.jobs, { namespace, name });
      const { conditions = [] } = (live?.status ?? {}) as { conditions?: { type: string; status: string }[] };
      return live && !conditions.some(({ type }) => ['Complete', 'Failed'].includes(type)) ? live : undefined;
    },
    { what: `a Job ${name} that runs`, timeoutMs: 30_000 },
  );
  const { uid = '' } = running.metadata;
  const labelSelector = `batch.kubernetes.io/controller-uid=${uid}`;
  const pod = await eventually(async () => (await client.list(resources.pods, { namespace, labelSelector })).items[0], {
    what: `the pod of Job ${name}`,
    timeoutMs: 30_000,
  });
  await client.patch(
    resources.pods,
    pod.metadata,
    { type: 'merge', body: { status: { phase } } },
    { subresource: 'status' },
  );
  return uid;
};
