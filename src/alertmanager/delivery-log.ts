import type { Reason } from '../api/reasons.ts';
import type { Clock } from '../clock.ts';
import { isConflict, type KubeClient } from '../kube/index.ts';
import type { Log } from '../telemetry/index.ts';
import { addDeliveries, type Deliveries, NO_DELIVERIES, type TestArrival, together } from './deliveries.ts';

/** What one replica notes of Alertmanager's deliveries. Each call only counts; the account is written a little later. */
export interface DeliveryLog {
  accepted(): void;
  refused(code: Reason): void;
  unmatched(labels: Record<string, string>): void;
  /** A person waits for it, so it is written at once. */
  test(arrival: Omit<TestArrival, 'time'>): void;
  /** Writes what is left. */
  stop(): Promise<void>;
}

/** A flood of a kind costs one write a minute; the first of a kind after a quiet minute is written at once. */
const EVERY_MS = 60_000;
const RETRY_MS = 5_000;

export const createDeliveryLog = (ports: {
  client: KubeClient;
  namespace: string;
  clock: Clock;
  log: Log;
}): DeliveryLog => {
  const { client, namespace, clock, log } = ports;
  const stopped = new AbortController();
  let pending: Deliveries | undefined;
  /** By kind: when the last one was written, or is due to be. */
  const due = new Map<keyof Deliveries, number>();
  let timer: { at: number; abort: AbortController } | undefined;
  let writing: Promise<void> | undefined;

  const write = async (): Promise<void> => {
    const more = pending;
    if (!more) return;
    pending = undefined;
    try {
      await addDeliveries(client, namespace, more);
    } catch (err) {
      pending = together(more, pending ?? NO_DELIVERIES);
      if (!isConflict(err)) log.warn({ err }, 'deliveries of Alertmanager not noted');
      if (!stopped.signal.aborted) after(isConflict(err) ? 50 : RETRY_MS);
    }
  };
  const run = (): Promise<void> => {
    writing = (writing ?? Promise.resolve()).then(write);
    return writing;
  };
  const after = (delayMs: number): void => {
    const at = clock.now() + delayMs;
    if (timer && timer.at <= at) return;
    timer?.abort.abort();
    const abort = new AbortController();
    timer = { at, abort };
    clock.sleep(delayMs, AbortSignal.any([abort.signal, stopped.signal])).then(
      () => {
        timer = undefined;
        void run();
      },
      () => {}, // replaced by a sooner one, or stopped
    );
  };
  const add = (kind: keyof Deliveries, more: Partial<Deliveries>, everyMs = EVERY_MS): void => {
    pending = together(pending ?? NO_DELIVERIES, { ...NO_DELIVERIES, ...more });
    const now = clock.now();
    const last = due.get(kind) ?? Number.NEGATIVE_INFINITY;
    if (last <= now) due.set(kind, Math.max(now, last + everyMs));
    after(Math.max(0, (due.get(kind) ?? now) - now));
  };
  const now = (): { count: number; lastTime: string } => ({ count: 1, lastTime: new Date(clock.now()).toISOString() });

  return {
    accepted: () => add('accepted', { accepted: now() }),
    refused: (code) => add('refused', { refused: { [code]: now() } }),
    unmatched: (labels) => add('unmatched', { unmatched: { ...now(), labels } }),
    test: (arrival) => add('tests', { tests: [{ ...arrival, time: now().lastTime }] }, 0),
    async stop() {
      stopped.abort();
      await run();
    },
  };
};
