import { annotations } from '../../api/annotations.ts';
import { groupOf, type KubeObject } from '../../api/meta.ts';

/** Argo CD's annotation is understood as it is. */
const WAVE = [annotations.wave, 'argocd.argoproj.io/sync-wave'];

/** 0 where nothing, or no whole number in text, is said. */
export const waveOf = ({ metadata }: KubeObject): number => {
  const text = WAVE.map((name) => metadata.annotations?.[name]).find((value) => typeof value === 'string');
  return text !== undefined && /^[+-]?[0-9]{1,9}$/.test(text.trim()) ? Number(text) : 0;
};

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

export const isBuiltIn = (apiVersion: string): boolean => BUILT_IN.test(groupOf(apiVersion));

/** Stage 0: what must be served before anything else. 1: built-in kinds. 2: custom resources. */
export const stageOf = ({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): number =>
  !isBuiltIn(apiVersion) ? 2 : FIRST.includes(kind) ? 0 : 1;

const rankOf = (kind: string): number => {
  const rank = [...FIRST, ...CLASSES].indexOf(kind);
  return rank < 0 ? FIRST.length + CLASSES.length : rank;
};

interface Placed {
  object: Pick<KubeObject, 'apiVersion' | 'kind'>;
}

/**
 * Batches in the order of application; within one all may go at once. A batch is a class of kinds, so that a ConfigMap
 * is there before the Deployment that mounts it.
 */
export const batchesOf = <T extends Placed>(placed: readonly T[]): T[][] => {
  const position = ({ object }: T): number => stageOf(object) * 1000 + rankOf(object.kind);
  const batches = Map.groupBy(placed, position);
  return [...batches.keys()].sort((a, b) => a - b).map((key) => batches.get(key) ?? []);
};
