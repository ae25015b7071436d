import { randomUUID } from 'node:crypto';
import type { KubeObject } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import { resources } from './resources.ts';
import type { KubeClient } from './types.ts';

export interface EventInput {
  type: 'Normal' | 'Warning';
  /** CamelCase, from the catalogue. */
  reason: string;
  /** What was done: Sync, Rollback, Inject. */
  action: string;
  /** For people; cut at 1 KiB. Never the value of a Secret. */
  note: string;
  related?: KubeObject;
}

export interface EventRecorder {
  /** Never throws and is not waited for: an event that is lost must not cost what it tells of. */
  record(regarding: KubeObject, event: EventInput): void;
}

/** The same event about the same object is not sent again within this time. */
const QUIET_MS = 60_000;
const REMEMBERED = 1000;

export const createEventRecorder = (
  client: KubeClient,
  options: { instance: string; clock: Clock; onError?: (error: unknown) => void },
): EventRecorder => {
  const sent = new Map<string, number>();
  const isRepeat = (key: string, now: number): boolean => {
    const last = sent.get(key);
    if (last !== undefined && now - last < QUIET_MS) return true;
    sent.delete(key);
    sent.set(key, now);
    const [oldest] = sent.keys();
    if (sent.size > REMEMBERED && oldest !== undefined) sent.delete(oldest);
    return false;
  };
  return {
    record(regarding, event) {
      const now = options.clock.now();
      if (isRepeat(`${regarding.metadata.uid} ${event.reason} ${event.note}`, now)) return;
      const namespace = regarding.metadata.namespace ?? 'default';
      const object: KubeObject = {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { namespace, name: `${regarding.metadata.name.slice(0, 200)}.${randomUUID().slice(0, 13)}` },
        eventTime: new Date(now).toISOString().replace('Z', '000Z'),
        reportingController: 'metricops.dev/controller',
        reportingInstance: options.instance,
        regarding: referenceTo(regarding),
        ...(event.related ? { related: referenceTo(event.related) } : {}),
        type: event.type,
        reason: event.reason,
        action: event.action,
        note: event.note.slice(0, 1024),
      };
      client.create(resources.events, object).catch((error) => options.onError?.(error));
    },
  };
};

const referenceTo = ({ apiVersion, kind, metadata }: KubeObject): Record<string, string | undefined> => ({
  apiVersion,
  kind,
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
});
