import { isSwitchedOn } from '../api/annotation-values.ts';
import { annotations } from '../api/annotations.ts';
import { conditionIs } from '../api/conditions.ts';
import { type Hold, isRollback, type RollbackHold } from '../api/hold.ts';
import { type KubeObject, keyOf, keyString } from '../api/meta.ts';
import type { WorkloadKind } from '../api/workload.ts';
import type { Guard } from '../guard.ts';
import type { WatchCache } from '../kube/index.ts';
import { runningRelease } from '../snapshot/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { holdsOf, workloadOf } from './rules.ts';
import { isLeft } from './status.ts';
import { isRollingOut } from './stuck-pods.ts';

export interface EventPorts {
  holds: WatchCache<Hold>;
  workloads: Record<WorkloadKind, WatchCache> | undefined;
  guard: Guard;
  metrics: Pick<Metrics, 'holdsOverdue'>;
  enqueue: (hold: Hold) => void;
  onGone: (hold: Hold) => void;
  onTargetUnneeded: (hold: RollbackHold) => void;
  /** What is planned for this workload (keyString) may be another thing now. */
  onChange: (workload: string) => void;
}

/**
 * Which Holds an event is news for. What the queue writes itself, a status, is none.
 * @returns ends that
 */
export const watchEvents = (ports: EventPorts): (() => void) => {
  const { holds, workloads, guard, metrics, enqueue } = ports;
  const othersOf = (hold: Hold): Hold[] => holdsOf(holds.list(hold.metadata.namespace), workloadOf(hold));
  const count = (): void => metrics.holdsOverdue.set(holds.list().filter(isOverdue).length);
  const onRollback = (changed: RollbackHold, hold: Hold | undefined, previous: Hold | undefined): void => {
    if (!hold) ports.onGone(changed);
    if (!hold || hold.status?.phase === 'Dormant') ports.onTargetUnneeded(changed);
    const isOtherPlan = isNewSpec(hold, previous) || isLeft(changed) !== (previous && isLeft(previous));
    if (isOtherPlan) ports.onChange(keyString({ group: 'apps', ...workloadOf(changed) }));
  };
  /** An acceptance that comes or goes changes what the others reject. */
  const onAnswer = (changed: Hold): void => {
    for (const other of othersOf(changed)) enqueue(other);
    ports.onChange(keyString({ group: 'apps', ...workloadOf(changed) }));
  };
  const onHold = (hold: Hold | undefined, previous: Hold | undefined): void => {
    const changed = hold ?? previous;
    if (!changed) return;
    count();
    if (hold && (isNewSpec(hold, previous) || isDeleted(hold) !== isDeleted(previous))) enqueue(hold);
    if (isRollback(changed)) onRollback(changed, hold, previous);
    else if (isNewSpec(hold, previous)) onAnswer(changed);
  };
  const onWorkload = (object: KubeObject | undefined, previous: KubeObject | undefined): void => {
    if (!object) return;
    const rollbacks = holdsOf(holds.list(object.metadata.namespace), keyOf(object)).filter(isRollback);
    if (rollbacks.length === 0) return;
    const isOther = !previous || !isAsBefore(object, previous);
    for (const hold of rollbacks) if (isOther || (hold.status?.phase === 'Held' && isRollingOut(object))) enqueue(hold);
  };
  const watched = Object.values(workloads ?? {}).map((cache) =>
    cache.onChange((object, previous) => {
      const { namespace, name } = (object ?? previous)?.metadata ?? {};
      guard.run(`${namespace}/${name}`, () => onWorkload(object, previous));
    }),
  );
  const ends = [holds.onChange(onHold), ...watched];
  count();
  return () => {
    for (const end of ends) end();
  };
};

const isNewSpec = (hold: Hold | undefined, previous: Hold | undefined): boolean =>
  hold?.metadata.generation !== previous?.metadata.generation;

const isDeleted = (hold: Hold | undefined): boolean => hold?.metadata.deletionTimestamp !== undefined;

const isOverdue = ({ status }: Hold): boolean => conditionIs(status?.conditions, 'Overdue', 'True');

const isAsBefore = (object: KubeObject, previous: KubeObject): boolean =>
  runningRelease(object).digest === runningRelease(previous).digest &&
  isSwitchedOn(object.metadata, annotations.pause) === isSwitchedOn(previous.metadata, annotations.pause);
