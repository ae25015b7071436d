import type { KubeObject } from '../api/meta.ts';

export type Health = 'Current' | 'InProgress' | 'Failed';

interface Status {
  observedGeneration?: number;
  replicas?: number;
  updatedReplicas?: number;
  availableReplicas?: number;
  readyReplicas?: number;
  numberReady?: number;
  desiredNumberScheduled?: number;
  updatedNumberScheduled?: number;
  currentRevision?: string;
  updateRevision?: string;
  succeeded?: number;
  phase?: string;
  conditions?: { type: string; status: string; reason?: string; message?: string }[];
}

/** Health by the rules of kstatus. `message` says what is missing. */
export const healthOf = (object: KubeObject): { health: Health; message: string } => {
  const status = (object.status ?? {}) as Status;
  const spec = (object.spec ?? {}) as { replicas?: number };
  const behind = (status.observedGeneration ?? object.metadata.generation ?? 0) < (object.metadata.generation ?? 0);
  if (object.metadata.deletionTimestamp !== undefined) return inProgress('it is being deleted');
  const rule = RULES[object.kind];
  if (rule)
    return status.observedGeneration === undefined && NEED_OBSERVED.includes(object.kind)
      ? inProgress('its controller has not seen it')
      : behind
        ? inProgress('its controller has not seen its newest spec')
        : rule(status, spec);
  if (behind) return inProgress('its controller has not seen its newest spec');
  return byConditions(status);
};

const NEED_OBSERVED = ['Deployment', 'StatefulSet', 'DaemonSet'];

const current = { health: 'Current', message: '' } as const;
const inProgress = (message: string) => ({ health: 'InProgress', message }) as const;
const failed = (message: string) => ({ health: 'Failed', message }) as const;

const conditionOf = (status: Status, type: string) => status.conditions?.find((c) => c.type === type);

type Rule = (status: Status, spec: { replicas?: number }) => { health: Health; message: string };

const RULES: Record<string, Rule> = {
  Deployment(status, spec) {
    const want = spec.replicas ?? 1;
    const progressing = conditionOf(status, 'Progressing');
    if (progressing?.reason === 'ProgressDeadlineExceeded')
      return failed(progressing.message ?? 'progress deadline exceeded');
    if ((status.updatedReplicas ?? 0) < want)
      return inProgress(`${status.updatedReplicas ?? 0} of ${want} replicas updated`);
    if ((status.replicas ?? 0) > want) return inProgress(`${(status.replicas ?? 0) - want} old replicas still there`);
    if ((status.availableReplicas ?? 0) < want)
      return inProgress(`${status.availableReplicas ?? 0} of ${want} replicas available`);
    return current;
  },
  StatefulSet(status, spec) {
    const want = spec.replicas ?? 1;
    if ((status.readyReplicas ?? 0) < want) return inProgress(`${status.readyReplicas ?? 0} of ${want} replicas ready`);
    if (status.currentRevision !== status.updateRevision)
      return inProgress('not every replica has the newest revision');
    return current;
  },
  DaemonSet(status) {
    const want = status.desiredNumberScheduled ?? 0;
    if ((status.updatedNumberScheduled ?? 0) < want)
      return inProgress(`${status.updatedNumberScheduled ?? 0} of ${want} pods updated`);
    if ((status.numberReady ?? 0) < want) return inProgress(`${status.numberReady ?? 0} of ${want} pods ready`);
    return current;
  },
  Job(status) {
    if (conditionOf(status, 'Failed')?.status === 'True')
      return failed(conditionOf(status, 'Failed')?.message ?? 'the job failed');
    return conditionOf(status, 'Complete')?.status === 'True' ? current : inProgress('the job is not complete');
  },
  PersistentVolumeClaim: (status) =>
    status.phase === 'Bound' ? current : inProgress(`it is ${status.phase ?? 'pending'}`),
  Pod(status) {
    if (status.phase === 'Failed') return failed('the pod failed');
    if (status.phase === 'Succeeded' || conditionOf(status, 'Ready')?.status === 'True') return current;
    return inProgress(`it is ${status.phase ?? 'pending'}`);
  },
  CustomResourceDefinition: (status) =>
    conditionOf(status, 'Established')?.status === 'True' ? current : inProgress('not established'),
  Namespace: (status) => (status.phase === 'Terminating' ? inProgress('terminating') : current),
};

/** Kinds that nobody knows: the conditions of kstatus, and Ready. */
const byConditions = (status: Status): { health: Health; message: string } => {
  const stalled = conditionOf(status, 'Stalled');
  if (stalled?.status === 'True') return failed(stalled.message ?? stalled.reason ?? 'stalled');
  const reconciling = conditionOf(status, 'Reconciling');
  if (reconciling?.status === 'True') return inProgress(reconciling.message ?? 'reconciling');
  const ready = conditionOf(status, 'Ready');
  return ready === undefined || ready.status === 'True'
    ? current
    : inProgress(ready.message ?? ready.reason ?? 'not ready');
};
