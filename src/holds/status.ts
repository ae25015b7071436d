import { withConditions } from '../api/conditions.ts';
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
}

/** The status after an outcome. Pure. Times and transitions move only where the phase does. */
export const statusAfter = (hold: Pick<Hold, 'metadata' | 'status'>, outcome: Outcome, now: number): HoldStatus => {
  const { phase, reason, message, digest } = outcome;
  const { dormantTime, appliedTime, ...before } = hold.status ?? {};
  const { generation } = hold.metadata;
  const time = new Date(now).toISOString();
  const said = { reason, message };
  const conditions = [
    { type: 'Ready', status: phase !== 'Pending' && phase !== 'Failed', ...said },
    ...(phase === undefined ? [] : [{ type: 'Held', status: phase === 'Held', ...said }]),
    ...(phase === undefined ? [] : [{ type: 'Stalled', status: phase === 'Failed', ...said }]),
  ];
  const entered = phase !== hold.status?.phase;
  const applied = phase === 'Held' && entered ? time : appliedTime;
  const dormant = phase !== 'Dormant' ? undefined : entered ? time : dormantTime;
  return {
    ...before,
    ...(phase === undefined ? {} : { phase }),
    conditions: withConditions(hold.status?.conditions ?? [], conditions, { now, generation }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(digest === undefined ? {} : { currentDigest: digest }),
    ...(applied === undefined ? {} : { appliedTime: applied }),
    ...(dormant === undefined ? {} : { dormantTime: dormant }),
  };
};

/** What is worth a report: another phase, unless it only comes before another one. Pure. */
export const saidOf = ({ spec, status }: Hold, { phase, reason, message }: Outcome): Said | undefined => {
  if (phase === undefined || phase === 'Pending' || phase === status?.phase) return undefined;
  if (phase === 'Held') return { severity: 'warning', reason: 'ReleaseHeld', message, release: spec.target?.release };
  return { severity: phase === 'Failed' ? 'warning' : 'info', reason, message };
};

export interface StatusPorts extends ReportPorts {
  clock: Clock;
}

/** Stores the status and, where the phase is another one now, reports it. */
export const writeStatus = async (hold: Hold, outcome: Outcome, ports: StatusPorts): Promise<void> => {
  const { client, clock } = ports;
  const after = statusAfter(hold, outcome, clock.now());
  // A merge patch takes off only what it names.
  const status: StatusPatch<HoldStatus> = { dormantTime: null, ...after };
  await client.patch(resources.holds, hold.metadata, { type: 'merge', body: { status } }, { subresource: 'status' });
  const said = saidOf(hold, outcome);
  if (said) await reportHold(hold, said, ports);
};
