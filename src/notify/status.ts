import { isDeepStrictEqual } from 'node:util';
import { type ConditionInput, withConditions } from '../api/conditions.ts';
import type { Notification, NotificationStatus } from '../api/notification.ts';
import { type KubeClient, resources } from '../kube/index.ts';
import type { SinkError } from './sink-error.ts';

/** The status after nothing waits any more, or after an event was not taken. Pure. */
export const statusAfter = (
  { metadata, status = {} }: Notification,
  { failure, waiting, more = {} }: { failure?: SinkError; waiting: number; more?: Partial<NotificationStatus> },
  now: number,
): NotificationStatus => {
  const { generation } = metadata;
  const inputs = failure ? failing(failure, waiting) : working(waiting);
  return {
    ...status,
    ...more,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: withConditions(status.conditions ?? [], inputs, { now, generation }),
  };
};

const working = (waiting: number): ConditionInput[] => [
  { type: 'Ready', status: true, reason: 'Delivered', message: 'nothing is known to be wrong with the sink' },
  waiting === 0
    ? { type: 'Delivered', status: true, reason: 'Delivered', message: 'no event waits' }
    : { type: 'Delivered', status: false, reason: 'Progressing', message: `${eventsOf(waiting)} to be sent` },
];

const failing = ({ reason, message }: SinkError, waiting: number): ConditionInput[] => [
  { type: 'Ready', status: false, reason, message },
  waiting === 0
    ? { type: 'Delivered', status: true, reason: 'Delivered', message: 'no event waits' }
    : { type: 'Delivered', status: false, reason, message: `${eventsOf(waiting)} waiting: ${message}` },
];

const eventsOf = (count: number): string => (count === 1 ? '1 event' : `${count} events`);

/** Stores it where it is another one. Rejects with KubeError. */
export const writeStatus = async (
  notification: Notification,
  status: NotificationStatus,
  client: KubeClient,
): Promise<Notification> => {
  if (isDeepStrictEqual(status, notification.status ?? {})) return notification;
  const patch = { type: 'merge', body: { status } } as const;
  return client.patch<Notification>(resources.notifications, notification.metadata, patch, { subresource: 'status' });
};
