import { annotations } from '../api/annotations.ts';
import { isConfidential } from '../api/confidential.ts';
import type { KubeObject } from '../api/meta.ts';

/** Snapshots of releases hold these, and so do digests: an old value would stay readable for as long as its release. */
const RECORDED: ReadonlySet<string> = new Set([
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ConfigMap',
  'Service',
  'PodDisruptionBudget',
  'NetworkPolicy',
  'HorizontalPodAutoscaler',
]);

/** What to do instead. */
export const RATHER = 'write it into a Secret, and let the workload read that (secretKeyRef, envFrom, a volume)';

/** The object with the mark that nothing of it may be shown; undefined for one that may hold no value of a Secret. */
export const asSecretHolder = (object: KubeObject): KubeObject | undefined => {
  const { kind, metadata } = object;
  if (isConfidential(object)) return object;
  if (RECORDED.has(kind)) return undefined;
  return {
    ...object,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [annotations.holdsSecret]: 'true' } },
  };
};
