import { conditionOf, messageWhileTrue } from '../api/conditions.ts';
import type { GitSync } from '../api/gitsync.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { WorkloadKey } from '../api/workload.ts';
import { workloadOf } from '../holds/index.ts';
import { needsPerson } from '../incident/index.ts';
import { byUrgency, incidentSummary, isOpen } from './incident.ts';
import { type NextStep, nextStepOf } from './next-step.ts';

/** An object that metricops can not go on with by itself. */
export interface AwaitsPerson {
  kind: 'Incident' | 'Hold' | 'GitSync';
  namespace: string;
  name: string;
  /** Of an Incident or a Hold. */
  workload?: WorkloadKey;
  reason: string | undefined;
  message: string | undefined;
  /** Of an Incident. */
  next?: NextStep;
}

/**
 * All that waits for a person, the most urgent first: incidents, rollbacks that are not applied, then what stops a
 * GitSync. What is retried by itself is not among it, nor what a person suspended.
 */
export const awaitsPerson = (objects: {
  incidents: readonly Incident[];
  holds: readonly Hold[];
  syncs: readonly GitSync[];
}): AwaitsPerson[] => {
  const open = objects.incidents.filter(isOpen).toSorted(byUrgency);
  const named = new Set(
    open.filter(needsPerson).map(({ metadata, status }) => keyOf(metadata.namespace, status?.holdRef?.name)),
  );
  const holds = objects.holds
    // One row says it: the incident's, which also says what to do.
    .filter(({ metadata }) => !named.has(keyOf(metadata.namespace, metadata.name)))
    .flatMap(ofHold);
  return [...open.flatMap(ofIncident), ...holds, ...objects.syncs.flatMap(ofSync)];
};

const keyOf = (namespace: string | undefined, name: string | undefined): string => `${namespace}/${name}`;

const ofIncident = (incident: Incident): AwaitsPerson[] => {
  const { namespace, name, workload, reason, message } = incidentSummary(incident);
  const about = { kind: 'Incident', namespace, name, workload } as const;
  const next = nextStepOf(incident);
  if (needsPerson(incident)) return [{ ...about, reason, message, ...(next === undefined ? {} : { next }) }];
  const stalled = conditionOf(incident, 'Stalled');
  return stalled?.status === 'True' ? [{ ...about, reason: stalled.reason, message: stalled.message }] : [];
};

const ofHold = (hold: Hold): AwaitsPerson[] => {
  const overdue = conditionOf(hold, 'Overdue');
  const isFailed = hold.status?.phase === 'Failed';
  if (!isFailed && overdue?.status !== 'True') return [];
  const { namespace = '', name } = hold.metadata;
  const { reason, message } = (isFailed ? conditionOf(hold, 'Stalled') : overdue) ?? {};
  return [{ kind: 'Hold', namespace, name, workload: workloadOf(hold), reason, message }];
};

/** Reasons for which an object that left Git is deleted only when a person confirms it. */
const CONFIRMED_BY_PERSON: readonly string[] = ['ConfirmationRequired', 'PruneLimitExceeded'];

const ofSync = (sync: GitSync): AwaitsPerson[] => {
  if (sync.spec.suspend === true) return [];
  const { namespace = '', name } = sync.metadata;
  const about = { kind: 'GitSync', namespace, name } as const;
  const unconfirmed = sync.status?.prunePending?.find(({ reason }) => CONFIRMED_BY_PERSON.includes(reason));
  const pending = messageWhileTrue(sync, 'PrunePending');
  const prune =
    unconfirmed && pending !== undefined ? [{ ...about, reason: unconfirmed.reason, message: pending }] : [];
  const stalled = conditionOf(sync, 'Stalled');
  const isStalled = stalled?.status === 'True';
  // The same deletion, without the command that confirms it.
  const isSaid = stalled?.reason === 'PruneLimitExceeded' && prune.length > 0;
  return isStalled && !isSaid ? [{ ...about, reason: stalled.reason, message: stalled.message }, ...prune] : prune;
};
