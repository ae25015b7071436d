import { randomUUID } from 'node:crypto';
import { annotations } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Occurred, Occurrence } from '../api/occurrence.ts';
import type { Clock } from '../clock.ts';
import { isNotFound, isTerminating } from './errors.ts';
import { createFairLine } from './fair-line.ts';
import { resources } from './resources.ts';
import type { KubeClient } from './types.ts';

/** The same event about the same object is counted, and the count is sent at most this often. */
const QUIET_MS = 60_000;
/** After this long without it, the same event is a new one. */
const SERIES_MS = 6 * 60_000;
const REMEMBERED = 1000;
/** For one object: so many at once, then one in so long. This bounds an object whose state changes every second. */
const BURST = 25;
const REFILL_MS = 60_000;
/** For all objects together: the work that an Event reports is more urgent than the Event. */
const PER_SECOND = 20;
const AT_ONCE = 50;
const MAX_WAITING = 5_000;

interface Series {
  name: string;
  count: number;
  lastSeen: number;
  sentAt: number;
}

/** Kubernetes Events (events.k8s.io/v1) of what occurred, counted in series, at a bounded rate. */
export const createEventSink = (
  client: KubeClient,
  options: { instance: string; clock: Clock; onError?: (error: unknown) => void },
): Occurred => {
  const known = new Map<string, Series>();
  const budgets = new Map<string, { left: number; at: number }>();
  /** Events about objects of a namespace that is being deleted may be lost. */
  const report = (error: unknown): void => {
    if (!isTerminating(error)) options.onError?.(error);
  };
  const waiting = createFairLine<() => Promise<unknown>>(MAX_WAITING);
  let credit = AT_ONCE;
  let countedAt = options.clock.now();
  let draining = false;

  const hasCredit = (): boolean => {
    const now = options.clock.now();
    credit = Math.min(AT_ONCE, credit + ((now - countedAt) / 1000) * PER_SECOND);
    countedAt = now;
    return credit >= 1;
  };
  /** Sent at a pace, namespace by namespace: the Events of a noisy one delay its own only. */
  const send = (namespace: string, work: () => Promise<unknown>): void => {
    if (waiting.size === 0 && hasCredit()) {
      credit -= 1;
      work().catch(report);
      return;
    }
    waiting.add(namespace, work);
    if (!draining) void drain();
  };
  const drain = async (): Promise<void> => {
    draining = true;
    while (waiting.size > 0) {
      await options.clock.sleep(1000 / PER_SECOND);
      if (!hasCredit()) continue;
      credit -= 1;
      await waiting.take()?.().catch(report);
    }
    draining = false;
  };

  const mayCreate = (object: string, now: number): boolean => {
    const { left, at } = budgets.get(object) ?? { left: BURST, at: now };
    const filled = Math.min(BURST, left + (now - at) / REFILL_MS);
    remember(budgets, object, { left: filled < 1 ? filled : filled - 1, at: now });
    return filled >= 1;
  };
  const create = (event: Occurrence, name: string, now: number): Promise<unknown> =>
    client.create(resources.events, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace: namespaceOf(event.regarding), name, annotations: fieldsOf(event) },
      eventTime: microTime(now),
      reportingController: 'metricops.dev/controller',
      reportingInstance: options.instance,
      regarding: referenceTo(event.regarding),
      ...(event.related ? { related: referenceTo(event.related) } : {}),
      type: typeOf(event),
      reason: event.reason,
      action: event.action,
      note: cut(event.message),
    });
  const repeat = async (event: Occurrence, series: Series): Promise<void> => {
    const { name, count, lastSeen } = series;
    const body = { series: { count, lastObservedTime: microTime(lastSeen) } };
    try {
      await client.patch(resources.events, { namespace: namespaceOf(event.regarding), name }, { type: 'merge', body });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await create(event, name, lastSeen); // the API server forgets events after an hour
    }
  };

  return (event) => {
    const now = options.clock.now();
    const { metadata, kind } = event.regarding;
    const object = `${kind} ${metadata.namespace ?? ''}/${metadata.name} ${metadata.uid}`;
    const key = `${object} ${event.severity} ${event.reason} ${event.action} ${event.message}`;
    const series = known.get(key);
    if (!series || now - series.lastSeen > SERIES_MS) {
      if (!mayCreate(object, now)) return;
      const fresh = { name: nameFor(event.regarding), count: 1, lastSeen: now, sentAt: now };
      remember(known, key, fresh);
      send(namespaceOf(event.regarding), () => create(event, fresh.name, now));
      return;
    }
    series.count += 1;
    series.lastSeen = now;
    remember(known, key, series);
    if (now - series.sentAt < QUIET_MS) return;
    series.sentAt = now;
    send(namespaceOf(event.regarding), () => repeat(event, series));
  };
};

const typeOf = ({ severity }: Occurrence): string => (severity === 'warning' ? 'Warning' : 'Normal');

/** What an Event has no field for, as annotations. */
const fieldsOf = ({ revision, release, incident }: Occurrence): Record<string, string> => ({
  ...(revision === undefined ? {} : { [annotations.revision]: revision }),
  ...(release === undefined ? {} : { [annotations.release]: String(release) }),
  ...(incident === undefined ? {} : { [annotations.incident]: incident }),
});

/** Puts it at the end of a map whose oldest entries are forgotten. */
const remember = <V>(map: Map<string, V>, key: string, value: V): void => {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > REMEMBERED && oldest !== undefined) map.delete(oldest);
};

const namespaceOf = (regarding: KubeObject): string => regarding.metadata.namespace ?? 'default';
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

/** The name of an Event is a DNS subdomain; that of what it is about (a ClusterRole, say) need not be one. */
const nameFor = ({ metadata }: KubeObject): string => {
  const base = metadata.name
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .slice(0, 200)
    .replace(/[.-]{2,}/g, '-')
    .replace(/^[.-]+|[.-]+$/g, '');
  return `${base || 'object'}.${randomUUID().slice(0, 13)}`;
};

/** The API server takes 1024 bytes. */
const cut = (note: string): string => {
  const bytes = Buffer.from(note);
  return bytes.length <= 1024
    ? note
    : `${bytes
        .subarray(0, 1017)
        .toString()
        .replace(/\uFFFD+$/, '')}…`;
};

const referenceTo = ({ apiVersion, kind, metadata }: KubeObject): Record<string, string | undefined> => ({
  apiVersion,
  kind,
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
});
