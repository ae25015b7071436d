import { groupOf } from '../api/meta.ts';

export type Health = 'Current' | 'InProgress' | 'Failed';

/** `message` says what is missing; it is empty when nothing is. */
export interface Judgement {
  health: Health;
  message: string;
}

interface Condition {
  type: string;
  status: string;
  observedGeneration?: number;
  reason?: string;
  message?: string;
}

interface ContainerStatus {
  name: string;
  state?: { waiting?: { reason?: string; message?: string } };
}

export interface Spec {
  replicas?: number;
  suspend?: boolean;
  type?: string;
  progressDeadlineSeconds?: number;
  updateStrategy?: { type?: string; rollingUpdate?: { partition?: number } };
  paused?: boolean;
  refreshPolicy?: string;
  parentRefs?: unknown[];
}

export interface Status {
  observedGeneration?: number | string;
  conditions?: Condition[];
  phase?: string;
  reason?: string;
  message?: string;
  replicas?: number;
  updatedReplicas?: number;
  availableReplicas?: number;
  readyReplicas?: number;
  fullyLabeledReplicas?: number;
  numberReady?: number;
  numberAvailable?: number;
  desiredNumberScheduled?: number;
  currentNumberScheduled?: number;
  updatedNumberScheduled?: number;
  currentRevision?: string;
  updateRevision?: string;
  containerStatuses?: ContainerStatus[];
  initContainerStatuses?: ContainerStatus[];
  loadBalancer?: { ingress?: unknown[] };
  /** `GENERATION-HASH` */
  syncedResourceVersion?: string;
  parents?: { parentRef?: { name?: string }; conditions?: Condition[] }[];
}

export const current: Judgement = { health: 'Current', message: '' };
export const inProgress = (message: string): Judgement => ({ health: 'InProgress', message });
export const failed = (message: string): Judgement => ({ health: 'Failed', message });

/** A custom kind may call anything `conditions`: what is no list of objects has none. */
export const conditionOf = (status: Pick<Status, 'conditions'>, type: string): Condition | undefined =>
  Array.isArray(status.conditions) ? status.conditions.find((c) => c?.type === type) : undefined;

/** What a condition says in words; many controllers leave the message empty. */
export const wordsOf = (condition: Condition | undefined, otherwise: string): string =>
  condition?.message || condition?.reason || otherwise;

export type Rule = (status: Status, spec: Spec, generation: number) => Judgement;

/** The rule for a kind that Kubernetes brings along (or that we know). By group too: anyone may call a kind `Job`. */
export const ruleFor = (apiVersion: string, kind: string): Rule | undefined => RULES[`${groupOf(apiVersion)}/${kind}`];

const fewerThan = (want: number, have: number | undefined, what: string): Judgement | undefined =>
  (have ?? 0) < want ? inProgress(`${have ?? 0} of ${want} ${what}`) : undefined;

const moreThan = (want: number, have = 0): Judgement | undefined =>
  have > want ? inProgress(`${have - want} old replicas still there`) : undefined;

const whenCondition = (
  status: Status,
  [type, is]: readonly [type: string, is: 'True' | 'False'],
  judge: (message: string) => Judgement,
): Judgement | undefined => {
  const condition = conditionOf(status, type);
  return condition?.status === is ? judge(wordsOf(condition, `${type} is ${is}`)) : undefined;
};

/** Only when the condition is True: a kind whose controller always writes it. */
const needs =
  (type: string) =>
  (status: Status): Judgement => {
    const condition = conditionOf(status, type);
    return condition?.status === 'True' ? current : inProgress(wordsOf(condition, `${type} is not True yet`));
  };

/** Counts that nobody has written yet look like an empty workload, e.g. one of zero replicas that is done. */
const onceSeen =
  (rule: Rule): Rule =>
  (status, spec, generation) =>
    status.observedGeneration === undefined
      ? inProgress('its controller has not seen it')
      : rule(status, spec, generation);

/** What the controller writes when it has no deadline to watch: then it says nothing about the progress either. */
const NO_DEADLINE = 2 ** 31 - 1;

const deployment: Rule = (status, spec) => {
  const want = spec.replicas ?? 1;
  const progressing = conditionOf(status, 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded')
    return failed(wordsOf(progressing, 'progress deadline exceeded'));
  const watched = (spec.progressDeadlineSeconds ?? NO_DEADLINE) !== NO_DEADLINE;
  const rolledOut = progressing?.status === 'True' && progressing.reason === 'NewReplicaSetAvailable';
  return (
    whenCondition(status, ['ReplicaFailure', 'True'], inProgress) ??
    fewerThan(want, status.updatedReplicas, 'replicas updated') ??
    moreThan(want, status.replicas) ??
    fewerThan(want, status.availableReplicas, 'replicas available') ??
    fewerThan(want, status.readyReplicas, 'replicas ready') ??
    (watched && !rolledOut
      ? inProgress(wordsOf(progressing, 'the rollout is not complete'))
      : needs('Available')(status))
  );
};

const replicas: Rule = (status, spec) => {
  const want = spec.replicas ?? 1;
  return (
    whenCondition(status, ['ReplicaFailure', 'True'], inProgress) ??
    fewerThan(want, status.fullyLabeledReplicas, 'replicas labelled') ??
    fewerThan(want, status.availableReplicas, 'replicas available') ??
    fewerThan(want, status.readyReplicas, 'replicas ready') ??
    moreThan(want, status.replicas) ??
    current
  );
};

/** With OnDelete a person decides when a pod is updated: waiting for that would never end. */
const updatesItself = (spec: Spec): boolean => spec.updateStrategy?.type !== 'OnDelete';

const statefulSet: Rule = (status, spec) => {
  const want = spec.replicas ?? 1;
  const partition = spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  const unready = fewerThan(want, status.readyReplicas, 'replicas ready') ?? moreThan(want, status.replicas);
  if (unready || !updatesItself(spec)) return unready ?? current;
  if (partition > 0) return fewerThan(want - partition, status.updatedReplicas, 'replicas updated') ?? current;
  return status.currentRevision === status.updateRevision
    ? current
    : inProgress('not every replica has the newest revision');
};

const daemonSet: Rule = (status, spec) => {
  const want = status.desiredNumberScheduled ?? 0;
  return (
    fewerThan(want, status.currentNumberScheduled, 'pods scheduled') ??
    (updatesItself(spec) ? fewerThan(want, status.updatedNumberScheduled, 'pods updated') : undefined) ??
    fewerThan(want, status.numberAvailable, 'pods available') ??
    fewerThan(want, status.numberReady, 'pods ready') ??
    current
  );
};

/** Stricter than kstatus, which is content when a job has started: what waits for a migration waits for its end. */
const job: Rule = (status, spec) =>
  whenCondition(status, ['Failed', 'True'], failed) ??
  whenCondition(status, ['Complete', 'True'], () => current) ??
  (spec.suspend ? current : inProgress('the job is not complete'));

/** Reasons to wait that every pod has for a moment. */
const STARTING = new Set(['ContainerCreating', 'PodInitializing']);

const listOf = <T>(list: readonly T[] | undefined): readonly T[] => (Array.isArray(list) ? list : []);

/** A container that cannot start, in its own words: an image or a dependency may still come, so it is never Failed. */
const stuckContainer = (status: Status): Judgement | undefined => {
  for (const container of [status.initContainerStatuses, status.containerStatuses].flatMap(listOf)) {
    const { name, state } = container ?? {};
    const waiting = state?.waiting;
    if (waiting?.reason && !STARTING.has(waiting.reason))
      return inProgress(`container ${name}: ${waiting.reason}${waiting.message ? `: ${waiting.message}` : ''}`);
  }
  return undefined;
};

const pod: Rule = (status) => {
  if (status.phase === 'Succeeded') return current;
  if (status.phase === 'Failed') return failed(status.message || status.reason || 'the pod failed');
  const scheduled = conditionOf(status, 'PodScheduled');
  // In progress, and never Failed as in kstatus: a node may be on its way, and Failed ends the waiting for good.
  const unschedulable = scheduled?.status === 'False' && scheduled.reason === 'Unschedulable';
  return (
    whenCondition(status, ['Ready', 'True'], () => current) ??
    stuckContainer(status) ??
    inProgress(unschedulable ? `Unschedulable: ${wordsOf(scheduled, '')}` : `it is ${status.phase ?? 'pending'}`)
  );
};

const customResourceDefinition: Rule = (status) => {
  const established = conditionOf(status, 'Established');
  const refused = established?.status === 'False' && established.reason !== 'Installing';
  return (
    whenCondition(status, ['NamesAccepted', 'False'], failed) ??
    (refused ? failed(wordsOf(established, 'not established')) : needs('Established')(status))
  );
};

const service: Rule = (status, spec) =>
  spec.type === 'LoadBalancer' && !status.loadBalancer?.ingress?.length
    ? inProgress('the load balancer has no address')
    : current;

/** Never Failed: metrics that are missing come with the pods. Without conditions it is content: autoscaling/v1 has none. */
const autoscaler: Rule = (status) => {
  const active = conditionOf(status, 'ScalingActive');
  const idle = active?.reason === 'ScalingDisabled'; // its workload is scaled to zero on purpose
  return (
    whenCondition(status, ['AbleToScale', 'False'], inProgress) ??
    (idle ? undefined : whenCondition(status, ['ScalingActive', 'False'], inProgress)) ??
    current
  );
};

const disruptionBudget: Rule = (status) => {
  const allowed = conditionOf(status, 'DisruptionAllowed');
  return allowed?.reason === 'SyncFailed' ? inProgress(wordsOf(allowed, 'its pods cannot be counted')) : current;
};

/** Paused is in progress: somebody, or a canary step, is still to say that it goes on. */
const rollout: Rule = (status) => {
  if (status.phase === 'Healthy') return current;
  const words = status.message || `it is ${status.phase ?? 'new'}`;
  return status.phase === 'Degraded' ? failed(words) : inProgress(words);
};

const RULES: Readonly<Record<string, Rule>> = {
  'apps/Deployment': onceSeen(deployment),
  'apps/ReplicaSet': onceSeen(replicas),
  'apps/StatefulSet': onceSeen(statefulSet),
  'apps/DaemonSet': onceSeen(daemonSet),
  'batch/Job': job,
  'batch/CronJob': () => current,
  '/Pod': pod,
  '/ReplicationController': onceSeen(replicas),
  '/PersistentVolumeClaim': (status) =>
    status.phase === 'Bound' ? current : inProgress(`it is ${status.phase ?? 'pending'}`),
  '/Service': service,
  '/Namespace': (status) => (status.phase === 'Terminating' ? inProgress('terminating') : current),
  'networking.k8s.io/Ingress': () => current, // not every ingress controller writes an address
  'autoscaling/HorizontalPodAutoscaler': autoscaler,
  'policy/PodDisruptionBudget': onceSeen(disruptionBudget),
  'apiextensions.k8s.io/CustomResourceDefinition': customResourceDefinition,
  'apiregistration.k8s.io/APIService': needs('Available'),
  'argoproj.io/Rollout': rollout,
  // Ready says whether a burn would lead to a rollback. A first release has none to go back to, and is no failed sync.
  'metricops.dev/RollbackPolicy': () => current,
};
