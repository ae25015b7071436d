import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { eventually } from '../../test/support/poll.ts';
import { KubeError, resources } from '../kube/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { lastRefused, readDeliveries, refusedSince } from './deliveries.ts';
import { createDeliveryLog } from './delivery-log.ts';

const START = Date.parse('2026-01-01T12:00:00Z');
const namespace = 'metricops-system';

describe('what became of the deliveries of Alertmanager', () => {
  const setUp = () => {
    const server = createApiServer({ namespaces: [namespace] });
    const time = { now: START, waiting: [] as { at: number; go: () => void }[] };
    /** Time that passes only here: what waits for it goes on. */
    const pass = (ms: number): void => {
      time.now += ms;
      for (const each of time.waiting.filter(({ at }) => at <= time.now)) each.go();
      time.waiting = time.waiting.filter(({ at }) => at > time.now);
    };
    const clock = {
      now: () => time.now,
      sleep: (ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
          if (ms <= 0) resolve();
          else time.waiting.push({ at: time.now + ms, go: resolve });
        }),
    };
    const replica = () => createDeliveryLog({ client: server.client, namespace, clock, log: silentLog() });
    const stored = () => readDeliveries(server.client, namespace);
    const writes = () => server.requests.filter(({ verb }) => verb === 'create' || verb === 'replace').length;
    return { server, replica, stored, writes, pass };
  };

  it('is nothing before the first one', async () => {
    assert.deepEqual(await setUp().stored(), { refused: {}, tests: [] });
  });

  it('is stored at once, and then once a minute, however many there are', async () => {
    const { replica, stored, writes, pass } = setUp();
    const log = replica();
    log.accepted();
    await eventually(async () => (await stored()).accepted?.count === 1);
    for (let i = 0; i < 100; i += 1) log.accepted();
    assert.equal(writes(), 1);
    pass(60_000);
    await eventually(async () => (await stored()).accepted?.count === 101);
    assert.equal(writes(), 2);
  });

  it('shows the first refusal at once, in the midst of a flood of others', async () => {
    const { replica, stored, pass } = setUp();
    const log = replica();
    log.accepted();
    await eventually(async () => (await stored()).accepted);
    log.accepted();
    log.refused('Unauthorized');
    log.unmatched({ alertname: 'Watchdog' });
    const found = await eventually(async () => {
      const account = await stored();
      return account.refused.Unauthorized && account;
    });
    assert.deepEqual(found.unmatched?.labels, { alertname: 'Watchdog' });
    for (let i = 0; i < 10; i += 1) log.refused('Unauthorized');
    assert.equal((await stored()).refused.Unauthorized?.count, 1);
    pass(60_000);
    await eventually(async () => (await stored()).refused.Unauthorized?.count === 11);
  });

  it('adds what several replicas note at the same time, and what was noted before a restart', async () => {
    const { replica, stored, pass } = setUp();
    const [a, b] = [replica(), replica()];
    for (let i = 0; i < 5; i += 1) {
      a.accepted();
      b.accepted();
    }
    await eventually(async () => {
      pass(100);
      return (await stored()).accepted?.count === 10;
    });
    await Promise.all([a.stop(), b.stop()]);
    const next = replica();
    next.accepted();
    await eventually(async () => (await stored()).accepted?.count === 11);
  });

  it('shows a test alert at once, also within the minute', async () => {
    const { replica, stored } = setUp();
    const log = replica();
    log.accepted();
    await eventually(async () => (await stored()).accepted);
    log.test({ id: 'abc', labels: { metricops_test: 'abc' }, workloads: [] });
    const found = await eventually(async () => (await stored()).tests[0]);
    assert.deepEqual([found.id, found.time], ['abc', '2026-01-01T12:00:00.000Z']);
  });

  it('is kept while the API server refuses the write', async () => {
    const { server, replica, stored, pass } = setUp();
    let refused = 0;
    server.fault = ({ verb }) => {
      if (verb !== 'create' || refused > 0) return undefined;
      refused += 1;
      throw new KubeError('busy', { status: 503, reason: 'ServiceUnavailable' });
    };
    const log = replica();
    log.accepted();
    await eventually(() => refused === 1);
    log.accepted();
    await eventually(async () => {
      pass(5_000);
      return (await stored()).accepted?.count === 2;
    });
  });

  it('is written when the replica stops', async () => {
    const { replica, stored } = setUp();
    const log = replica();
    log.accepted();
    await eventually(async () => (await stored()).accepted);
    log.accepted();
    await log.stop();
    assert.equal((await stored()).accepted?.count, 2);
  });

  it('counts as far as it can be read after somebody changed it by hand', async () => {
    const { server, stored } = setUp();
    const refused = { Unauthorized: { count: 1, lastTime: '2026-01-01T12:00:00Z' } };
    for (const [text, expected] of [
      ['{', {}],
      ['7', {}],
      [JSON.stringify({ accepted: 'many', refused, tests: 1 }), refused],
    ] as const) {
      server.seed(resources.configMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace, name: 'metricops-deliveries' },
        data: { 'deliveries.json': text },
      });
      const found = await stored();
      assert.deepEqual([found.accepted, found.refused, found.tests], [undefined, expected, []]);
    }
  });

  it('names the last refusal, unless something was accepted since', () => {
    const at = (minute: number) => ({ count: 2, lastTime: `2026-01-01T12:0${minute}:00Z` });
    const refused = { NotJSON: at(1), Unauthorized: at(3), Unknown: at(5) };
    assert.deepEqual(lastRefused({ refused }), { code: 'Unauthorized', ...at(3) });
    assert.equal(refusedSince({ refused, tests: [], accepted: at(2) })?.code, 'Unauthorized');
    assert.equal(refusedSince({ refused, tests: [], accepted: at(4) }), undefined);
    assert.equal(refusedSince({ refused, tests: [] })?.code, 'Unauthorized');
  });
});
