import { annotations } from '../src/api/annotations.ts';
import { RECORDER } from '../src/api/injection.ts';
import type { OwnerReference } from '../src/api/meta.ts';

export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
}

export interface Requirement {
  key: string;
  operator: string;
  values?: string[];
}

export interface NodeSelectorTerm {
  matchExpressions?: Requirement[];
  matchFields?: Requirement[];
}

/** The parts of a pod that injection reads. A pod on CREATE has often no name yet, only generateName. */
export interface AdmittedPod {
  metadata?: {
    name?: string;
    generateName?: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: OwnerReference[];
  };
  spec?: PodSpec;
}

export interface PodSpec {
  containers?: Container[];
  initContainers?: Container[];
  volumes?: { name: string }[];
  hostNetwork?: boolean;
  nodeName?: string;
  nodeSelector?: Record<string, string>;
  affinity?: {
    nodeAffinity?: {
      requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms?: NodeSelectorTerm[] };
    };
  };
  tolerations?: Toleration[];
  priorityClassName?: string;
  activeDeadlineSeconds?: number;
  os?: { name?: string };
  /** Pod-level requests and limits. */
  resources?: Resources;
  [field: string]: unknown;
}

export interface Container {
  name: string;
  image?: string;
  restartPolicy?: string;
  resources?: Resources;
  ports?: { name?: string; containerPort: number; hostPort?: number }[];
  [field: string]: unknown;
}

export interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

/**
 * The recorder that we put there, or that another webhook has taken the restartPolicy of: by our word on the pod, or
 * by our image. A tenant's own init container of that name is none.
 */
export const recorderOf = (pod: AdmittedPod, image: string): Container | undefined =>
  pod.spec?.initContainers?.find(
    (container) =>
      container.name === RECORDER &&
      (container.image === image || pod.metadata?.annotations?.[annotations.injection] === 'injected'),
  );

/** A name can be had once: beside a tenant's own container of that name there is no recorder. */
export const isNameTaken = (pod: AdmittedPod): boolean =>
  [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].some(({ name }) => name === RECORDER);

/** Amounts of the pod as a whole. */
export const hasPodLevel = ({ spec }: AdmittedPod): boolean =>
  spec?.resources?.requests !== undefined || spec?.resources?.limits !== undefined;
