import { parseDuration } from '../api/common.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident, IncidentPhase, IncidentStatus, Verdict } from '../api/incident.ts';
import type { Reason } from '../api/reasons.ts';
import type { Release, ReleaseHistoryStatus } from '../api/release-history.ts';
import type { Guardrails } from '../api/rollback-policy.ts';

/** Everything outside of the incident that a decision depends on. */
export interface Observation {
  history: ReleaseHistoryStatus | undefined;
  policy: Guardrails;
  /** Of the release under suspicion; undefined while it was not asked for. */
  verdict: Verdict | undefined;
  /** Why a person has to agree to the verdict even where the mode is Auto. */
  caution: string | undefined;
  /** What a rollback would go to, or why there is nothing. */
  target: { release: Release & { snapshot: string } } | { release: undefined; reason: Reason; message: string };
  /** The Hold of this incident, when it is there. */
  hold: Hold | undefined;
  /** Another Hold rejects the suspect already. */
  heldByOther: boolean;
  /** metricops.dev/pause on the workload. */
  paused: boolean;
  /** Flux, Argo CD or Helm, when it would undo a rollback. */
  otherTool: string | undefined;
  /** Milliseconds since the epoch of earlier rollbacks of this workload, counted from stored objects. */
  rollbacks: readonly number[];
  /** Whether the workload's pods are those of the target and all ready. */
  restored: boolean;
  /** Whether the budget still burns; undefined when nobody could say. */
  burning: boolean | undefined;
  /** Some alert of this incident has not been resolved. */
  firing: boolean;
  /** When the incident was opened, in milliseconds. */
  opened: number;
}

export interface Step {
  status: IncidentStatus;
  /** Write this incident's Hold now: after the status. */
  writeHold: boolean;
  /** Look again after so many milliseconds; undefined when only a change matters. */
  again: number | undefined;
}

const CLOSED: readonly IncidentPhase[] = ['Recovered', 'NotRecovered', 'Dismissed', 'Escalated', 'Observed'];

export const isClosed = (incident: Pick<Incident, 'status'>): boolean =>
  CLOSED.includes(incident.status?.phase ?? 'Open');

/** It is a person's turn, for as long as that takes. */
export const awaitsApproval = ({ status }: Pick<Incident, 'status'>): boolean =>
  status?.phase === 'Judging' && status.message?.startsWith('AwaitingApproval:') === true;

/** Between two looks at what is watched anyway. */
const REQUEUE_MS = 1_000;
/** Between two looks at Prometheus: a tenth later than need be, and few of what takes long. */
const lookAgain = (age: number): number => Math.min(Math.max(age / 10, 1_000), 15_000);
/** How long evidence is looked for before a person is asked. */
export const JUDGE_FOR_MS = 300_000;
/** A verdict of innocence is believed when it holds for this long, or when the alert ends. */
const NOT_GUILTY_FOR_MS = 60_000;
const HOUR_MS = 3_600_000;
/** That a Date can say: a duration of the schema may go beyond it. */
const LAST_TIME = 8.64e15;

/**
 * One step of an incident. Pure: it says what the status should be and whether the Hold has to be written; doing it
 * twice, or again after a crash, comes to the same end. The intent (phase RollingBack with its target) is in the status
 * before the Hold is written, and the Hold before anything is changed.
 */
export const step = (incident: Incident, observed: Observation, now: number): Step => {
  const phase = incident.status?.phase ?? 'Open';
  if (CLOSED.includes(phase)) return { status: incident.status ?? {}, writeHold: false, again: undefined };
  if (phase === 'RollingBack') return rollingBack(incident, observed, now);
  if (phase === 'Verifying') return verifying(incident, observed, now);
  return judging(incident, observed, now);
};

type Move = {
  phase: IncidentPhase;
  reason: string;
  message: string;
  more?: Partial<IncidentStatus>;
  again?: number;
  writeHold?: boolean;
};

const move = (
  incident: Incident,
  now: number,
  { phase, reason, message, more = {}, again, writeHold = false }: Move,
): Step => {
  const before = incident.status ?? {};
  const time = new Date(now).toISOString();
  const text = `${reason}: ${message}`.slice(0, 1024);
  const timeline = before.timeline ?? [
    { time: incident.spec.evidence[0]?.receivedTime ?? time, phase: 'Open' as const, message: 'evidence stored' },
  ];
  const entered = before.phase !== phase;
  const status: IncidentStatus = {
    ...before,
    ...more,
    phase,
    message: text,
    timeline: entered ? [...timeline, { time, phase, message: text }].slice(-64) : timeline,
    ...(incident.metadata.generation === undefined ? {} : { observedGeneration: incident.metadata.generation }),
    ...(CLOSED.includes(phase) && before.closedTime === undefined ? { closedTime: time } : {}),
  };
  return { status, writeHold, again };
};

const judging = (incident: Incident, observed: Observation, now: number): Step => {
  const { verdict, policy } = observed;
  const more: Partial<IncidentStatus> = { mode: policy.mode, ...(verdict ? { verdict } : {}) };
  const close = (phase: IncidentPhase, reason: Reason, message: string): Step =>
    move(incident, now, { phase, reason, message, more });
  const stop = guardrail(incident, observed);
  if (stop) return close(stop.phase, stop.reason, stop.message);
  const wait = (reason: string, message: string, again: number): Step =>
    move(incident, now, { phase: 'Judging', reason, message, more, again });
  const age = now - observed.opened;
  if (!verdict) return wait('NoData', 'not asked yet', REQUEUE_MS);
  if (verdict.result === 'Inconclusive') {
    if (age < JUDGE_FOR_MS && observed.firing) return wait(verdict.reason, verdict.message, lookAgain(age));
    return close(observed.firing ? 'Escalated' : 'Dismissed', verdict.reason as Reason, verdict.message);
  }
  if (verdict.result === 'NotGuilty') {
    if (age < NOT_GUILTY_FOR_MS && observed.firing) return wait(verdict.reason, verdict.message, lookAgain(age));
    return close('Dismissed', verdict.reason as Reason, verdict.message);
  }
  return guilty(incident, observed, { now, close, wait });
};

/** What settles the matter before any evidence is weighed. */
const guardrail = (
  incident: Incident,
  observed: Observation,
): { phase: IncidentPhase; reason: Reason; message: string } | undefined => {
  const { suspect } = incident.spec;
  const releases = observed.history?.releases ?? [];
  const current = releases.find((r) => r.number === observed.history?.currentRelease);
  if (!suspect || !current)
    return { phase: 'Escalated', reason: 'NoHistory', message: 'no release of this workload is recorded' };
  if (observed.heldByOther)
    return { phase: 'Dismissed', reason: 'AlreadyHeld', message: `release ${suspect.number} is rejected already` };
  if (current.sourceDigest !== suspect.sourceDigest) {
    return {
      phase: 'Dismissed',
      reason: 'Superseded',
      message: `release ${current.number} came before the verdict on ${suspect.number}`,
    };
  }
  if (current.outcome === 'Accepted')
    return { phase: 'Observed', reason: 'ReleaseAccepted', message: `a person accepted release ${suspect.number}` };
  if (current.restoredTime !== undefined) {
    return {
      phase: 'Escalated',
      reason: 'RollbackOfRollback',
      message: `release ${suspect.number} is itself the result of a rollback; nothing is rolled back twice`,
    };
  }
  if (observed.policy.mode === 'Off') return { phase: 'Observed', reason: 'ModeOff', message: 'the policy says Off' };
  if (observed.paused)
    return { phase: 'Escalated', reason: 'Paused', message: 'metricops.dev/pause is set on the workload' };
  return undefined;
};

interface Ways {
  now: number;
  close: (phase: IncidentPhase, reason: Reason, message: string) => Step;
  wait: (reason: string, message: string, again: number) => Step;
}

const guilty = (incident: Incident, observed: Observation, { now, close, wait }: Ways): Step => {
  const { policy, target, verdict } = observed;
  if (!target.release) return close('Escalated', target.reason, target.message);
  const to = target.release;
  const what = `release ${incident.spec.suspect?.number} back to ${to.number}`;
  if (observed.otherTool !== undefined)
    return close('Observed', 'OwnedByOtherTool', `${observed.otherTool} would undo it; would have taken ${what}`);
  if (policy.mode === 'DryRun')
    return close('Observed', 'ModeDryRun', `would have taken ${what}: ${verdict?.message ?? ''}`);
  const lastHour = observed.rollbacks.filter((at) => now - at < HOUR_MS);
  if (lastHour.length >= policy.maxPerHour)
    return close(
      'Escalated',
      'TooManyRollbacks',
      `${lastHour.length} rollbacks in the last hour; policy.maxPerHour is ${policy.maxPerHour}`,
    );
  const free = Math.max(0, ...observed.rollbacks) + parseDuration(policy.cooldown);
  if (observed.rollbacks.length > 0 && now < free)
    return wait(
      'CoolDown',
      `the last rollback was too short a time ago; waiting until ${new Date(Math.min(free, LAST_TIME)).toISOString()}`,
      Math.min(free - now, 30_000),
    );
  const consent = policy.mode === 'Approve' ? 'policy.mode is Approve' : observed.caution;
  if (consent !== undefined && !incident.spec.approved)
    return wait('AwaitingApproval', `${consent}; wants to take ${what}, approve it with spec.approved`, 30_000);
  const chosen = {
    number: to.number,
    sourceDigest: to.sourceDigest,
    snapshot: to.snapshot,
    ...(to.revision === undefined ? {} : { revision: to.revision }),
    ...(to.commit === undefined ? {} : { commit: to.commit }),
  };
  return move(incident, now, {
    phase: 'RollingBack',
    reason: 'ErrorRateIncreased',
    message: `taking ${what}: ${verdict?.message ?? ''}`,
    more: { mode: policy.mode, ...(verdict ? { verdict } : {}), target: chosen },
    writeHold: true,
    again: REQUEUE_MS,
  });
};

const rollingBack = (incident: Incident, observed: Observation, now: number): Step => {
  const { hold } = observed;
  const status = incident.status ?? {};
  if (!hold && observed.heldByOther) {
    const message = 'another Hold keeps the release out already';
    return move(incident, now, { phase: 'Dismissed', reason: 'AlreadyHeld', message });
  }
  if (!hold) return { status, writeHold: true, again: REQUEUE_MS };
  const more = { hold: hold.metadata.name };
  const message = hold.status?.conditions?.find((c) => c.type === 'Held')?.message ?? '';
  if (hold.status?.phase === 'Failed')
    return move(incident, now, { phase: 'Escalated', reason: 'HoldFailed', message, more });
  if (hold.status?.phase === 'Lifted')
    return move(incident, now, {
      phase: 'Dismissed',
      reason: 'Superseded',
      message: 'a release that is not rejected came before the rollback',
      more,
    });
  if (hold.status?.phase !== 'Held') return { status: { ...status, ...more }, writeHold: false, again: REQUEUE_MS };
  const rolledBackTime = hold.status.appliedTime ?? new Date(now).toISOString();
  return move(incident, now, {
    phase: 'Verifying',
    reason: 'RolledBack',
    message,
    more: { ...more, rolledBackTime },
    again: REQUEUE_MS,
  });
};

const verifying = (incident: Incident, observed: Observation, now: number): Step => {
  const since = Date.parse(incident.status?.rolledBackTime ?? '') || now;
  if (observed.restored && observed.burning === false) {
    return move(incident, now, {
      phase: 'Recovered',
      reason: 'Recovered',
      message: 'the pods are back and the budget no longer burns',
    });
  }
  if (now - since < parseDuration(observed.policy.verifyTimeout)) {
    return { status: incident.status ?? {}, writeHold: false, again: lookAgain(now - since) };
  }
  const reason = observed.restored ? 'NotRecovered' : 'RolloutFailed';
  const message = !observed.restored
    ? 'the pods of the restored release are not ready'
    : observed.burning
      ? 'the budget burns on'
      : 'Prometheus could not say whether the burn ended';
  return move(incident, now, { phase: 'NotRecovered', reason, message });
};
