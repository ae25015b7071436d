import { isSwitchedOn } from '../api/annotation-values.ts';
import { annotations } from '../api/annotations.ts';
import { conditionOf } from '../api/conditions.ts';
import type { Hold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import { isWorkloadOptedIn } from '../api/optin.ts';
import { isReason, type Reason } from '../api/reasons.ts';
import { currentOf, type ReleaseHistory, recordsOf } from '../api/release-history.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { isRollbackTarget } from '../holds/index.ts';
import { selectLastGood } from '../release/index.ts';

/** One part of the way from a burn of a workload to a rollback. */
export interface PathStep {
  name: 'optedIn' | 'recorder' | 'recorded' | 'target' | 'owner' | 'mode' | 'policy' | 'alerts' | 'dependencies';
  /** warning: a person is asked instead, or it costs something. failed: no rollback comes of a burn. */
  result: 'ok' | 'warning' | 'failed';
  /** Of what is not ok. */
  reason?: Reason;
  message: string;
  /** What to do about it. */
  next?: string;
}

/** What the steps of a workload by itself depend on, whatever its policy says. */
export interface WorkloadFacts {
  workload: KubeObject;
  /** undefined: nobody may read it. */
  namespace: KubeObject | undefined;
  history: ReleaseHistory | undefined;
  /** Of its namespace. */
  holds: readonly Hold[];
  /** Flux, Argo CD or Helm, where one of them would undo a rollback. */
  otherTool: string | undefined;
}

const kubectl = ({ kind, namespace, name }: WorkloadKey, what: string): string =>
  `kubectl -n ${namespace} annotate ${kind.toLowerCase()}/${name} ${what}`;

/** The command that sets the mode of a workload without a policy. */
export const annotateMode = (key: WorkloadKey): string => kubectl(key, `${annotations.rollback}=Auto`);

export const optedIn = (key: WorkloadKey, { workload, namespace }: WorkloadFacts): PathStep => {
  if (isWorkloadOptedIn(workload, namespace))
    return { name: 'optedIn', result: 'ok', message: 'opted in: its releases are recorded' };
  const message = 'not opted in: its releases are not recorded';
  const next = kubectl(key, `${annotations.inject}=true`);
  return { name: 'optedIn', result: 'failed', reason: 'NotOptedIn', message, next };
};

/** undefined where nobody paused it. */
export const paused = ({ kind, name }: WorkloadKey, { workload }: WorkloadFacts): PathStep | undefined => {
  if (!isSwitchedOn(workload.metadata, annotations.pause)) return undefined;
  const message = `${annotations.pause} is set: nothing changes it`;
  const next = `metricops resume ${kind.toLowerCase()}/${name}`;
  return { name: 'mode', result: 'failed', reason: 'Paused', message, next };
};

export const owner = ({ otherTool }: WorkloadFacts): PathStep =>
  otherTool === undefined
    ? { name: 'owner', result: 'ok', message: 'no other tool would undo a rollback' }
    : {
        name: 'owner',
        result: 'failed',
        reason: 'OwnedByOtherTool',
        message: `${otherTool} applies it and would undo a rollback`,
      };

/** Why no release of it is known, or not all that a rollback needs; undefined where one is recorded. */
export const unrecorded = ({ history }: WorkloadFacts): PathStep | undefined => {
  const name = 'recorded';
  const current = currentOf(recordsOf(history));
  if (!history || !current) {
    const message = 'no release of it is recorded yet';
    const next = 'a release is recorded when one of its pods with the recorder is ready';
    return { name, result: 'failed', reason: 'NoHistory', message, next };
  }
  const lacking = conditionOf(history, 'Recorded');
  if (lacking?.status !== 'False') return undefined;
  const reason = isReason(lacking.reason) ? lacking.reason : 'SnapshotMissing';
  return {
    name,
    result: 'failed',
    reason,
    message: `release ${current.number} is not recorded in full: ${lacking.message}`,
  };
};

/** Where a rollback of a burn that began now would go. */
export const target = (key: WorkloadKey, { history, holds }: WorkloadFacts, now: number): PathStep => {
  const name = 'target';
  const records = recordsOf(history);
  const current = currentOf(records);
  if (current && isRollbackTarget(holds, key, current.sourceDigest)) {
    const message = `release ${current.number} is itself the result of a rollback: a person decides about it`;
    return { name, result: 'warning', reason: 'RollbackOfRollback', message };
  }
  if (current?.irreversible !== undefined) {
    const message = `release ${current.number} is irreversible (${current.irreversible}): a person decides about it`;
    return { name, result: 'warning', reason: 'Irreversible', message };
  }
  const found = selectLastGood(records, { burnStart: now });
  if (!found.release)
    return { name, result: 'failed', reason: found.reason, message: `nothing to go back to: ${found.message}` };
  return { name, result: 'ok', message: `a rollback goes to release ${found.release.number}` };
};

/** What keeps a burn of it from leading to a rollback by itself, whatever its policy says: the first step that does. */
export const obstacleOn = (key: WorkloadKey, facts: WorkloadFacts, now: number): PathStep | undefined =>
  [optedIn(key, facts), paused(key, facts), owner(facts), unrecorded(facts), target(key, facts, now)]
    .filter((step) => step !== undefined)
    .find(({ result }) => result !== 'ok');
