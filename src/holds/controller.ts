import { type Hold, isRollback, type RollbackHold } from '../api/hold.ts';
import { type KubeObject, keyOf, keyString } from '../api/meta.ts';
import { createGuard } from '../guard.ts';
import { createOwnWrites, createWorkQueue, KubeError, type WatchCache } from '../kube/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import { noteRefusal } from './enforce.ts';
import { isInForce } from './finalizer.ts';
import { obeyHold } from './obey.ts';
import { effective, workloadOf } from './rules.ts';
import { isLeft, writeStatus } from './status.ts';
import { readTarget, TargetError } from './target.ts';
import { refusalOfTarget } from './try-out.ts';
import type { EnforcePorts, HoldWithTarget, Matched } from './types.ts';
import { watchEvents } from './watch-events.ts';

export interface HoldControllerPorts
  extends Omit<EnforcePorts, 'isAsked' | 'onSent' | 'onApplied' | 'onWritten' | 'metrics'> {
  log: Log;
  metrics: Metrics;
  holds: WatchCache<Hold>;
  /** Objects of a GitSync were brought back from a snapshot. */
  onRestored: (sync: { namespace: string; name: string }, key: string) => void;
  /** What is planned for this workload (keyString) may be another thing now. */
  onChange: (workload: string) => void;
}

export interface HoldController {
  /** Takes up every Hold that is there, and each that comes. Before it, nothing is written. */
  start(): void;
  /** Obey it now, without waiting for its watch event. */
  request(hold: Hold): void;
  /** Why the target of this Hold would be refused, in words; undefined: it would not. Changes nothing. Rejects with KubeError. */
  refusalOf(hold: Hold): Promise<string | undefined>;
  /** Resolves when the watch has shown it. */
  seen(hold: Hold): Promise<void>;
  /** Those with action Rollback that count in these namespaces, without the digests that a person accepted. */
  inForce(namespaces: ReadonlySet<string>): readonly RollbackHold[];
  /** The same, with the targets of those that are needed. Reads, and writes nothing. */
  holdsIn(namespaces: ReadonlySet<string>, isNeeded: (hold: RollbackHold) => boolean): Promise<HoldWithTarget[]>;
  /** A plan was carried out: what it found out about Holds is obeyed. */
  settle(matched: Matched): void;
  /** An object of the Hold's target was refused: that is the Hold's failure. */
  refused(hold: RollbackHold, message: string): void;
  stop(): Promise<void>;
}

const SEEN_TRIES = 100;
const SEEN_EVERY_MS = 20;

/** Rollbacks have a queue of their own: no fetch, render, dependency or slow sync is ever before them. */
export const createHoldController = (ports: HoldControllerPorts): HoldController => {
  const { clock, holds, log, metrics } = ports;
  const own = createOwnWrites(holds);
  const { newest } = own;
  /** Holds whose rejected release a GitSync rendered last, and what refused an object of their target. */
  const asked = new Set<string>();
  const refusals = new Map<string, string>();

  const enforcePorts: EnforcePorts = {
    ...ports,
    onWritten: own.note,
    isAsked: (hold) => asked.has(idOf(hold)),
    /** What the GitSync knows of this object is of before. */
    onSent(fieldManager, object) {
      const [, namespace, name] = fieldManager.split('/');
      if (namespace === undefined || name === undefined) return;
      ports.onRestored({ namespace, name }, keyString(keyOf(object)));
    },
    onApplied(hold) {
      const took = clock.now() - Date.parse(hold.metadata.creationTimestamp ?? '');
      if (hold.status?.appliedTime === undefined) metrics.holdApplyDuration.observe(Math.max(0, took) / 1000);
    },
  };

  const guard = createGuard({
    log,
    kind: 'hold',
    isForeseen: (error) => ports.signal.aborted || error instanceof KubeError,
    async tell(key, message) {
      const hold = newest(key);
      if (hold && isRollback(hold))
        await writeStatus(hold, { phase: 'Failed', reason: 'InternalError', message }, enforcePorts);
    },
  });
  const work = guard.wrap(async (key: string): Promise<number | undefined> => {
    const hold = newest(key);
    const refusal = refusals.get(key);
    refusals.delete(key);
    if (!hold) return undefined;
    if (refusal !== undefined && isRollback(hold)) return noteRefusal(hold, refusal, enforcePorts);
    return obeyHold(hold, { ...enforcePorts, list: () => holds.list(hold.metadata.namespace) });
  });
  const queue = createWorkQueue({
    concurrency: 8,
    clock,
    random: ports.random,
    maxBackoffMs: 5_000,
    onError: (key, err, retryInMs) => log.error({ err, hold: key, retryInMs }, 'hold failed'),
    worker: work,
  });

  /** Nobody's sync fails with it: what runs stays as it is. */
  const unread =
    (hold: Hold) =>
    (err: unknown): undefined => {
      if (err instanceof TargetError) return; // its own status says why
      if (!(err instanceof KubeError)) throw err;
      log.warn({ err, hold: idOf(hold) }, 'target not read');
    };
  let unwatch = (): void => {};

  const controller: HoldController = {
    start() {
      unwatch = watchEvents({
        ...ports,
        guard,
        enqueue: (hold) => queue.add(idOf(hold)),
        onGone(hold) {
          asked.delete(idOf(hold));
          own.forget(hold);
        },
        onTargetUnneeded: (hold) => ports.snapshots.forget(workloadOf(hold), hold.spec.target.snapshotRef.name),
      });
      // What an earlier leader left undone: the watch has shown it before anybody listened.
      for (const hold of holds.list()) queue.add(idOf(hold));
    },
    request(hold) {
      own.note(hold);
      queue.add(idOf(hold));
    },
    refusalOf: (hold) => refusalOfTarget(hold, enforcePorts),
    async seen(hold) {
      for (let i = 0; i < SEEN_TRIES && !holds.get(hold.metadata); i += 1) {
        ports.signal.throwIfAborted();
        await clock.sleep(SEEN_EVERY_MS);
      }
    },
    inForce(namespaces) {
      const here = holds.list().filter((h) => namespaces.has(h.metadata.namespace ?? '') && isInForce(h));
      return effective(here.filter(isRollback), here);
    },
    holdsIn: (namespaces, isNeeded) =>
      Promise.all(
        controller.inForce(namespaces).map(async (hold) => ({
          hold,
          target: isNeeded(hold) ? await readTarget(hold, ports.snapshots).catch(unread(hold)) : undefined,
          left: isLeft(hold),
        })),
      ),
    settle({ held, passed }) {
      for (const { hold } of held) {
        asked.add(idOf(hold));
        if (hold.status?.phase === 'Dormant') queue.add(idOf(hold));
      }
      for (const { hold, digest } of passed) {
        asked.delete(idOf(hold));
        if (hold.status?.phase !== 'Dormant' || hold.status.currentDigest !== digest) queue.add(idOf(hold));
      }
    },
    refused(hold, message) {
      refusals.set(idOf(hold), `release ${hold.spec.target.release} is not applied: ${message}`);
      queue.add(idOf(hold));
    },
    stop() {
      unwatch();
      return queue.stop();
    },
  };
  return controller;
};

const idOf = ({ metadata }: KubeObject): string => `${metadata.namespace}/${metadata.name}`;
