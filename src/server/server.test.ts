import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, it } from 'mocha';
import { Registry } from 'prom-client';
import { forgedCalls, type Hanging, hanging, openHanging, send } from '../../test/support/hostile-caller.ts';
import { eventually } from '../../test/support/poll.ts';
import { systemClock } from '../clock.ts';
import { createLog, silentLog } from '../telemetry/index.ts';
import { secretFile, signatureOf } from './secret.ts';
import { createServer } from './server.ts';
import type { Server, ServerPorts } from './types.ts';

const targets = [
  { namespace: 'shop', name: 'shop', urls: ['https://git.example.com/team/shop.git'] },
  { namespace: 'other', name: 'shop', urls: ['https://git.example.com/team/other.git'] },
];

describe('the server', () => {
  let server: Server;
  let origin = '';
  let port = 0;
  let probes = '';
  let refused: unknown[] = [];
  let seen: unknown[] = [];
  let pushed: string[] = [];
  let ports: ServerPorts;

  beforeEach(async () => {
    seen = [];
    pushed = [];
    refused = [];
    ports = {
      clock: systemClock,
      log: silentLog(),
      registry: new Registry(),
      refusedRequests: { inc: (labels) => void refused.push(labels) },
      async alerts(body) {
        seen.push(body);
        return { status: 200, message: 'received' };
      },
      records: async () => ({ status: 200, release: 1, workload: 'deployment/shop/web' }),
      push: {
        targets: () => targets,
        request: async ({ namespace, name }) => void pushed.push(`${namespace}/${name}`),
      },
      secrets: { alertmanager: async () => 'alert-token', push: async () => 'push-token' },
      isReady: () => true,
      certificates: { onChange: () => () => {} },
    };
  });
  afterEach(() => server.stop());

  const start = async (change: Partial<ServerPorts> = {}): Promise<void> => {
    server = createServer(
      { ...ports, ...change },
      { httpPort: 0, recordsPort: 0, probesPort: 0, host: '127.0.0.1', drainMs: 500 },
    );
    const { ports: opened } = await server.start();
    port = opened.http;
    probes = `http://127.0.0.1:${opened.probes}`;
    origin = `http://127.0.0.1:${port}`;
  };
  const post = (
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Response> =>
    fetch(`${origin}${path}`, { method: 'POST', body, headers: { connection: 'close', ...headers } });
  const alert = (body: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
    post('/api/v1/alerts', body, { authorization: 'Bearer alert-token' });
  const said = async (answer: Response): Promise<[number, string]> => [
    answer.status,
    ((await answer.json()) as { code: string }).code,
  ];

  it('hands an alert on to the intake', async () => {
    await start();
    const answer = await alert('{"version":"4","alerts":[]}');
    assert.equal(answer.status, 200);
    assert.deepEqual(seen, [{ version: '4', alerts: [] }]);
  });

  it('refuses an alert without the token before it reads the body', async () => {
    await start();
    assert.deepEqual(await said(await post('/api/v1/alerts', '{')), [401, 'Unauthorized']);
    const wrong = await post('/api/v1/alerts', '{}', { authorization: 'Bearer wrong' });
    assert.equal(wrong.headers.get('www-authenticate'), 'Bearer');
    assert.deepEqual(await said(wrong), [401, 'Unauthorized']);
    assert.deepEqual(seen, []);
  });

  it('lets nobody in as long as there is no token', async () => {
    await start({ secrets: { alertmanager: async () => undefined, push: async () => undefined } });
    assert.equal((await alert('{}')).status, 401);
    assert.equal((await post('/api/v1/push/shop/shop', '{}', { authorization: 'Bearer undefined' })).status, 401);
  });

  it('says what is wrong with a body that is not JSON, and with one of 10 MiB', async () => {
    await start();
    for (const body of ['', 'alert!', '{"version":', Uint8Array.from([0xff, 0xfe, 0x00])]) {
      const answer = await alert(body);
      const { code, message, next } = (await answer.json()) as Record<string, string>;
      assert.deepEqual([answer.status, code, next], [400, 'NotJSON', 'Send application/json.']);
      assert.match(message ?? '', /not JSON/);
    }
    assert.deepEqual(await said(await alert(' '.repeat(10 << 20))), [413, 'BodyTooLarge']);
    assert.deepEqual(seen, []);
    assert.equal((await alert('{}')).status, 200);
  });

  it('makes Alertmanager send again what could not be stored', async () => {
    const alerts = async () => ({ status: 503 as const, message: 'etcd is away' });
    await start({ alerts });
    const answer = await alert('{}');
    assert.equal(answer.status, 503);
    assert.equal(((await answer.json()) as { message: string }).message, 'etcd is away');
  });

  it('answers 500 without the details when something unexpected happens', async () => {
    const alerts = async () => {
      throw new Error('the secret is 42');
    };
    await start({ alerts });
    const answer = await alert('{}');
    const text = await answer.text();
    assert.equal(answer.status, 500);
    assert.match(text, /InternalError/);
    assert.doesNotMatch(text, /42/);
  });

  it('stops a flood, in the way that Alertmanager repeats', async () => {
    let now = 0;
    await start({ clock: { ...systemClock, now: () => now } });
    const burst = async (): Promise<Response[]> => Promise.all(Array.from({ length: 520 }, () => alert('{}')));
    const refused = (await burst()).filter((answer) => answer.status === 503);
    assert.equal(refused.length, 20);
    assert.equal(refused[0]?.headers.get('retry-after'), '1');
    assert.equal(refused[0] && (await said(refused[0]))[1], 'TooManyRequests');
    now += 60_000;
    assert.equal((await alert('{}')).status, 200);
  });

  it('makes the GitSync of a push fetch at once: by its name, or by the repository', async () => {
    await start();
    const headers = { authorization: 'Bearer push-token' };
    const named = await post('/api/v1/push/other/shop', '', headers);
    assert.deepEqual([named.status, await named.json()], [202, { syncs: ['other/shop'] }]);
    const body = JSON.stringify({ repository: { clone_url: 'https://git.example.com/team/shop.git' } });
    assert.equal((await post('/api/v1/push', body, headers)).status, 202);
    assert.deepEqual(pushed, ['other/shop', 'shop/shop']);
    assert.deepEqual(await said(await post('/api/v1/push/shop/none', '', headers)), [404, 'NotFound']);
    assert.deepEqual(await said(await post('/api/v1/push', body)), [401, 'Unauthorized']);
    assert.deepEqual(await said(await post('/api/v1/push', '{}', headers)), [400, 'InvalidRequest']);
    assert.deepEqual(await said(await post('/api/v1/push', '{', headers)), [400, 'NotJSON']);
  });

  it('passes pushes of one target within a second on as one, and loses none', async () => {
    await start();
    const headers = { authorization: 'Bearer push-token' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/api/v1/push/shop/shop', '', headers)));
    assert.ok(answers.every(({ status }) => status === 202));
    assert.deepEqual(pushed, ['shop/shop']);
    await eventually(() => pushed.length > 1);
    assert.deepEqual(pushed, ['shop/shop', 'shop/shop']);
  });

  it('takes a push as a form, in any case of its letters, and answers other events without a fetch', async () => {
    await start();
    const json = JSON.stringify({ repository: { clone_url: 'https://git.example.com/Team/Shop.git' } });
    const body = `payload=${encodeURIComponent(json)}`;
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-hub-signature-256': `sha256=${signatureOf(Buffer.from(body), 'push-token')}`,
    };
    const ping = await post('/api/v1/push', body, { ...headers, 'x-github-event': 'ping' });
    assert.equal(ping.status, 200);
    assert.match(((await ping.json()) as { message: string }).message, /this is "ping"/);
    assert.deepEqual(pushed, []);
    assert.equal((await post('/api/v1/push', body, { ...headers, 'x-github-event': 'push' })).status, 202);
    assert.deepEqual(pushed, ['shop/shop']);
  });

  it('takes alerts of 3 MiB, and refuses what is compressed', async () => {
    await start();
    assert.equal((await alert(JSON.stringify({ padding: 'x'.repeat(3 << 20) }))).status, 200);
    const headers = { authorization: 'Bearer alert-token', 'content-encoding': 'gzip' };
    assert.deepEqual(await said(await post('/api/v1/alerts', gzipSync('{}'), headers)), [415, 'InvalidRequest']);
    assert.equal(server.used().proved, 0);
  });

  it('counts what it refuses, and tells of it once a minute', async () => {
    let now = 0;
    const lines: Record<string, unknown>[] = [];
    const log = createLog({
      destination: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
    });
    await start({ log, clock: { ...systemClock, now: () => now } });
    const told = (): unknown[] => lines.filter((line) => line.msg === 'requests refused').map((line) => line.count);
    for (let i = 0; i < 3; i += 1) await post('/api/v1/alerts', '{}');
    assert.deepEqual(refused, Array(3).fill({ what: 'alerts', result: 'Unauthorized' }));
    assert.deepEqual(told(), [1]);
    now += 60_000;
    await post('/api/v1/alerts', '{}', { authorization: 'Bearer wrong' });
    assert.deepEqual(told(), [1, 3]);
  });

  it('tells of its health and its metrics, and of unknown paths', async () => {
    let ready = false;
    await start({ isReady: () => ready });
    const status = async (path: string, at = origin): Promise<number> => (await fetch(`${at}${path}`)).status;
    for (const at of [origin, probes]) {
      ready = false;
      assert.equal(await status('/healthz', at), 200);
      assert.equal(await status('/readyz', at), 503);
      ready = true;
      assert.equal(await status('/readyz', at), 200);
    }
    assert.equal(await status('/metrics'), 200);
    assert.equal(await status('/metrics', probes), 404);
    const unknown = await fetch(`${origin}/api/v1/nothing`);
    assert.equal(unknown.headers.get('x-powered-by'), null);
    assert.deepEqual(await said(unknown), [404, 'NotFound']);
    assert.deepEqual(await said(await fetch(`${origin}/api/v1/push/%ff/x`, { method: 'POST' })), [
      400,
      'InvalidRequest',
    ]);
  });

  it('makes the text of its metrics once a second, however many ask', async () => {
    let made = 0;
    let now = 0;
    const registry = new Registry();
    registry.metrics = async () => {
      made += 1;
      return 'a 1\n';
    };
    await start({ registry, clock: { ...systemClock, now: () => now } });
    const scrape = async (): Promise<string> => (await fetch(`${origin}/metrics`)).text();
    assert.deepEqual(new Set(await Promise.all(Array.from({ length: 20 }, scrape))), new Set(['a 1\n']));
    assert.equal(made, 1);
    now += 1_000;
    await scrape();
    assert.equal(made, 2);
  });

  it('serves no records over plain HTTP: they carry tokens', async () => {
    await start();
    assert.equal((await post('/api/v1/records', '{}', { authorization: 'Bearer x' })).status, 404);
  });

  it('ends what runs when it stops, and cuts what never ends', async () => {
    const release = Promise.withResolvers<void>();
    let running = false;
    const alerts = async () => {
      running = true;
      await release.promise;
      return { status: 200 as const, message: 'late' };
    };
    await start({ alerts });
    const slow = alert('{}');
    const idle = connect(port, '127.0.0.1');
    const closed = new Promise((resolve) => idle.once('close', resolve));
    idle.on('error', () => {}).write('POST /api/v1/alerts HTTP/1.1\r\n');
    await eventually(() => running && idle.readyState === 'open');
    const stopped = server.stop();
    await assert.rejects(fetch(`${origin}/healthz`));
    release.resolve();
    assert.equal((await slow).status, 200);
    await Promise.all([stopped, closed]);
  });
});

describe('the server among callers that mean no good', function () {
  this.timeout(30_000);
  const strangers = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
  const hook = JSON.stringify({ repository: { clone_url: 'https://git.example.com/team/shop.git' } });
  const signature = { 'x-hub-signature-256': `sha256=${signatureOf(Buffer.from(hook), 'push-token')}` };
  const hangs: Hanging[] = [];
  let server: Server;
  let ports: { http: number; records: number; probes: number };

  beforeEach(async () => {
    server = createServer(
      {
        clock: systemClock,
        log: silentLog(),
        registry: new Registry(),
        refusedRequests: { inc: () => {} },
        alerts: async () => ({ status: 200, message: 'received' }),
        records: async () => ({ status: 200, release: 1, workload: 'deployment/shop/web' }),
        push: { targets: () => targets, request: async () => {} },
        secrets: { alertmanager: async () => 'alert-token', push: async () => 'push-token' },
        isReady: () => true,
        certificates: { onChange: () => () => {} },
      },
      { httpPort: 0, recordsPort: 0, probesPort: 0, host: '127.0.0.1', drainMs: 500 },
    );
    ({ ports } = await server.start());
  });
  afterEach(async () => {
    for (const hang of hangs.splice(0)) hang.end();
    await server.stop();
  });

  const hang = async (options: Parameters<typeof openHanging>[1], port = ports.http): Promise<Hanging> => {
    const hanging = await openHanging({ port }, options);
    hangs.push(hanging);
    return hanging;
  };
  /** A hook that is signed, one with a token, an alert and both probes, from this address. */
  const genuine = async (from: string): Promise<number[]> => {
    const at = { port: ports.http };
    const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
    const padded = JSON.stringify({ padding: 'x'.repeat(1 << 20) });
    return Promise.all([
      send(at, { path: '/api/v1/push', headers: signature, body: hook }, from),
      send(at, { path: '/api/v1/push', headers: bearer('push-token'), body: hook }, from),
      send(at, { path: '/api/v1/push/shop/shop', headers: bearer('push-token') }, from),
      send(at, { path: '/api/v1/alerts', headers: bearer('alert-token'), body: padded }, from),
    ]);
  };
  const passed = [202, 202, 202, 200];
  const probed = async (): Promise<number> => (await fetch(`http://127.0.0.1:${ports.probes}/healthz`)).status;

  it('holds no more than its budget for 200 unfinished pushes, and serves genuine callers meanwhile', async () => {
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, server.used().signed);
    }, 1);
    const text = hanging['half a body'](1 << 19);
    await hang({ count: 200, text, from: strangers });
    await eventually(() => server.used().signed > 6 << 20);
    // Also from an address that a stranger has, as behind one ingress; then theirs have been there for a while.
    for (const from of ['127.0.0.9', '127.0.0.2']) {
      await eventually(async () => {
        assert.deepEqual(await genuine(from), passed);
        return true;
      });
      assert.equal(await probed(), 200);
    }
    clearInterval(watch);
    assert.ok(most <= 8 << 20, `${most} bytes`);
    await eventually(() => server.used().signed === 0, { timeoutMs: 10_000, what: 'the end of what never comes' });
  });

  it('serves genuine callers among connections that are idle, or slow with their headers', async () => {
    for (const text of [hanging.idle, hanging['half the headers']]) {
      const held = await hang({ count: 1_500, text, from: [...strangers, '127.0.0.5', '127.0.0.6', '127.0.0.7'] });
      await eventually(() => held.open() <= 1_000, { what: 'an end of the oldest' });
      assert.deepEqual(await genuine('127.0.0.9'), passed);
      assert.deepEqual(await genuine('127.0.0.2'), passed);
    }
  });

  it('gives one address a part of the connections', async () => {
    const held = await hang({ count: 400, text: '', from: ['127.0.0.2'] });
    await eventually(() => held.open() <= 250);
    assert.deepEqual(await genuine('127.0.0.9'), passed);
    assert.equal(held.open(), 250);
  });

  it('answers the kubelet while its port is held', async () => {
    await hang({ count: 500, text: '', from: [...strangers, '127.0.0.1'] }, ports.probes);
    assert.equal(await probed(), 200);
  });

  it('reads nothing of a caller that shows neither token nor signature', async () => {
    const text = hanging['half a body'](1 << 16).replace(/x-hub.*\r\n/, '');
    await hang({ count: 20, text, from: strangers });
    assert.deepEqual(await genuine('127.0.0.9'), passed);
    assert.equal(server.used().signed, 0);
  });

  it('answers forged calls with a refusal, and holds nothing for them', async () => {
    for (const call of forgedCalls().filter(({ at }) => at === 'http')) {
      const status = await send({ port: ports.http }, call);
      assert.ok(call.refusedBy.includes(status), `${call.name}: ${status}`);
    }
    await eventually(() => server.used().signed + server.used().proved === 0);
  });
});

describe('a secret from a file', () => {
  it('follows the file, and is none without it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'metricops-secret-'));
    let now = 0;
    const source = secretFile(join(dir, 'token'), { now: () => now });
    assert.equal(await source(), undefined);
    writeFileSync(join(dir, 'token'), 'one\n');
    now += 6_000;
    assert.equal(await source(), 'one');
    writeFileSync(join(dir, 'token'), ' \n');
    now += 6_000;
    assert.equal(await source(), undefined);
    rmSync(dir, { recursive: true });
  });
});
