import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Faults } from './faults.ts';
import { createMetrics } from './metrics.ts';

export interface ShopOptions {
  service: string;
  version: string;
  backendUrl: string | undefined;
  faults: Faults;
}

interface Answer {
  code: number;
  body: Record<string, unknown>;
}

/** GET / is the service itself, /order asks the backend too, /metrics, /healthz and /readyz are as usual. */
export const createShop = (options: ShopOptions): { server: Server; drain(ms: number): void } => {
  const metrics = createMetrics(options.service, options.version);
  let ready = true;

  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://shop').pathname;
    if (path === '/metrics')
      return void response.setHeader('content-type', 'text/plain; version=0.0.4').end(metrics.text());
    if (path === '/healthz') return void response.end('ok\n');
    if (path === '/readyz') return void response.writeHead(ready ? 200 : 503).end(ready ? 'ok\n' : 'draining\n');
    const start = process.hrtime.bigint();
    const { code, body } = await answer(path, options);
    metrics.observe(code, Number(process.hrtime.bigint() - start) / 1e9);
    response.writeHead(code, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
  });

  return {
    server,
    drain(ms) {
      ready = false;
      setTimeout(() => {
        server.close();
        server.closeIdleConnections();
      }, ms);
    },
  };
};

const answer = async (path: string, { service, version, backendUrl, faults }: ShopOptions): Promise<Answer> => {
  const self = { service, version };
  if (path !== '/' && path !== '/order') return { code: 404, body: { ...self, error: `no such page: ${path}` } };
  if (faults.overruns()) return { code: 503, body: { ...self, error: 'more requests than it can answer' } };
  const latency = faults.latencyMs();
  if (latency > 0) await sleep(latency);
  if (faults.fails()) return { code: 500, body: { ...self, error: 'a fault on demand' } };
  if (path === '/' || backendUrl === undefined) return { code: 200, body: self };
  try {
    const order = await fetch(backendUrl, { signal: AbortSignal.timeout(2000) });
    return { code: order.ok ? 200 : 502, body: { ...self, order: await order.json() } };
  } catch (error) {
    return { code: 502, body: { ...self, error: `no answer from ${backendUrl}: ${String(error)}` } };
  }
};
