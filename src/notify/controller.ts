import { conditionIs } from '../api/conditions.ts';
import type { Notification } from '../api/notification.ts';
import type { Occurred } from '../api/occurrence.ts';
import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import type { Clock } from '../clock.ts';
import { createOwnWrites, createWorkQueue, type KubeClient, type WatchCache } from '../kube/index.ts';
import type { Log, Metrics } from '../telemetry/index.ts';
import { deliver } from './deliver.ts';
import type { Notice } from './notice.ts';
import { type NoticeCaches, noticesSince } from './notices.ts';
import { dueOf, settledUntil } from './outbox.ts';

export interface NotificationPorts {
  client: KubeClient;
  caches: NoticeCaches & { notifications: WatchCache<Notification> };
  policy: () => PlatformPolicySpec;
  systemNamespace: string;
  clusterName: string | undefined;
  clock: Clock;
  random: () => number;
  log: Log;
  metrics: Pick<Metrics, 'notifications'>;
  occurred: Occurred;
}

/** What belongs together is written within a second. */
const SETTLE_MS = 1_000;
const RETRY = { firstMs: 5_000, mostMs: 10 * 60_000 };
/** Sinks that are sent to at a time, and those of one namespace: one that hangs delays its namespace only. */
const SENDS = { concurrency: 16, perGroup: 2 };

/** Sends what Notifications ask for. Nothing that rolls back waits for it. To be run by the leader only. */
export const startNotifications = (ports: NotificationPorts) => {
  const { caches, clock, log, random, systemNamespace } = ports;
  const own = createOwnWrites(caches.notifications);
  /** Sinks that did not take an event: how often in a row, and until when they are left alone. */
  const failing = new Map<string, { times: number; until: number; generation: number | undefined }>();
  const deliverPorts = { ...ports, now: () => clock.now(), onWritten: own.note };

  const dueNow = (notification: Notification): Notice[] => {
    const { namespace } = notification.metadata;
    const kinds = new Set(notification.spec.events.map(({ kind }) => kind));
    const scope = { kinds, namespace: namespace === systemNamespace ? undefined : namespace };
    return dueOf(notification, noticesSince(settledUntil(notification), scope, caches));
  };

  const work = async (key: string): Promise<number | undefined> => {
    const notification = own.newest(key);
    if (!notification || isIdle(notification)) return undefined;
    const { generation } = notification.metadata;
    const known = failing.get(key);
    const before = known?.generation === generation ? known : undefined; // a new spec is a new try
    if (before && clock.now() < before.until) return before.until - clock.now();
    const due = dueNow(notification);
    if (due.length === 0 && !before && isReported(notification)) return undefined;
    const failure = await deliver(notification, due, deliverPorts);
    if (!failure) {
      failing.delete(key);
      return due.length === 0 ? undefined : 0; // there may be more than were sent in one turn
    }
    const times = (before?.times ?? 0) + 1;
    const inMs = failure.retryInMs ?? backoff(times, random);
    failing.set(key, { times, until: clock.now() + inMs, generation });
    log.warn({ err: failure, notification: key, retryInMs: inMs }, 'notification not delivered');
    return inMs;
  };

  const queue = createWorkQueue({
    ...SENDS,
    clock,
    random,
    onError: (notification, err, retryInMs) => log.error({ err, notification, retryInMs }, 'notification failed'),
    worker: work,
  });
  const onEvent = (namespace: string | undefined): void => {
    for (const notification of caches.notifications.list()) {
      const { namespace: home } = notification.metadata;
      if (home === namespace || home === systemNamespace) queue.add(keyOf(notification), SETTLE_MS);
    }
  };
  const sources: Pick<WatchCache, 'onChange'>[] = [caches.incidents, caches.holds, caches.syncs];
  const stops = [
    ...sources.map((cache) => cache.onChange((object, previous) => onEvent((object ?? previous)?.metadata.namespace))),
    caches.notifications.onChange((notification, previous) => {
      if (notification) {
        if (notification.metadata.generation !== previous?.metadata.generation) queue.add(keyOf(notification));
      } else if (previous) {
        failing.delete(keyOf(previous));
        own.forget(previous);
      }
    }),
  ];
  for (const notification of caches.notifications.list()) queue.add(keyOf(notification));
  return {
    async stop(): Promise<void> {
      for (const stop of stops) stop();
      await queue.stop();
    },
  };
};

const isIdle = ({ metadata, spec }: Notification): boolean => spec.suspend || metadata.deletionTimestamp !== undefined;

/** Its conditions are about this very spec. */
const isReported = ({ metadata, status }: Notification): boolean =>
  status?.observedGeneration === metadata.generation && conditionIs(status?.conditions, 'Ready', 'True');

const backoff = (times: number, random: () => number): number =>
  Math.min(RETRY.firstMs * 2 ** Math.min(times - 1, 16), RETRY.mostMs) * (0.75 + random() / 2);

const keyOf = ({ metadata }: Notification): string => `${metadata.namespace}/${metadata.name}`;
