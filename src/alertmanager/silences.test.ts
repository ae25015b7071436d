import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'mocha';
import { type Alertmanager, AlertmanagerError, createAlertmanager, type Silence } from './alertmanager.ts';
import { createSilences } from './silences.ts';

const silence = (id: string, name: string, value: string, endsAt = 1_000): Silence => ({
  id,
  createdBy: 'ann',
  comment: 'maintenance',
  endsAt,
  matchers: [{ name, value, isRegex: false, isEqual: true }],
});
const page = { alertname: 'Burn', severity: 'page' };
const ticket = { alertname: 'Burn', severity: 'ticket' };
const answer = (alerts: Record<string, string>[], ...silences: Silence[]) =>
  createSilences({ activeSilences: async () => silences }, { now: () => 0 }).of(alerts);

describe('alerts that people silenced', () => {
  it('are silenced where each of them is, until the first of its silences ends', async () => {
    const found = await answer(
      [page, ticket],
      silence('a', 'severity', 'page', 2_000),
      silence('b', 'alertname', 'Burn', 1_500),
    );
    assert.deepEqual(found, { is: 'Silenced', until: 1_500, id: 'b', by: 'ann', comment: 'maintenance' });
    const longer = await answer(
      [page],
      silence('a', 'severity', 'page', 2_000),
      silence('b', 'alertname', 'Burn', 1_500),
    );
    assert.equal(longer.is === 'Silenced' && longer.id, 'a');
  });

  it('are audible where one of them is, and where there is none', async () => {
    assert.deepEqual(await answer([page, ticket], silence('a', 'severity', 'ticket')), { is: 'Audible' });
    assert.deepEqual(await answer([page]), { is: 'Audible' });
    assert.deepEqual(await answer([], silence('a', 'severity', 'ticket')), { is: 'Audible' });
  });

  it('are unknown where Alertmanager can not be asked, or a matcher can not be read', async () => {
    const away = createSilences(
      { activeSilences: () => Promise.reject(new AlertmanagerError('it is away')) },
      { now: () => 0 },
    );
    assert.deepEqual(await away.of([page]), { is: 'Unknown', message: 'it is away' });
    const bad = {
      ...silence('a', 'alertname', ''),
      matchers: [{ name: 'alertname', value: '(', isRegex: true, isEqual: true }],
    };
    const found = await answer([page], bad);
    assert.match(found.is === 'Unknown' ? found.message : '', /the matcher \( can't be read/);
  });

  it('are asked for once in five seconds, however many incidents ask', async () => {
    let [asked, now] = [0, 0];
    const silences = createSilences(
      {
        async activeSilences() {
          asked += 1;
          return [];
        },
      },
      { now: () => now },
    );
    await Promise.all([silences.of([page]), silences.of([ticket])]);
    now = 4_999;
    await silences.of([page]);
    assert.equal(asked, 1);
    now = 5_000;
    await silences.of([page]);
    assert.equal(asked, 2);
  });
});

describe('what Alertmanager answers', () => {
  const stops: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()));
  });
  const alertmanagerThat = async (listener: RequestListener, timeoutMs = 5000): Promise<Alertmanager> => {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const alertmanager = createAlertmanager({ url, token: 'secret', timeoutMs });
    stops.push(async () => {
      await alertmanager.close();
      server.closeAllConnections();
      server.close();
    });
    return alertmanager;
  };
  const body = (state: string, matcher: object = { isEqual: false }) => ({
    id: state,
    createdBy: 'ann',
    comment: 'c',
    startsAt: '2026-01-01T00:00:00Z',
    endsAt: '2026-01-01T01:00:00Z',
    updatedAt: '2026-01-01T00:00:00Z',
    status: { state },
    matchers: [{ name: 'a', value: 'b', isRegex: false, ...matcher }],
  });

  it('is read with the bearer token: silences that are active, and no pending or expired ones', async () => {
    let asked: unknown[] = [];
    const alertmanager = await alertmanagerThat((request, response) => {
      asked = [request.method, request.url, request.headers.authorization];
      response.end(JSON.stringify(['active', 'pending', 'expired'].map((state) => body(state))));
    });
    const found = await alertmanager.activeSilences();
    assert.deepEqual(asked, ['GET', '/api/v2/silences', 'Bearer secret']);
    assert.deepEqual(
      found.map(({ id, endsAt, matchers }) => [id, endsAt, matchers]),
      [['active', Date.parse('2026-01-01T01:00:00Z'), [{ name: 'a', value: 'b', isRegex: false, isEqual: false }]]],
    );
  });

  it('has only = and =~ before Alertmanager 0.22', async () => {
    const alertmanager = await alertmanagerThat(
      (_, response) => void response.end(JSON.stringify([body('active', {})])),
    );
    assert.equal((await alertmanager.activeSilences())[0]?.matchers[0]?.isEqual, true);
  });

  for (const [what, listener, why] of [
    [
      'a refusal',
      (_, response) => void response.writeHead(403).end('no'),
      /Alertmanager answered 403; check METRICOPS_ALERTMANAGER_API_TOKEN/,
    ],
    ['an error', (_, response) => void response.writeHead(500).end('{}'), /Alertmanager answered 500$/],
    ['a page', (_, response) => void response.end('<html>'), /the answer is no JSON/],
    ['something else', (_, response) => void response.end('{"status":"success"}'), /is no list of silences/],
    ['too much', (_, response) => void response.end(Buffer.alloc(9 * 1024 * 1024, 32)), /can't be asked/],
    ['nothing', (request) => request.socket.destroy(), /can't be asked/],
  ] as [string, RequestListener, RegExp][])
    it(`is an error in words where it is ${what}`, async () => {
      const alertmanager = await alertmanagerThat(listener);
      await assert.rejects(
        alertmanager.activeSilences(),
        (error) => error instanceof AlertmanagerError && why.test(error.message),
      );
    });

  it('is awaited for so long and no longer', async () => {
    const alertmanager = await alertmanagerThat(() => {}, 50);
    await assert.rejects(alertmanager.activeSilences(), /no whole answer within 0.05 s/);
  });
});
