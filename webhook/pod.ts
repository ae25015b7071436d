/** The parts of a pod that injection reads. A pod on CREATE has often no name yet, only generateName. */
export interface AdmittedPod {
  metadata?: {
    name?: string;
    generateName?: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: PodSpec;
}

export interface PodSpec {
  containers?: Container[];
  initContainers?: Container[];
  volumes?: { name: string }[];
  hostNetwork?: boolean;
  nodeSelector?: Record<string, string>;
  os?: { name?: string };
  /** Pod-level requests and limits. */
  resources?: Resources;
  [field: string]: unknown;
}

export interface Container {
  name: string;
  restartPolicy?: string;
  resources?: Resources;
  ports?: { containerPort: number; hostPort?: number }[];
  [field: string]: unknown;
}

export interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

/** Name of the injected container. */
export const RECORDER = 'metricops-recorder';

export const recorderOf = (pod: AdmittedPod): Container | undefined =>
  pod.spec?.initContainers?.find((container) => container.name === RECORDER);
