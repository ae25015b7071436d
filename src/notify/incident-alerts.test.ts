import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { fakeClock } from '../../test/support/clock.ts';
import { AT, hold, incident } from '../../test/support/objects.ts';
import { AlertmanagerError, type PostableAlert } from '../alertmanager/index.ts';
import type { Hold } from '../api/hold.ts';
import type { Incident } from '../api/incident.ts';
import type { KubeObject } from '../api/meta.ts';
import type { WatchCache } from '../kube/index.ts';
import { createMetrics, silentLog } from '../telemetry/index.ts';
import { startIncidentAlerts } from './incident-alerts.ts';

/** A watched copy that the test changes. */
const cacheOf = <T extends KubeObject>() => {
  const objects = new Map<string, T>();
  const handlers = new Set<(object: T | undefined, previous: T | undefined) => void>();
  const cache: WatchCache<T> = {
    get: ({ name }) => objects.get(name),
    list: () => [...objects.values()],
    onChange(handler) {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
    ready: async () => {},
    stop: async () => {},
  };
  const put = (object: T): void => {
    const previous = objects.get(object.metadata.name);
    objects.set(object.metadata.name, object);
    for (const handler of handlers) handler(object, previous);
  };
  return { cache, put };
};

describe('incidents as alerts', () => {
  let stop: (() => Promise<void>) | undefined;
  afterEach(() => stop?.());

  const begin = () => {
    const time = fakeClock();
    const now = (): number => Date.parse(AT) + time.clock.now();
    const posts: { at: number; alerts: readonly PostableAlert[] }[] = [];
    const [incidents, holds] = [cacheOf<Incident>(), cacheOf<Hold>()];
    const metrics = createMetrics();
    const alertmanager = { answer: async (): Promise<void> => {} };
    const room = startIncidentAlerts({
      alertmanager: {
        postAlerts(alerts) {
          posts.push({ at: time.clock.now(), alerts });
          return alertmanager.answer();
        },
      },
      caches: { incidents: incidents.cache, holds: holds.cache },
      clock: { ...time.clock, now },
      random: () => 0.5,
      log: silentLog(),
      metrics,
    });
    stop = room.stop;
    const count = async (result: string): Promise<number> =>
      (await metrics.notifications.get()).values.find(({ labels }) => labels.result === result)?.value ?? 0;
    return { time, posts, incidents, holds, alertmanager, count };
  };
  const rolledBack = (name: string): Incident =>
    incident(name, { phase: 'Verifying', reason: 'RolledBack', rolledBackTime: AT, holdRef: { name: 'h' } });
  const isFiring = ({ endsAt }: PostableAlert, at: number): boolean => Date.parse(endsAt) > Date.parse(AT) + at;

  it('are sent within a second or two, again each minute for as long as they last, and then resolved once', async () => {
    const { time, posts, incidents, holds } = begin();
    await time.advance(10_000);
    assert.equal(posts.length, 0, 'nothing to say');
    holds.put(hold('h', { phase: 'Held' }));
    incidents.put(rolledBack('a'));
    await time.advance(2_000);
    assert.equal(posts.length, 1);
    await time.advance(180_000);
    assert.equal(posts.length, 4);
    for (const { alerts, at } of posts)
      assert.deepEqual(
        alerts.map((one) => isFiring(one, at + 180_000)),
        [true],
      );
    holds.put(hold('h', { phase: 'Dormant' }));
    await time.advance(2_000);
    const [last] = posts.slice(-1);
    assert.deepEqual([posts.length, last?.alerts.map((one) => isFiring(one, last.at))], [5, [false]]);
    await time.advance(600_000);
    assert.equal(posts.length, 5, 'nothing is left to say');
  });

  it('are sent together, and not for every write of an incident', async () => {
    const { time, posts, incidents, holds } = begin();
    holds.put(hold('h', { phase: 'Held' }));
    for (const name of ['a', 'b', 'c']) incidents.put(rolledBack(name));
    await time.advance(2_000);
    assert.deepEqual(
      posts.map(({ alerts }) => alerts.length),
      [3],
    );
    for (let i = 0; i < 20; i += 1) {
      incidents.put({ ...rolledBack('a'), metadata: { ...rolledBack('a').metadata, resourceVersion: String(i) } });
      await time.advance(1_000);
    }
    assert.equal(posts.length, 1);
  });

  it('are sent until Alertmanager takes them, also those that are over meanwhile', async () => {
    const { time, posts, incidents, holds, alertmanager, count } = begin();
    alertmanager.answer = () => Promise.reject(new AlertmanagerError('it is away'));
    holds.put(hold('h', { phase: 'Held' }));
    incidents.put(rolledBack('a'));
    await time.advance(30_000);
    assert.ok(posts.length > 3 && posts.length < 12, String(posts.length));
    assert.equal(await count('failed'), posts.length);
    // Whether an earlier request was taken, nobody knows.
    holds.put(hold('h', { phase: 'Dormant' }));
    alertmanager.answer = async () => {};
    await time.advance(90_000);
    const [last] = posts.slice(-1);
    assert.deepEqual(
      last?.alerts.map((one) => isFiring(one, last.at)),
      [false],
    );
    const before = posts.length;
    await time.advance(300_000);
    assert.equal(posts.length, before);
  });
});
