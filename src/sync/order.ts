import { groupOf, type KubeObject } from '../api/meta.ts';

/** Kinds that others need, in the order in which they are applied. What is not here comes after, custom resources last. */
const FIRST = ['CustomResourceDefinition', 'Namespace', 'ClusterRole'];
const CLASSES = [
  'ResourceQuota',
  'LimitRange',
  'PriorityClass',
  'StorageClass',
  'ServiceAccount',
  'Role',
  'ClusterRoleBinding',
  'RoleBinding',
  'Secret',
  'ConfigMap',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Service',
  'NetworkPolicy',
  'PodDisruptionBudget',
  'DaemonSet',
  'Deployment',
  'StatefulSet',
  'ReplicaSet',
  'Pod',
  'Job',
  'CronJob',
  'Ingress',
  'HorizontalPodAutoscaler',
  'APIService',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
];

const BUILT_IN = /^$|^(apps|batch|autoscaling|policy|extensions)$|\.k8s\.io$/;

/** Stage 0: what must be served before anything else. 1: built-in kinds. 2: custom resources. */
export const stageOf = ({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): number =>
  FIRST.includes(kind) ? 0 : BUILT_IN.test(groupOf(apiVersion)) ? 1 : 2;

const rankOf = (kind: string): number => {
  const rank = [...FIRST, ...CLASSES].indexOf(kind);
  return rank < 0 ? FIRST.length + CLASSES.length : rank;
};

/**
 * Batches in the order of application; within one all may go at once. A batch is a class of kinds, so that a ConfigMap
 * is there before the Deployment that mounts it.
 */
export const batchesOf = <T extends Pick<KubeObject, 'apiVersion' | 'kind'>>(objects: readonly T[]): T[][] => {
  const position = (o: T): number => stageOf(o) * 1000 + rankOf(o.kind);
  const batches = Map.groupBy(objects, position);
  return [...batches.keys()].sort((a, b) => a - b).map((key) => batches.get(key) ?? []);
};
