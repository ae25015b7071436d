import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery } from './plan.ts';
import type { Posted } from './tally.ts';

/** What the bench tells its sender, a process of its own: where the controller listens, or what to send to it. */
export type Told = { port: number; token: string } | { deliveries: readonly Delivery[] };

/** Two Alertmanagers, each with an address of its own. */
const AGENTS = ['127.0.2.1', '127.0.2.2'].map(
  (localAddress) => new Agent({ keepAlive: true, maxSockets: 100, localAddress }),
);
/** As long as there is no answer; what is refused names a second itself. */
const RETRY_MS = 250;
const REFUSED_MS = 1_000;
const TIMEOUT_MS = 30_000;
/** Whoever has no answer so long after it was due has none. */
const GIVE_UP_MS = 120_000;

let target = { port: 0, token: '' };

/** The status; undefined where there is no answer. */
const post = (alertmanager: number, body: string): Promise<number | undefined> =>
  new Promise((resolve) => {
    const { port, token } = target;
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      authorization: `Bearer ${token}`,
    };
    const agent = AGENTS[alertmanager];
    const call = request(
      { host: '127.0.0.1', port, path: '/api/v1/alerts', method: 'POST', headers, ...(agent ? { agent } : {}) },
      (answer) => {
        answer.resume().on('error', () => resolve(undefined));
        answer.on('end', () => resolve(answer.statusCode)).on('close', () => resolve(undefined));
      },
    );
    call.setTimeout(TIMEOUT_MS, () => call.destroy(new Error('no answer')));
    call.on('error', () => resolve(undefined)).end(body);
  });

const bodyOf = ({ alerts }: Delivery, startsAt: string): string =>
  JSON.stringify({
    version: '4',
    alerts: alerts.map(({ status, labels }) => ({
      status,
      labels,
      startsAt,
      ...(status === 'resolved' ? { endsAt: new Date().toISOString() } : {}),
    })),
  });

const deliver = async (delivery: Delivery, begun: number, startsAt: string): Promise<Posted> => {
  const due = begun + delivery.at;
  await sleep(Math.max(0, due - performance.now()));
  const body = bodyOf(delivery, startsAt);
  const answers: number[] = [];
  let ms: number | undefined;
  while (performance.now() < due + GIVE_UP_MS) {
    const status = await post(delivery.alertmanager, body);
    if (status !== undefined) {
      answers.push(status);
      ms ??= performance.now() - due;
      if (status !== 503) break;
    }
    await sleep(status === undefined ? RETRY_MS : REFUSED_MS);
  }
  return { answers, ms };
};

/** The same for all: an alert that goes on has begun when it began. */
const STARTS_AT = new Date(Date.now() - 60_000).toISOString();

process.on('disconnect', () => process.exit());
process.on('message', (told: Told) => {
  if ('port' in told) {
    target = told;
    return;
  }
  const begun = performance.now();
  void Promise.all(told.deliveries.map((delivery) => deliver(delivery, begun, STARTS_AT))).then((posted) =>
    process.send?.(posted),
  );
});
