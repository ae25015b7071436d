import { isDeepStrictEqual } from 'node:util';
import { type ConditionInput, conditionIs, withConditions } from '../api/conditions.ts';
import type { Hold, HoldStatus } from '../api/hold.ts';
import type { Reason } from '../api/reasons.ts';
import type { StatusPatch } from '../api/status-patch.ts';
import type { Clock } from '../clock.ts';
import { resources } from '../kube/index.ts';
import { type ReportPorts, reportHold, type Said } from './report.ts';

/** What became of a Hold; without a phase where nothing is applied on account of it (Accept, Deny). */
export interface Outcome {
  phase?: NonNullable<HoldStatus['phase']>;
  reason: Reason;
  message: string;
  /** What the workload runs. */
  digest?: string;
  /** Milliseconds until it is tried again by itself. */
  again?: number | undefined;
  /** How often in a row it failed. */
  attempts?: number;
  /** The rollbacks of a rejected release that was applied again, with this one. */
  reapplied?: HoldStatus['reapplied'];
  /** Whether somebody else keeps applying the rejected release; undefined: as before. */
  contested?: boolean;
}

/** A rollback that takes longer than this is overdue: the time after which an incident asks a person. */
export const OVERDUE_MS = 300_000;

/** The status after an outcome. Pure. Times and transitions move only where the phase does. */
export const statusAfter = (hold: Pick<Hold, 'metadata' | 'status'>, outcome: Outcome, now: number): HoldStatus => {
  const { phase, digest, again, attempts = 0, reapplied } = outcome;
  const {
    dormantTime,
    appliedTime,
    pendingTime,
    nextAttemptTime: _,
    failedAttempts: __,
    ...before
  } = hold.status ?? {};
  const { generation } = hold.metadata;
  const time = new Date(now).toISOString();
  const entered = phase !== hold.status?.phase;
  const applied = phase === 'Held' && (entered || reapplied) ? time : appliedTime;
  const dormant = phase !== 'Dormant' ? undefined : entered ? time : dormantTime;
  const pending = isUnapplied(phase) ? (pendingTime ?? pendingSince(hold, time)) : undefined;
  const inputs = conditionsFor(hold, outcome, pending, now);
  return {
    ...before,
    ...(phase === undefined ? {} : { phase }),
    conditions: withConditions(hold.status?.conditions ?? [], inputs, { now, generation }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(digest === undefined ? {} : { currentDigest: digest }),
    ...(applied === undefined ? {} : { appliedTime: applied }),
    ...(dormant === undefined ? {} : { dormantTime: dormant }),
    ...(pending === undefined ? {} : { pendingTime: pending }),
    ...(again === undefined || !isUnapplied(phase) ? {} : { nextAttemptTime: new Date(now + again).toISOString() }),
    ...(attempts === 0 ? {} : { failedAttempts: attempts }),
    ...(reapplied === undefined ? {} : { reapplied }),
  };
};

/** Whether its target should be applied, and is not. */
export const isUnapplied = (phase: HoldStatus['phase']): boolean => phase === 'Pending' || phase === 'Failed';

/**
 * Whether the objects of the target belong to the queue of the Holds: they are not applied, or other ones are asked
 * for. A plan that restored configuration before that queue does would hide that the pods have to be restarted; one
 * that applied what is refused would fail with it.
 */
export const isLeft = ({ metadata, status }: Hold): boolean =>
  status?.phase !== 'Held' || status.observedGeneration !== metadata.generation;

/** A Hold without a status is pending since it was created. */
const pendingSince = ({ metadata, status }: Pick<Hold, 'metadata' | 'status'>, now: string): string =>
  status === undefined ? (metadata.creationTimestamp ?? now) : now;

const conditionsFor = (
  { status: before }: Pick<Hold, 'status'>,
  { phase, reason, message, contested }: Outcome,
  pending: string | undefined,
  now: number,
): ConditionInput[] => {
  const said = { reason, message };
  const isKnown = (type: string): boolean => before?.conditions?.some((condition) => condition.type === type) ?? false;
  const isOverdue = pending !== undefined && now - Date.parse(pending) >= OVERDUE_MS;
  const overdue = isOverdue
    ? { reason: 'RollbackOverdue' as const, message: `the target should be applied since ${pending}: ${message}` }
    : said;
  return [
    { type: 'Ready', status: !isUnapplied(phase), ...said },
    ...(phase === undefined ? [] : [{ type: 'Held', status: phase === 'Held', ...said }]),
    ...(phase === undefined ? [] : [{ type: 'Stalled', status: phase === 'Failed', ...said }]),
    // Only where there is something to say, or to take back.
    ...(contested || (contested !== undefined && isKnown('Contested'))
      ? [{ type: 'Contested', status: contested, ...said }]
      : []),
    ...(isOverdue || isKnown('Overdue') ? [{ type: 'Overdue', status: isOverdue, ...overdue }] : []),
  ];
};

/** What is worth a report: another phase, unless it only comes before another one, and a rollback that was repeated. Pure. */
export const saidOf = ({ spec, status }: Hold, { phase, reason, message, reapplied }: Outcome): Said | undefined => {
  const isNews = phase !== status?.phase || reapplied !== undefined;
  if (phase === undefined || phase === 'Pending' || !isNews) return undefined;
  if (phase === 'Held') return { severity: 'warning', reason: 'ReleaseHeld', message, release: spec.target?.release };
  return { severity: phase === 'Failed' ? 'warning' : 'info', reason, message };
};

export interface StatusPorts extends ReportPorts {
  clock: Clock;
  /** Called with the Hold as it is stored. */
  onWritten: (hold: Hold) => void;
}

/** Stores the status where it is another one and, where the phase is, reports it. */
export const writeStatus = async (hold: Hold, outcome: Outcome, ports: StatusPorts): Promise<void> => {
  const { client, clock } = ports;
  const now = clock.now();
  const after = statusAfter(hold, outcome, now);
  if (isDeepStrictEqual(after, hold.status)) return;
  // A merge patch takes off only what it names.
  const gone = { dormantTime: null, pendingTime: null, nextAttemptTime: null, failedAttempts: null };
  const status: StatusPatch<HoldStatus> = { ...gone, ...after };
  const patch = { type: 'merge', body: { status } } as const;
  ports.onWritten(await client.patch<Hold>(resources.holds, hold.metadata, patch, { subresource: 'status' }));
  const said = saidOf(hold, outcome) ?? overdueSaid(hold, after);
  if (said) await reportHold(hold, said, ports);
};

const overdueSaid = ({ status }: Hold, after: HoldStatus): Said | undefined => {
  const overdue = after.conditions?.find(({ type }) => type === 'Overdue');
  if (overdue?.status !== 'True' || conditionIs(status?.conditions, 'Overdue', 'True')) return undefined;
  return { severity: 'warning', reason: overdue.reason, message: overdue.message };
};

/** Milliseconds until the Hold is overdue; undefined: it is, or has nothing to apply. */
export const overdueIn = ({ conditions, pendingTime }: HoldStatus, now: number): number | undefined =>
  pendingTime === undefined || conditionIs(conditions, 'Overdue', 'True')
    ? undefined
    : Math.max(0, Date.parse(pendingTime) + OVERDUE_MS - now);
