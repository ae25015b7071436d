import assert from 'node:assert/strict';
import { type ClientRequest, createServer as createHttpServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { Express } from 'express';
import { describe, it } from 'mocha';
import { Registry } from 'prom-client';
import { systemClock } from '../clock.ts';
import type { RecordAnswer } from '../release/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { type Endpoint, type EndpointName, endpoints, endpointsOf } from './endpoints.ts';
import { createProbesServer } from './probes.ts';
import { createRoutes } from './routes.ts';
import type { AlertsAnswer, ServerPorts } from './types.ts';

const token = (text: string): Record<string, string> => ({ authorization: `Bearer ${text}` });
const HOOK = JSON.stringify({ repository: { clone_url: 'https://git.example.com/shop.git' } });

describe('the table of endpoints', () => {
  /** What the intake and the recorder answer next. */
  let intake: AlertsAnswer;
  let recorder: RecordAnswer;
  let state: { ready: boolean; stuck: string[]; now: number };
  const servers: Server[] = [];
  const origins = new Map<string, string>();

  const portsOf = (): ServerPorts => ({
    clock: { ...systemClock, now: () => state.now },
    log: silentLog(),
    registry: new Registry(),
    refusedRequests: { inc: () => {} },
    alerts: async () => intake,
    records: async () => recorder,
    push: {
      targets: () => [{ namespace: 'shop', name: 'shop', urls: ['https://git.example.com/shop.git'] }],
      request: async () => {},
    },
    secrets: { alertmanager: async () => 'alert-token', push: async () => 'push-token' },
    isReady: () => state.ready,
    certificates: { onChange: () => () => {} },
  });
  const listen = async (name: string, server: Server): Promise<void> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origins.set(name, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  };
  let applications: Record<'http' | 'records', Express>;

  beforeEach(async () => {
    intake = { status: 200, message: 'received' };
    recorder = { status: 200, release: 1, workload: 'deployment/shop/web' };
    state = { ready: true, stuck: [], now: 0 };
    const probes = { isReady: () => state.ready, stuck: () => state.stuck };
    const routes = createRoutes(portsOf(), probes);
    applications = { http: routes.http(() => {}), records: routes.records(() => {}) };
    await listen('http', createHttpServer(applications.http));
    await listen('records', createHttpServer(applications.records));
    await listen('probes', createProbesServer(probes));
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  const call = async (name: EndpointName, { at, path, ...init }: Call): Promise<string> => {
    const { method, paths, listeners }: Endpoint = endpoints[name];
    const { pathname } = new URL(path ?? (paths[0] ?? '').replaceAll(/:[a-z]+/g, 'shop'), 'http://localhost');
    const answer = await fetch(`${origins.get(at ?? listeners[0] ?? '')}${pathname}`, {
      ...init,
      method: method.toUpperCase(),
      headers: { connection: 'close', ...init.headers },
    });
    const text = await answer.text();
    const { code } = (/^\{/.test(text) ? JSON.parse(text) : {}) as { code?: string };
    return [answer.status, code].filter((part) => part !== undefined).join(' ');
  };
  interface Call {
    at?: string;
    path?: string;
    headers?: Record<string, string>;
    body?: string | Uint8Array<ArrayBuffer>;
  }

  /** The refusal of a body that finds no room beside four others, which never end. */
  const crowded = async (path: string): Promise<string> => {
    const refused = Promise.withResolvers<string>();
    const open: ClientRequest[] = [];
    for (let i = 0; i < 5; i += 1) {
      const headers = { 'x-signature': '0'.repeat(64), 'content-length': 1 << 20 };
      const call = httpRequest(`${origins.get('http')}${path}`, { method: 'POST', headers });
      call.on('error', () => {}); // its end, below
      call.on('response', async (answer) => {
        const { code } = (await json(answer)) as { code: string };
        refused.resolve(`${answer.statusCode} ${code}`);
      });
      call.write(Buffer.alloc((1 << 20) - 1));
      open.push(call);
    }
    const answer = await refused.promise;
    for (const call of open) call.destroy();
    return answer;
  };

  it('has every route that the ports 8080 and 8443 serve', () => {
    for (const listener of ['http', 'records'] as const) {
      const served = applications[listener].router.stack.flatMap(({ route }) =>
        route ? [[route.stack[0]?.method, [route.path].flat()]] : [],
      );
      assert.deepEqual(
        served,
        endpointsOf(listener).map(([, { method, paths }]) => [method, paths]),
        listener,
      );
    }
  });

  it('says which port serves what', async () => {
    for (const listener of ['http', 'records', 'probes'] as const)
      for (const [name, { listeners }] of Object.entries(endpoints) as [EndpointName, Endpoint][]) {
        const status = await call(name, { at: listener, headers: token('push-token') });
        assert.equal(!status.startsWith('404'), listeners.includes(listener), `${name} at ${listener}: ${status}`);
      }
  });

  it('has each answer of the alert endpoint', async () => {
    const headers = token('alert-token');
    const send = (body: string | Uint8Array<ArrayBuffer>, more: object = {}): Promise<string> =>
      call('alerts', { headers: { ...headers, ...more }, body });
    const found = [
      await send('{}'),
      await send('{'),
      await call('alerts', { body: '{}' }),
      await send(' '.repeat(9 << 20)),
      await send(gzipSync('{}'), { 'content-encoding': 'gzip' }),
    ];
    for (const status of [400, 503] as const) {
      intake = { status, message: 'no' };
      found.push(await send('{}'));
    }
    const flood = await Promise.all(Array.from({ length: 510 }, () => send('{}')));
    saysAll('alerts', [...found, ...flood]);
  });

  it('has each answer of the push endpoints', async () => {
    const headers = token('push-token');
    const found = [
      await call('push', { headers, body: HOOK }),
      await call('push', { headers: { ...headers, 'x-github-event': 'ping' }, body: HOOK }),
      await call('push', { headers, body: '{' }),
      await call('push', { headers, body: '{}' }),
      await call('push', { body: HOOK }),
      await call('push', { headers, body: HOOK.replace('shop.git', 'other.git') }),
      await call('push', { headers, body: ' '.repeat(2 << 20) }),
      await call('push', { headers: { ...headers, 'content-encoding': 'gzip' }, body: gzipSync(HOOK) }),
      await crowded('/api/v1/push'),
    ];
    saysAll('push', found);
    const signed = { 'x-signature': '0'.repeat(64) };
    const named = [
      await call('pushOf', { headers }),
      await call('pushOf', { headers: { ...headers, 'x-github-event': 'ping' } }),
      await call('pushOf', {}),
      await call('pushOf', { headers, path: '/api/v1/push/shop/none' }),
      await call('pushOf', { headers: signed, body: ' '.repeat(2 << 20) }),
      await call('pushOf', { headers: { ...signed, 'content-encoding': 'gzip' }, body: gzipSync('') }),
      await crowded('/api/v1/push/shop/shop'),
    ];
    saysAll('pushOf', named);
  });

  it('has each answer of the record endpoint', async () => {
    const answers = (Object.values(endpoints.records.answers) as Endpoint['answers']).filter(
      ({ status }) => status !== 429,
    );
    const found: string[] = [];
    for (const { status, codes } of answers)
      for (const code of codes.length === 0 ? [undefined] : codes) {
        recorder = (
          code === undefined ? { status, release: 1, workload: 'w' } : { status, code, message: '' }
        ) as RecordAnswer;
        found.push(await call('records', { headers: token('x') }));
      }
    assert.equal(await call('records', {}), '401 TokenMalformed');
    found.push(...(await Promise.all(Array.from({ length: 510 }, () => call('records', { headers: token('x') })))));
    saysAll('records', found);
  });

  it('has each answer of metrics and probes', async () => {
    saysAll('metrics', [await call('metrics', {})]);
    const healthy = await call('healthz', {});
    const ready = await call('readyz', {});
    state = { ...state, ready: false, stuck: ['a queue'] };
    for (const at of ['http', 'probes']) {
      saysAll('healthz', [healthy, await call('healthz', { at })]);
      saysAll('readyz', [ready, await call('readyz', { at })]);
    }
  });
});

/** It takes the time of a deadline; body.test.ts shows it. */
const LATE = '408 BodyTooSlow';

const saysAll = (name: EndpointName, found: readonly string[]): void => {
  const { answers }: Endpoint = endpoints[name];
  const said = answers.flatMap(({ status, codes }) =>
    codes.length === 0 ? [`${status}`] : codes.map((code) => `${status} ${code}`),
  );
  const shown = said.filter((text) => text !== LATE);
  assert.deepEqual([...new Set(found)].toSorted(), [...new Set(shown)].toSorted(), name);
};
