import type { AddressInfo } from 'node:net';
import { readFaults } from './faults.ts';
import { createShop } from './service.ts';

/**
 * The sample shop: one program for every part of it, told by its environment which one to be.
 *   SERVICE       its name in metrics and answers ("web", "checkout")
 *   VERSION       shown by / and by the metric shop_info
 *   BACKEND_URL   asked for every order; without it this service is a backend itself
 *   FAIL_RATIO    part of the requests that it fails, 0 to 1
 *   LEAK_SECONDS  until so long after its start it fails none of them, then FAIL_RATIO is reached in as long again
 *   CAPACITY      requests a second that it can answer; what comes beyond fails with 503
 *   CONFIG_FILE   JSON with failRatio and latencyMs, read again when it changes; the greater failRatio wins
 *   PORT          8080 by default; 0: any free one
 *   DRAIN_MS      how long it goes on serving after SIGTERM, while endpoints are taken away; 3000 by default
 */
const env = process.env;
const number = (text: string | undefined, fallback: number): number => (text === undefined ? fallback : Number(text));

const shop = createShop({
  service: env.SERVICE ?? 'shop',
  version: env.VERSION ?? 'dev',
  backendUrl: env.BACKEND_URL,
  faults: readFaults({
    failRatio: number(env.FAIL_RATIO, 0),
    file: env.CONFIG_FILE,
    leakSeconds: number(env.LEAK_SECONDS, 0),
    capacity: env.CAPACITY === undefined ? undefined : Number(env.CAPACITY),
  }),
});

shop.server.listen(number(env.PORT, 8080), () => {
  const { port } = shop.server.address() as AddressInfo;
  console.log(`${env.SERVICE ?? 'shop'} ${env.VERSION ?? 'dev'} listens on ${port}`);
});
process.once('SIGTERM', () => shop.drain(number(env.DRAIN_MS, 3000)));
process.once('SIGINT', () => shop.drain(0));
