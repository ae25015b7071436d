import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type ApiServer, createApiServer } from '../../test/support/api-server.ts';
import { fakeClock } from '../../test/support/clock.ts';
import { AT, incident } from '../../test/support/objects.ts';
import { eventually } from '../../test/support/poll.ts';
import { type SinkServer, startSinkServer } from '../../test/support/sink-server.ts';
import { API_VERSION } from '../api/annotations.ts';
import { conditionOf } from '../api/conditions.ts';
import type { GitSync } from '../api/gitsync.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { Notification } from '../api/notification.ts';
import type { Occurrence } from '../api/occurrence.ts';
import { unrestrictedPolicy } from '../api/platform-policy.ts';
import type { ReleaseHistory } from '../api/release-history.ts';
import { createWatchCache, KubeError, resources } from '../kube/index.ts';
import { createMetrics, silentLog } from '../telemetry/index.ts';
import { startNotifications } from './controller.ts';

const SYSTEM = 'metricops-system';
const away = new KubeError('no answer from the API server', { status: 0, reason: 'Unreachable' });

describe('Notifications', () => {
  let sink: SinkServer;
  let server: ApiServer;
  let time: ReturnType<typeof fakeClock>;
  let allowedHosts: string[];
  const stops: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    sink = await startSinkServer();
    time = fakeClock();
    allowedHosts = ['127.0.0.1'];
    server = createApiServer({ namespaces: ['shop', 'bank', SYSTEM], now: () => now() });
  });
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
    await sink.stop();
  });
  const now = (): number => Date.parse(AT) + time.clock.now();

  /** A leader: what it remembers is lost when it stops. */
  const lead = async () => {
    const { client } = server;
    const clock = { ...time.clock, now };
    const ports = { clock, random: () => 0.5 };
    const caches = {
      incidents: createWatchCache<Incident>(client, resources.incidents, {}, ports),
      holds: createWatchCache<Hold>(client, resources.holds, {}, ports),
      syncs: createWatchCache<GitSync>(client, resources.gitSyncs, {}, ports),
      histories: createWatchCache<ReleaseHistory>(client, resources.releaseHistories, {}, ports),
      notifications: createWatchCache<Notification>(client, resources.notifications, {}, ports),
    };
    const all = Object.values(caches);
    await Promise.all(all.map((cache) => cache.ready()));
    const metrics = createMetrics();
    const occurrences: Occurrence[] = [];
    const room = startNotifications({
      ...ports,
      client,
      caches,
      policy: () => ({ ...unrestrictedPolicy, notifications: { allowedHosts } }),
      systemNamespace: SYSTEM,
      clusterName: undefined,
      log: silentLog(),
      metrics,
      occurred: (occurrence) => occurrences.push(occurrence),
    });
    const stop = async (): Promise<void> => {
      await room.stop();
      await Promise.all(all.map((cache) => cache.stop()));
    };
    stops.push(stop);
    const count = async (result: string): Promise<number> =>
      (await metrics.notifications.get()).values.find(
        (v) => v.labels.result === result && v.labels.what === 'cloudEvents',
      )?.value ?? 0;
    return { stop, count, occurrences };
  };
  const create = (namespace = 'shop', spec: object = {}) =>
    server.client.create(resources.notifications, {
      apiVersion: API_VERSION,
      kind: 'Notification',
      metadata: { namespace, name: 'n' },
      spec: { events: [{ kind: 'Incident' }], sink: { cloudEvents: { url: `${sink.url}/events` } }, ...spec },
    });
  const get = (namespace = 'shop') => server.get(resources.notifications, namespace, 'n') as Notification;
  /** A step of an incident, at the time of the clock. */
  const step = async (reason: string, name = 'web-3-abc', namespace = 'shop'): Promise<void> => {
    const before = server.get(resources.incidents, namespace, name) as Incident | undefined;
    const given = { ...incident(name, undefined), metadata: { namespace, name } };
    const { metadata } = before ?? (await server.client.create<Incident>(resources.incidents, given));
    const entry = {
      time: new Date(now()).toISOString(),
      phase: 'Judging' as const,
      reason,
      message: `${reason} it is`,
    };
    const timeline = [...(before?.status?.timeline ?? []), entry];
    const body = { status: { phase: 'Judging', timeline } };
    await server.client.patch(resources.incidents, metadata, { type: 'merge', body }, { subresource: 'status' });
  };
  const reasons = (): string[] =>
    sink.received.map(({ body }) => String((body as { type: string }).type).replace(/.*\./, ''));
  /** Lets the clock go on until it is so. */
  const until = (check: () => unknown, what: string): Promise<unknown> =>
    eventually(
      async () => {
        await time.advance(1_000);
        return (await check()) as boolean;
      },
      { what, timeoutMs: 10_000, everyMs: 5 },
    );
  const condition = (type: string, namespace?: string) => conditionOf(get(namespace), type);

  it('are sent once, in the order in which it happened, and say so', async () => {
    const { count } = await lead();
    await create();
    await time.advance(1_000);
    await step('NoGoodRelease');
    await step('NoGoodRelease', 'api-1');
    await time.advance(100);
    await step('RolledBack');
    await until(() => condition('Delivered')?.status === 'True' && reasons().length === 3, 'three events');
    assert.deepEqual(reasons().toSorted(), ['NoGoodRelease', 'NoGoodRelease', 'RolledBack']);
    assert.equal(reasons().at(-1), 'RolledBack');
    assert.equal(new Set(sink.received.map(({ headers }) => headers['webhook-id'])).size, 3);
    await time.advance(60_000);
    assert.equal(sink.received.length, 3);
    assert.equal(await count('delivered'), 3);
    assert.equal(condition('Ready')?.status, 'True');
    assert.ok(get().status?.lastDeliveryTime);
  });

  it('are of its own namespace; of all of them where the platform asks for it', async () => {
    await lead();
    await create();
    await create(SYSTEM);
    await time.advance(1_000);
    await step('RolledBack', 'api-1', 'bank');
    await until(() => reasons().length === 1, 'the event of the platform');
    await time.advance(10_000);
    assert.equal(reasons().length, 1);
    await step('RolledBack');
    await until(() => reasons().length === 3, 'an event for both');
  });

  it('are sent again under the same id when the process ends before it noted that they were sent', async () => {
    const first = await lead();
    await create();
    await until(() => condition('Ready'), 'the first status');
    await time.advance(1_000);
    await step('RolledBack');
    server.fault = ({ verb, type }) => {
      if (verb === 'patch' && type.kind === 'Notification') throw away;
      return undefined;
    };
    await until(() => sink.received.length > 0, 'the event');
    await first.stop();
    const before = sink.received.length;
    server.fault = () => undefined;
    await lead();
    await until(() => get().status?.delivered?.length === 1, 'the note');
    assert.equal(sink.received.length, before + 1);
    assert.equal(new Set(sink.received.map(({ headers }) => headers['webhook-id'])).size, 1);
    await time.advance(60_000);
    assert.equal(sink.received.length, before + 1);
  });

  it('are not lost where they happen while nobody leads', async () => {
    const first = await lead();
    await create();
    await until(() => condition('Ready'), 'the first status');
    await first.stop();
    await time.advance(3_600_000);
    await step('RolledBack');
    await lead();
    await until(() => reasons().length === 1, 'the event');
  });

  it('wait while the sink is down, longer each time, and say so', async () => {
    const { count } = await lead();
    await create();
    await time.advance(1_000);
    const tries: number[] = [];
    sink.answer = (_, response) => {
      tries.push(now());
      response.writeHead(503).end('{"message":"maintenance"}');
      return true;
    };
    await step('RolledBack');
    await until(() => condition('Delivered')?.status === 'False', 'the condition');
    assert.match(condition('Delivered')?.message ?? '', /^1 event waiting: .* answered 503: maintenance$/);
    assert.equal(condition('Ready')?.reason, 'DeliveryFailed');
    await step('Recovered');
    await until(() => tries.length >= 4, 'four tries');
    const waits = tries.slice(1).map((at, i) => at - (tries[i] ?? 0));
    for (const [i, least] of [5_000, 10_000, 20_000].entries()) assert.ok((waits[i] ?? 0) >= least, waits.join());
    sink.answer = () => false;
    sink.received.length = 0;
    await until(() => condition('Delivered')?.status === 'True', 'the delivery');
    assert.deepEqual(reasons(), ['RolledBack', 'Recovered']);
    assert.equal(await count('delivered'), 2);
    assert.ok((await count('failed')) >= 4);
  });

  it('wait for as long as the sink says', async () => {
    await lead();
    await create();
    await time.advance(1_000);
    sink.answer = (_, response) => {
      response.writeHead(429, { 'retry-after': '300' }).end();
      return true;
    };
    await step('RolledBack');
    await until(() => sink.received.length === 1, 'the first try');
    sink.answer = () => false;
    await until(() => condition('Delivered')?.status === 'False', 'the condition');
    await time.advance(240_000);
    assert.equal(sink.received.length, 1);
    await time.advance(120_000);
    await until(() => condition('Delivered')?.status === 'True', 'the delivery');
  });

  it('are given up where the sink refuses them for good, and those after them are sent', async () => {
    const { count, occurrences } = await lead();
    await create();
    await time.advance(1_000);
    sink.answer = ({ text }, response) => {
      if (!text.includes('NoGoodRelease')) return false;
      response.writeHead(400).end('{"message":"no"}');
      return true;
    };
    await step('NoGoodRelease');
    await time.advance(100);
    await step('RolledBack');
    await until(() => reasons().includes('RolledBack'), 'the second event');
    await until(() => condition('Delivered')?.status === 'True', 'the condition');
    assert.equal(await count('refused'), 1);
    const [said] = occurrences;
    assert.equal(said?.reason, 'NotDelivered');
    assert.match(said?.message ?? '', /^NoGoodRelease of Incident web-3-abc at .* is not sent: .* answered 400: no$/);
  });

  it('are given up when they are a day old, and counted', async () => {
    const { count } = await lead();
    await create();
    await time.advance(1_000);
    sink.answer = (_, response) => {
      response.writeHead(503).end();
      return true;
    };
    await step('RolledBack');
    await until(() => condition('Delivered')?.status === 'False', 'the condition');
    await time.advance(25 * 3_600_000);
    await until(() => condition('Delivered')?.status === 'True', 'the end');
    assert.equal(await count('expired'), 1);
  });

  it('go to no internal address that the platform does not name', async () => {
    allowedHosts = [];
    await lead();
    await create();
    await until(() => condition('Ready')?.status === 'False', 'the refusal');
    assert.equal(condition('Ready')?.reason, 'HostRefused');
    await time.advance(1_000);
    await step('RolledBack');
    await time.advance(3_600_000);
    assert.deepEqual(sink.received, []);
    allowedHosts = ['127.0.0.1'];
    await time.advance(600_000);
    await until(() => reasons().length === 1, 'the event, once it may');
  });

  it('say at once that their Secret is missing, or has no such key', async () => {
    await lead();
    await create('shop', { sink: { slack: { secretRef: { name: 'chat' } } } });
    await until(() => condition('Ready')?.reason === 'SecretNotFound', 'the condition');
    assert.match(condition('Ready')?.message ?? '', /Secret chat does not exist/);
    assert.equal(condition('Delivered')?.status, 'True');
  });

  it('that are suspended send nothing until they go on', async () => {
    await lead();
    await create('shop', { suspend: true });
    await time.advance(1_000);
    await step('RolledBack');
    await time.advance(60_000);
    assert.deepEqual(sink.received, []);
    const body = { spec: { suspend: false } };
    await server.client.patch(resources.notifications, { namespace: 'shop', name: 'n' }, { type: 'merge', body });
    await until(() => reasons().length === 1, 'the event');
  });
});
