import { annotations } from './annotations.ts';
import type { KubeObject } from './meta.ts';
import type { WorkloadKey, WorkloadKind } from './workload.ts';

/** As kubectl takes them, in any case. */
const KINDS: Record<string, WorkloadKind> = {
  deployment: 'Deployment',
  deploy: 'Deployment',
  statefulset: 'StatefulSet',
  sts: 'StatefulSet',
  daemonset: 'DaemonSet',
  ds: 'DaemonSet',
};
const MAX = 32;

/**
 * The workloads that a workload calls, by its annotation metricops.dev/depends-on: `deployment/db, auth/deployment/login`.
 * KIND/NAME is of its own namespace. What is no workload is left out; more than 32 are not read.
 */
export const dependenciesOf = ({ metadata }: KubeObject): WorkloadKey[] => {
  const said: unknown = metadata.annotations?.[annotations.dependsOn];
  if (typeof said !== 'string') return [];
  return said
    .split(',', MAX)
    .map((entry) => entry.trim().split('/'))
    .flatMap((parts) => {
      const [name = '', word = '', namespace = metadata.namespace ?? ''] = parts.toReversed();
      const kind = KINDS[word.toLowerCase()];
      return kind && name !== '' && parts.length <= 3 ? [{ kind, namespace, name }] : [];
    });
};
