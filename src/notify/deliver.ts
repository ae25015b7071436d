import { conditionIs } from '../api/conditions.ts';
import type { Notification } from '../api/notification.ts';
import type { Occurred } from '../api/occurrence.ts';
import type { KubeClient } from '../kube/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { Notice } from './notice.ts';
import { withDone } from './outbox.ts';
import { openSink, type Sink, type SinkPorts, sinkName } from './sink.ts';
import { SinkError } from './sink-error.ts';
import { statusAfter, writeStatus } from './status.ts';

export interface DeliverPorts extends SinkPorts {
  client: KubeClient;
  metrics: Pick<Metrics, 'notifications'>;
  occurred: Occurred;
  /** Called with the Notification as it is stored. */
  onWritten: (notification: Notification) => void;
}

/** What nobody took for so long, nobody needs any more. */
const MAX_AGE_MS = 24 * 3_600_000;
/** In one turn: others of the namespace have theirs in between. */
const AT_ONCE = 20;

/**
 * Sends what is due, one after the other. Each is noted once the sink has it: what a crash comes between is sent once more,
 * under the same id. Rejects with KubeError where that can't be noted.
 *
 * @returns why an event was not taken; undefined: all were
 */
export const deliver = async (
  given: Notification,
  due: readonly Notice[],
  ports: DeliverPorts,
): Promise<SinkError | undefined> => {
  let notification = given;
  const write = async (how: Parameters<typeof statusAfter>[1]): Promise<void> => {
    notification = await writeStatus(notification, statusAfter(notification, how, ports.now()), ports.client);
    ports.onWritten(notification);
  };
  let sink: Sink | undefined;
  let sent = 0;
  try {
    sink = await openSink(notification, ports);
    for (const notice of due.slice(0, AT_ONCE)) {
      const left = due.slice(sent + 1);
      const isTaken = await sendOne(notification, notice, sink, ports);
      sent += 1;
      const now = ports.now();
      const more = {
        ...withDone(notification, notice, left, now),
        ...(isTaken ? { lastDeliveryTime: new Date(now).toISOString() } : {}),
      };
      await write({ waiting: left.length, more });
    }
    if (due.length === 0) await write({ waiting: 0 });
    return undefined;
  } catch (error) {
    if (!(error instanceof SinkError)) throw error;
    ports.metrics.notifications.inc({ what: sinkName(notification.spec), result: 'failed' });
    await write({ failure: error, waiting: due.length - sent });
    return error;
  } finally {
    await sink?.close();
  }
};

/** False: it is given up. Rejects with SinkError where it is to be sent again. */
const sendOne = async (
  notification: Notification,
  notice: Notice,
  sink: Sink,
  { metrics, now, occurred }: DeliverPorts,
): Promise<boolean> => {
  const what = sinkName(notification.spec);
  const giveUp = (result: 'refused' | 'expired', why: string): false => {
    metrics.notifications.inc({ what, result });
    const message = `${notice.reason} of ${notice.kind} ${notice.name} at ${notice.time} is not sent: ${why}`;
    occurred({ regarding: notification, severity: 'warning', reason: 'NotDelivered', action: 'Notify', message });
    return false;
  };
  if (now() - Date.parse(notice.time) > MAX_AGE_MS) {
    // Otherwise nobody asked for it while it was new.
    const waited = conditionIs(notification.status?.conditions, 'Delivered', 'False');
    return waited && giveUp('expired', 'it is older than a day');
  }
  try {
    await sink.send(notice);
  } catch (error) {
    if (error instanceof SinkError && error.reason === 'NotDelivered') return giveUp('refused', error.message);
    throw error;
  }
  metrics.notifications.inc({ what, result: 'delivered' });
  return true;
};
