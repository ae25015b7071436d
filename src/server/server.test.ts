import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { Registry } from 'prom-client';
import { eventually } from '../../test/support/poll.ts';
import { systemClock } from '../clock.ts';
import { silentLog } from '../telemetry/index.ts';
import { secretFile } from './secret.ts';
import { createServer } from './server.ts';
import type { Server, ServerPorts } from './types.ts';

const targets = [
  { namespace: 'shop', name: 'shop', url: 'https://git.example.com/team/shop.git' },
  { namespace: 'other', name: 'shop', url: 'https://git.example.com/team/other.git' },
];

describe('the server', () => {
  let server: Server;
  let origin = '';
  let port = 0;
  let seen: unknown[] = [];
  let pushed: string[] = [];
  let ports: ServerPorts;

  beforeEach(async () => {
    seen = [];
    pushed = [];
    ports = {
      clock: systemClock,
      log: silentLog(),
      registry: new Registry(),
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
    server = createServer({ ...ports, ...change }, { httpPort: 0, recordsPort: 0, host: '127.0.0.1', drainMs: 500 });
    port = (await server.start()).ports.http;
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
    const burst = async (): Promise<Response[]> => Promise.all(Array.from({ length: 120 }, () => alert('{}')));
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

  it('tells of its health and its metrics, and of unknown paths', async () => {
    let ready = false;
    await start({ isReady: () => ready });
    const status = async (path: string): Promise<number> => (await fetch(`${origin}${path}`)).status;
    assert.equal(await status('/healthz'), 200);
    assert.equal(await status('/readyz'), 503);
    ready = true;
    assert.equal(await status('/readyz'), 200);
    assert.equal(await status('/metrics'), 200);
    const unknown = await fetch(`${origin}/api/v1/nothing`);
    assert.equal(unknown.headers.get('x-powered-by'), null);
    assert.deepEqual(await said(unknown), [404, 'NotFound']);
    assert.deepEqual(await said(await fetch(`${origin}/api/v1/push/%ff/x`, { method: 'POST' })), [
      400,
      'InvalidRequest',
    ]);
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
