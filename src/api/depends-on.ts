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
export const MAX_DEPENDENCIES = 32;

/** An entry of the annotation as it was written; without a workload where it names none. */
export interface DependencyEntry {
  said: string;
  workload: WorkloadKey | undefined;
}

/**
 * Entries of the annotation metricops.dev/depends-on: `deployment/db, auth/deployment/login`. KIND/NAME is of the
 * workload's own namespace.
 */
export const dependencyEntries = ({ metadata }: KubeObject): DependencyEntry[] => {
  const text: unknown = metadata.annotations?.[annotations.dependsOn];
  if (typeof text !== 'string') return [];
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((said) => ({ said, workload: workloadIn(said, metadata.namespace ?? '') }));
};

/** The workloads that a workload calls. Entries that name none are left out; more than 32 are not read. */
export const dependenciesOf = (workload: KubeObject): WorkloadKey[] =>
  dependencyEntries(workload)
    .slice(0, MAX_DEPENDENCIES)
    .flatMap((entry) => entry.workload ?? []);

const workloadIn = (said: string, ownNamespace: string): WorkloadKey | undefined => {
  const parts = said.split('/');
  const [name = '', word = '', namespace = ownNamespace] = parts.toReversed();
  const kind = KINDS[word.toLowerCase()];
  return kind && name !== '' && parts.length <= 3 ? { kind, namespace, name } : undefined;
};
