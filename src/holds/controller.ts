import type { Hold } from '../api/hold.ts';
import { keyOf, keyString } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import { createWorkQueue, type Discovery, type KubeClient, KubeError, type WatchCache } from '../kube/index.ts';
import type { SnapshotStore } from '../snapshot/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import { enforceHold, type HoldPorts } from './enforce.ts';
import { writeHoldStatus } from './status.ts';
import { createTargets } from './target.ts';
import type { HoldsOfPlan, HoldWithTarget } from './types.ts';

export interface HoldControllerPorts {
  client: KubeClient;
  discovery: Discovery;
  snapshots: SnapshotStore;
  clock: Clock;
  random: () => number;
  log: Log;
  metrics: Metrics;
  lock: <T>(key: string, work: () => Promise<T>) => Promise<T>;
  /** Aborted when this process may no longer write. */
  signal: AbortSignal;
  holds: WatchCache<Hold>;
  /** With whose rights the objects of this field manager are written. */
  writerOf: (fieldManager: string) => KubeClient;
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
  /** Those that count in these namespaces. */
  inForce(namespaces: ReadonlySet<string>): Hold[];
  /**
   * The same, obeyed, with the targets of those that are needed. One that can't be obeyed says so itself, and stops
   * nobody else's objects.
   */
  holdsIn(namespaces: ReadonlySet<string>, isNeeded: (hold: Hold) => boolean): Promise<HoldWithTarget[]>;
  /** Holds say whether they are in force after this plan. */
  settle(made: HoldsOfPlan): Promise<void>;
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

  const holdPorts: HoldPorts = {
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
      if (hold && hold.metadata.deletionTimestamp === undefined) await enforceHold(hold, holdPorts);
      return undefined;
    },
  });
  const unsubscribe = holds.onChange((hold, previous) => {
    const changed = hold ?? previous;
    if (hold) queue.add(keyFor(hold));
    if (changed && (!hold || hold.status?.phase === 'Lifted')) targets.forget(changed);
    if (!changed || hold?.metadata.generation === previous?.metadata.generation) return;
    ports.onChange(
      keyString({ group: 'apps', ...changed.spec.workloadRef, namespace: changed.metadata.namespace ?? '' }),
    );
  });

  const toldAlready =
    (hold: Hold) =>
    (err: unknown): void => {
      if (!(err instanceof KubeError)) throw err;
      log.warn({ err, hold: keyFor(hold) }, 'hold not obeyed yet');
    };

  const lane: HoldController = {
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
    inForce: (namespaces) =>
      holds
        .list()
        .filter(({ metadata }) => namespaces.has(metadata.namespace ?? '') && metadata.deletionTimestamp === undefined),
    async holdsIn(namespaces, isNeeded) {
      const relevant = lane.inForce(namespaces);
      // The lane goes first: a plan that restored configuration before it would hide the need of a restart.
      await Promise.all(relevant.map((hold) => enforceHold(hold, holdPorts).catch(toldAlready(hold))));
      return Promise.all(
        relevant.map(async (hold) => ({ hold, target: isNeeded(hold) ? await targets.of(hold) : undefined })),
      );
    },
    async settle(made) {
      for (const { hold, digest } of made.passed) {
        if (hold.status?.phase === 'Lifted' && hold.status.currentDigest === digest) continue;
        const message = 'a release that is not rejected was applied';
        await writeHoldStatus(hold, { phase: 'Lifted', reason: 'Dormant', message, digest }, ports);
      }
      for (const { hold } of made.held.filter((h) => h.hold.status?.phase === 'Lifted')) {
        const { release, sourceDigest: digest } = hold.spec.target;
        const message = `a rejected release came back; release ${release} is applied instead`;
        await writeHoldStatus(hold, { phase: 'Held', reason: 'RolledBack', message, digest }, ports);
      }
    },
    stop() {
      unsubscribe();
      return queue.stop();
    },
  };
  return lane;
};
