import assert from 'node:assert/strict';
import { conditionOf } from '../../../src/api/conditions.ts';
import type { Incident } from '../../../src/api/incident.ts';
import { leftAlone, rolledBack, runs } from './outcome.ts';
import { bad } from './releases.ts';
import type { Story } from './story.ts';

/** Who is to blame: the release, what it calls, what all stand on, or nobody. */
export const causes: readonly Story[] = [
  {
    name: 'bad-dependency',
    title:
      'a bad release of what a service calls, just after its own good one: the dependency goes back, the service stays',
    services: { checkout: {}, web: { calls: 'checkout' } },
    policy: {},
    calmSeconds: 80,
    async run(stage) {
      await stage.rolledOut('web', await stage.release({ web: { tag: 'v3' } }, 'a good release of web'));
      await stage.pass(stage.random.between(2, 10));
      await stage.release({ checkout: bad(stage.random) }, 'a bad release of checkout');
      await rolledBack(stage, 'checkout', { from: [2], to: 1, tag: 'v1' });
      notGuilty(await leftAlone(stage, 'web', { release: 2, tag: 'v3' }));
    },
  },
  {
    name: 'infrastructure',
    title: 'a database of two services fails shortly after a good release of each of them: nothing is rolled back',
    services: { checkout: { calls: 'database' }, search: { calls: 'database' } },
    policy: {},
    calmSeconds: 60,
    async run(stage) {
      const { random, database } = stage;
      await stage.rolledOut('search', await stage.release({ search: { tag: 'v3' } }, 'a good release of search'));
      await stage.rolledOut('checkout', await stage.release({ checkout: { tag: 'v3' } }, 'a good release of checkout'));
      await stage.pass(random.between(5, 20));
      database.fail(random.between(0.4, 0.9));
      await stage.incident(
        'checkout',
        'its neighbours burn',
        ({ status }) => status?.verdict?.reason === 'NeighboursBurn',
      );
      await stage.pass(random.between(20, 40));
      database.fail(0);
      notGuilty(await leftAlone(stage, 'checkout', { release: 2, tag: 'v3' }));
      notGuilty(await leftAlone(stage, 'search', { release: 2, tag: 'v3' }));
    },
  },
  {
    name: 'surge',
    title: 'ten times the traffic, more than a good release can answer: nothing is rolled back',
    services: { checkout: { env: { CAPACITY: '6' } } },
    policy: {},
    rate: [3, 5],
    async run(stage) {
      const { random, rate } = stage;
      await stage.rolledOut('checkout', await stage.release({ checkout: { tag: 'v3' } }, 'a good release'));
      await stage.pass(random.between(5, 20));
      const stop = await stage.load('checkout', 9 * rate);
      await stage.incident('checkout', 'overrun', ({ status }) => status?.verdict?.reason === 'TrafficSurge');
      await stage.pass(random.between(10, 30));
      await stop();
      notGuilty(await leftAlone(stage, 'checkout', { release: 2, tag: 'v3' }));
    },
  },
  {
    name: 'misjudged',
    title:
      'a burn that goes on after the rollback: the incident says Misjudged, and a person runs the newer release again',
    services: { checkout: { calls: 'database' } },
    policy: { verifyTimeout: '30s' },
    async run(stage) {
      const { random, database } = stage;
      await stage.rolledOut('checkout', await stage.release({ checkout: { tag: 'v3' } }, 'a good release'));
      await stage.pass(random.between(5, 15));
      database.fail(random.between(0.4, 0.9)); // and nobody else is there who would show it
      const incident = await stage.incident(
        'checkout',
        'misjudged',
        ({ status }) => status?.misjudgedTime !== undefined,
      );
      assert.deepEqual([incident.status?.phase, incident.status?.reason], ['Verifying', 'Misjudged']);
      assert.equal(conditionOf(incident, 'NeedsPerson')?.status, 'True');
      assert.match(incident.status?.message ?? '', /to run release 2 again: metricops lift deployment\/checkout -n /);
      const restored = await stage.seen('checkout');
      runs(restored, { release: 1, tag: 'v1' });
      database.fail(0);
      await stage.settled();
      await stage.metricops('lift', 'deployment/checkout');
      await stage.until('the newer release to run again', async () => {
        const seen = await stage.seen('checkout');
        runs(seen, { release: 2, tag: 'v3' });
        assert.deepEqual(seen.holds, []);
        const [closed, ...others] = seen.incidents;
        assert.deepEqual(others, []);
        assert.deepEqual([closed?.status?.phase, closed?.status?.reason], ['Dismissed', 'Misjudged']);
        const lifted = seen.history?.spec.releases?.find(({ number }) => number === 2);
        assert.deepEqual([lifted?.rejectedCount, lifted?.liftedTime !== undefined], [1, true]);
        return true;
      });
    },
  },
];

const notGuilty = (incidents: readonly Incident[]): void => {
  for (const { status } of incidents) assert.notEqual(status?.verdict?.result, 'Guilty', status?.verdict?.message);
};
