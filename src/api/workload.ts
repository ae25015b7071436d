import { z } from 'zod';

/** Kinds whose pods can carry the sidecar and whose releases are recorded. */
export const WORKLOAD_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

export const isWorkloadKind = (kind: string): kind is WorkloadKind =>
  (WORKLOAD_KINDS as readonly string[]).includes(kind);

/** A workload of apps/v1 in the same namespace as the object that names it. */
export const workloadRef = z.strictObject({
  kind: z.enum(WORKLOAD_KINDS).default('Deployment').describe('Deployment, StatefulSet or DaemonSet of apps/v1.'),
  name: z.string().min(1).max(253).describe('Name of the workload, in the same namespace.'),
});
export type WorkloadRef = z.infer<typeof workloadRef>;

export interface WorkloadKey extends WorkloadRef {
  namespace: string;
}

/** `namespace/Kind/name`: as which a queue knows it. */
export const workloadPath = ({ namespace, kind, name }: WorkloadKey): string => `${namespace}/${kind}/${name}`;

/** Throws TypeError where the text is no such path. */
export const parseWorkloadPath = (path: string): WorkloadKey => {
  const [namespace = '', kind = '', name = ''] = path.split('/');
  if (!isWorkloadKind(kind)) throw new TypeError(`not a workload: ${path}`);
  return { namespace, kind, name };
};

export const workloadString = (w: WorkloadKey): string => `${w.kind.toLowerCase()}/${w.namespace}/${w.name}`;
