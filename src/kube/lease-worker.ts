import { parentPort, workerData } from 'node:worker_threads';
import { monotonicClock, monotonicNow } from '../clock.ts';
import { createKubeClient } from './client.ts';
import { loadConnection } from './config.ts';
import { runLeaderElection } from './lease.ts';
import type { FromMain, FromThread, LeaseThreadData } from './lease-thread.ts';
import { createTerm } from './term.ts';

// The thread that holds the Lease. Nothing of a tenant runs in here, so nothing of a tenant can delay a renewal.

const { memory, connection, maxBeatMs, ...election } = workerData as LeaseThreadData;
const port = parentPort;
if (!port) throw new Error('this is the entry of a worker thread');
const say = (message: FromThread): void => port.postMessage(message);

const term = createTerm(monotonicNow, memory);
const stopped = new AbortController();
let ended = Promise.withResolvers<void>();
port.on('message', (message: FromMain) => {
  if (message === 'stop') stopped.abort();
  else ended.resolve();
});

const client = createKubeClient(await loadConnection(connection), { userAgent: 'metricops-lease', connections: 2 });
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
try {
  await runLeaderElection(
    {
      ...election,
      client,
      clock: monotonicClock,
      isAlive: () => term.sinceBeat() < maxBeatMs,
      onHeld: term.holdUntil,
      onError: (error) => say({ type: 'disturbed', message: textOf(error) }),
      async lead(signal) {
        ended = Promise.withResolvers();
        signal.addEventListener('abort', () => say({ type: 'lost' }), { once: true });
        say({ type: 'lead' });
        await ended.promise;
      },
    },
    stopped.signal,
  );
} finally {
  await client.close();
  port.close();
}
