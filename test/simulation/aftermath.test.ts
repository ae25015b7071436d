import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { aftermathOf } from './aftermath.ts';
import { countsIn, ratioOf } from './counts.ts';
import { worldOf } from './faults.ts';
import { digestOf } from './manifests.ts';
import { createRandom } from './random.ts';
import type { Rollback } from './rollback.ts';
import { countersOf, independent } from './series.ts';
import { simulate } from './simulate.ts';
import { MINUTE, type Service, type World } from './world.ts';

/** What follows where the service is taken back to its first release. */
const story = (kind: 'badCode' | 'badConfiguration' | 'partialRollout', faults?: World['faults']) => {
  const random = createRandom(3);
  const made = worldOf(kind, random.fork());
  const world = { ...made, faults: faults ?? made.faults };
  const counters = countersOf(world, random.fork(), independent);
  const service = world.services.find(({ name }) => name === world.guilt?.service) as Service;
  const digest = (number: number): string => digestOf(service.name, { number });
  const rollback: Rollback = {
    service: service.name,
    rejected: [digest(service.releases.length)],
    target: digest(1),
    at: world.faultAt + 10 * MINUTE,
  };
  const after = aftermathOf({ world, counters }, rollback, { random: random.fork(), noise: independent });
  assert.ok(after);
  const { readyAt } = after.restored;
  const named = new Set(after.world.pods.filter((pod) => pod.service === service.name).map(({ name }) => name));
  const failing = (from: number, to: number): number => ratioOf(countsIn(after.counters, named, { from, to }));
  return { after, service, failing, rollback, readyAt };
};

describe('what follows a rollback', () => {
  for (const kind of ['badCode', 'badConfiguration', 'partialRollout'] as const)
    it(`is that the failures end when the pods of the target are there: ${kind}`, () => {
      const { after, service, failing, rollback, readyAt } = story(kind);
      assert.ok(failing(rollback.at - 5 * MINUTE, rollback.at) > 0.01);
      assert.ok(failing(readyAt + MINUTE, after.world.end) < 0.01);
      const running = after.world.pods.filter((pod) => pod.service === service.name && pod.to > readyAt);
      assert.equal(running.length, service.size);
      assert.ok(running.every(({ release }) => release.number === 1));
    });

  it('is that they go on where the fault is somewhere else', () => {
    const { after, failing, readyAt } = story('badCode', [() => 0.5]);
    assert.ok(failing(readyAt + MINUTE, after.world.end) > 0.4);
  });

  it('takes no scrape back, and lets each counter count on', () => {
    const { after, rollback } = story('badCode');
    for (const { times, values } of after.counters)
      for (let i = 1; i < times.length; i += 1) {
        assert.ok((times[i] as number) > (times[i - 1] as number));
        assert.ok((values[i] as number) >= (values[i - 1] as number), `at ${times[i]}, rolled back at ${rollback.at}`);
      }
  });

  it('is seen by the incident: it recovers', async () => {
    const [bad] = await simulate({ seed: 7, noise: 'independent', from: 0, to: 1 });
    assert.deepEqual([bad?.kind, bad?.outcome, bad?.recovery?.found], ['badCode', 'right', 'Recovered']);
  }).timeout(60_000);
});
