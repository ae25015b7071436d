import { type Hold, isRollback, type RollbackHold } from '../api/hold.ts';
import { keyOf, keyString } from '../api/meta.ts';
import { createWorkQueue, KubeError, type WatchCache } from '../kube/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import { enforceHold } from './enforce.ts';
import { isInForce } from './finalizer.ts';
import { obeyHold } from './obey.ts';
import { effective, workloadOf } from './rules.ts';
import { settleHolds } from './settle.ts';
import { createTargets } from './target.ts';
import type { EnforcePorts, HoldWithTarget, Matched } from './types.ts';

export interface HoldControllerPorts extends Omit<EnforcePorts, 'onApplied' | 'metrics'> {
  random: () => number;
  log: Log;
  metrics: Metrics;
  holds: WatchCache<Hold>;
  /** Objects of a GitSync were brought back from a snapshot. */
  onRestored: (sync: { namespace: string; name: string }, keys: readonly string[]) => void;
  /** A Hold of this workload (keyString) came, changed or went. */
  onChange: (workload: string) => void;
}

export interface HoldController {
  /** Obey it now, without waiting for its watch event. */
  request(hold: Hold): void;
  /** Resolves when the watch has shown it. */
  seen(hold: Hold): Promise<void>;
  /** Those with action Rollback that count in these namespaces, without the digests that a person accepted. */
  inForce(namespaces: ReadonlySet<string>): readonly RollbackHold[];
  /**
   * The same, obeyed, with the targets of those that are needed. One that can't be obeyed says so itself, and stops
   * nobody else's objects.
   */
  holdsIn(namespaces: ReadonlySet<string>, isNeeded: (hold: RollbackHold) => boolean): Promise<HoldWithTarget[]>;
  /** Holds say whether they are in force after this plan. */
  settle(matched: Matched): Promise<void>;
  stop(): Promise<void>;
}

const SEEN_TRIES = 100;
const SEEN_EVERY_MS = 20;

/** Rollbacks have a queue of their own: no fetch, render, dependency or slow sync is ever before them. */
export const createHoldController = (ports: HoldControllerPorts): HoldController => {
  const { clock, holds, log, metrics } = ports;
  /** Newer than the watch. */
  const fresh = new Map<string, Hold>();
  const targets = createTargets(ports.snapshots);
  const keyFor = ({ metadata }: Hold): string => `${metadata.namespace}/${metadata.name}`;

  const enforcePorts: EnforcePorts = {
    ...ports,
    onApplied(hold, fieldManager, objects) {
      const took = clock.now() - Date.parse(hold.metadata.creationTimestamp ?? '');
      metrics.holdApplyDuration.observe(Math.max(0, took) / 1000);
      const [, namespace, name] = fieldManager.split('/');
      if (namespace !== undefined && name !== undefined) {
        ports.onRestored(
          { namespace, name },
          objects.map((object) => keyString(keyOf(object))),
        );
      }
    },
  };
  const queue = createWorkQueue({
    concurrency: 8,
    clock,
    random: ports.random,
    maxBackoffMs: 5_000,
    onError: (key, err, retryInMs) => log.error({ err, hold: key, retryInMs }, 'hold failed'),
    async worker(key) {
      const [namespace = '', name = ''] = key.split('/');
      const hold = fresh.get(key) ?? holds.get({ namespace, name });
      fresh.delete(key);
      if (hold) await obeyHold(hold, { ...enforcePorts, list: () => holds.list(namespace) });
      return undefined;
    },
  });
  const unsubscribe = holds.onChange((hold, previous) => {
    const changed = hold ?? previous;
    if (hold) queue.add(keyFor(hold));
    if (changed && isRollback(changed) && (!hold || hold.status?.phase === 'Dormant')) targets.forget(changed);
    if (!changed || hold?.metadata.generation === previous?.metadata.generation) return;
    ports.onChange(keyString({ group: 'apps', ...workloadOf(changed) }));
  });

  // What an earlier leader left undone: the watch has shown it before anybody listened.
  for (const hold of holds.list()) queue.add(keyFor(hold));

  const unlessSaid =
    (hold: Hold) =>
    (err: unknown): void => {
      if (!(err instanceof KubeError)) throw err;
      log.warn({ err, hold: keyFor(hold) }, 'hold not obeyed yet');
    };

  const controller: HoldController = {
    request(hold) {
      fresh.set(keyFor(hold), hold);
      queue.add(keyFor(hold));
    },
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
    async holdsIn(namespaces, isNeeded) {
      const relevant = controller.inForce(namespaces);
      // Rollbacks go first: a plan that restored configuration before them would hide the need of a restart.
      await Promise.all(relevant.map((hold) => enforceHold(hold, enforcePorts).catch(unlessSaid(hold))));
      return Promise.all(
        relevant.map(async (hold) => ({ hold, target: isNeeded(hold) ? await targets.of(hold) : undefined })),
      );
    },
    settle: (matched) => settleHolds(matched, ports),
    stop() {
      unsubscribe();
      return queue.stop();
    },
  };
  return controller;
};
