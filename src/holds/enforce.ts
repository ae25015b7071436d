import { isSwitchedOn } from '../api/annotation-values.ts';
import { annotations } from '../api/annotations.ts';
import type { HoldStatus, RollbackHold } from '../api/hold.ts';
import { describeKey, type KubeObject, keyString } from '../api/meta.ts';
import type { Reason } from '../api/reasons.ts';
import { isConflict, KubeError, workloadResource } from '../kube/index.ts';
import { hasTemplateOf, runningRelease, withPins } from '../snapshot/index.ts';
import { whileFaster } from './at-version.ts';
import { bringBack } from './bring-back.ts';
import { calmIn, withReapplied } from './contest.ts';
import { type Decision, decide } from './decide.ts';
import { type Prepared, prepare } from './prepare.ts';
import { phaseAfter, retryIn } from './retry.ts';
import { workloadOf } from './rules.ts';
import { type Outcome, overdueIn, statusAfter, writeStatus } from './status.ts';
import { deleteStuckPods, OBSERVED_MS } from './stuck-pods.ts';
import { TargetError } from './target.ts';
import type { EnforcePorts } from './types.ts';
import { backWords, contestedWords, templateManagerOf } from './words.ts';

type Concluded = Outcome & Required<Pick<Outcome, 'phase'>>;

/**
 * Brings a Hold's target back from its snapshot: the only place where that is done. It needs no Git, no render and no
 * GitSync, and waits for none of them. Level-triggered: doing it twice is doing it once.
 *
 * Whatever the API server refuses ends as the Hold's status, and is tried again with back-off. Rejects with KubeError
 * only where that can't be said.
 *
 * @returns milliseconds until it is to be looked after again by itself
 */
export const enforceHold = async (hold: RollbackHold, ports: EnforcePorts): Promise<number | undefined> => {
  if (hold.metadata.deletionTimestamp !== undefined) return undefined;
  const outcome = await whileFaster(() => attempt(hold, ports)).catch((error: unknown) => failure(hold, error, ports));
  return conclude(hold, outcome, ports);
};

/** Says that something refused the target, and when it is tried again. */
export const noteRefusal = (hold: RollbackHold, message: string, ports: EnforcePorts): Promise<number | undefined> =>
  conclude(hold, failed(hold, 'HoldFailed', message, ports), ports);

/** What to say of a Hold; `keep`: what is said already. */
type Attempt = Concluded | { keep: HoldStatus; again: number | undefined };

const conclude = async (hold: RollbackHold, outcome: Attempt, ports: EnforcePorts): Promise<number | undefined> => {
  const now = ports.clock.now();
  if ('keep' in outcome) return soonest(outcome.again, overdueIn(outcome.keep, now));
  ports.metrics.holdsApplied.inc({ result: outcome.contested ? 'contested' : outcome.phase.toLowerCase() });
  await writeStatus(hold, outcome, ports);
  const after = statusAfter(hold, outcome, now);
  return soonest(outcome.again ?? calmIn(after, now), overdueIn(after, now));
};

/** Of what is due at once, the enforcement just said all that it could: asked again it would say the same, without end. */
const soonest = (...delays: (number | undefined)[]): number | undefined => {
  const known = delays.filter((ms): ms is number => ms !== undefined && ms > 0);
  return known.length === 0 ? undefined : Math.min(...known);
};

const attempt = (hold: RollbackHold, ports: EnforcePorts): Promise<Attempt> => {
  const workload = workloadOf(hold);
  return ports.lock(keyString({ group: 'apps', ...workload }), async () => {
    ports.signal.throwIfAborted();
    const [live, target] = await Promise.all([
      ports.client.get(workloadResource(workload.kind), workload),
      prepare(hold, ports),
    ]);
    const running = live && runningRelease(live).digest;
    const decision = decide(hold, {
      running,
      isTarget: live !== undefined && isTarget(hold, live, target),
      isAsked: ports.isAsked(hold),
      isPaused: isSwitchedOn(live?.metadata, annotations.pause),
      now: ports.clock.now(),
    });
    return carryOut(hold, decision, live, target, ports).catch((error: unknown) => {
      if (isConflict(error)) throw error;
      return failure(hold, error, ports, live);
    });
  });
};

/** The target, or what the Hold's pins make of its template. */
const isTarget = ({ spec }: RollbackHold, live: KubeObject, target: Prepared | TargetError): boolean => {
  if (runningRelease(live).digest === spec.target.sourceDigest) return true;
  if (target instanceof TargetError || spec.target.images === undefined) return false;
  return hasTemplateOf(live, withPins(target.snapshot.workload, spec.target.images));
};

const carryOut = async (
  hold: RollbackHold,
  decision: Decision,
  live: KubeObject | undefined,
  target: Prepared | TargetError,
  ports: EnforcePorts,
): Promise<Attempt> => {
  const { status = {} } = hold;
  const now = ports.clock.now();
  const what = describeKey(workloadOf(hold));
  const digest = live ? { digest: runningRelease(live).digest } : {};
  if (!live || decision.do === 'Miss')
    return { phase: 'Failed', reason: 'WorkloadMissing', message: `${what} does not exist` };
  switch (decision.do) {
    case 'Keep':
      return keep(hold, live, target, ports);
    case 'Wait':
      return overdueIn(status, now) === 0 ? said(hold, decision.ms) : { keep: status, again: decision.ms };
    case 'Rest':
      return {
        phase: 'Dormant',
        reason: 'Dormant',
        message: `${what} runs a release that is not rejected`,
        contested: false,
        ...digest,
      };
    case 'Pause': {
      const message = `${what} has ${annotations.pause}: it goes back to release ${hold.spec.target.release} when the annotation goes`;
      return { phase: 'Pending', reason: 'Paused', message, ...digest };
    }
    case 'HoldOff': {
      const { ms: again, contested } = decision;
      const words = contested ? contestedWords(hold, live, now) : backWords(hold, live, again);
      return contested
        ? { phase: 'Failed', reason: 'Contested', message: words, again, contested, ...digest }
        : { phase: 'Pending', reason: 'RejectedReleaseApplied', message: words, again, ...digest };
    }
    case 'Apply': {
      if (target instanceof TargetError) return failed(hold, target.reason, target.message, ports, live);
      const done = await bringBack(hold, live, target, ports);
      if ('reason' in done) return failed(hold, done.reason, done.message, ports, live);
      const back = `${what} is back at release ${hold.spec.target.release}`;
      return {
        phase: 'Held',
        reason: 'RolledBack',
        message: [back, ...done.notes, ...(decision.again ? [backWords(hold, live, 0)] : [])].join('; '),
        digest: done.digest,
        // Its pods may be stuck in what was rejected, which shows when its controller has seen this.
        ...(live.kind === 'StatefulSet' ? { again: OBSERVED_MS } : {}),
        ...(decision.again ? { reapplied: withReapplied(status, templateManagerOf(live), now) } : {}),
      };
    }
  }
};

/** As it should be: but its pods may be stuck, or somebody may go on applying what is rejected. */
const keep = async (
  hold: RollbackHold,
  live: KubeObject,
  target: Prepared | TargetError,
  ports: EnforcePorts,
): Promise<Attempt> => {
  const { status = {} } = hold;
  const mayBeStuck = live.kind === 'StatefulSet' && isTarget(hold, live, target);
  const { refused, again } = mayBeStuck ? await deleteStuckPods(live, ports) : {};
  const running = `${describeKey(workloadOf(hold))} runs release ${hold.spec.target.release}`;
  if (refused !== undefined)
    return { phase: 'Held', reason: 'RolledBack', message: `${running}, but is stuck: ${refused}`, again };
  const calm = calmIn(status, ports.clock.now());
  if (calm !== 0) return { keep: status, again: soonest(again, calm) };
  const message = `${running}, and nobody applied the rejected one for ten minutes`;
  return { phase: 'Held', reason: 'RolledBack', message, contested: false };
};

/** The same again, for it became overdue meanwhile. */
const said = ({ status = {} }: RollbackHold, again: number): Attempt => {
  const { phase, failedAttempts: attempts = 0 } = status;
  const held = status.conditions?.find(({ type }) => type === 'Held');
  if (phase === undefined || !held) return { keep: status, again };
  return { phase, reason: held.reason as Reason, message: held.message, again, attempts };
};

const failed = (
  hold: RollbackHold,
  reason: Outcome['reason'],
  message: string,
  { random }: Pick<EnforcePorts, 'random'>,
  live?: KubeObject,
): Concluded => {
  const attempts = attemptsOf(hold) + 1;
  const again = retryIn(attempts, random);
  return {
    phase: 'Failed',
    reason,
    message,
    again,
    attempts,
    ...(live ? { digest: runningRelease(live).digest } : {}),
  };
};

/** What the API server refused, or did not manage, in its own words. */
const failure = (hold: RollbackHold, error: unknown, ports: EnforcePorts, live?: KubeObject): Concluded => {
  if (!(error instanceof KubeError)) throw error;
  ports.signal.throwIfAborted();
  const message = `release ${hold.spec.target.release} is not applied: ${error.message}`;
  const outcome = failed(hold, 'HoldFailed', message, ports, live);
  return { ...outcome, phase: phaseAfter(error, outcome.attempts ?? 1) };
};

/** Of this generation: a Hold that was changed begins anew. */
const attemptsOf = ({ metadata, status }: RollbackHold): number =>
  status?.observedGeneration === metadata.generation ? (status?.failedAttempts ?? 0) : 0;
