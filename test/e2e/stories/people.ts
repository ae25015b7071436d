import assert from 'node:assert/strict';
import { conditionOf } from '../../../src/api/conditions.ts';
import type { Incident } from '../../../src/api/incident.ts';
import { imageOf, leftAlone, rolledBack } from './outcome.ts';
import { bad } from './releases.ts';
import type { Stage } from './stage.ts';
import type { Story } from './story.ts';

/** What metricops leaves to people. */
export const people: readonly Story[] = [
  {
    name: 'approve',
    title: 'mode Approve: nothing is rolled back before a person approves it, then it is',
    services: { checkout: {} },
    policy: { mode: 'Approve' },
    async run(stage) {
      await stage.release({ checkout: bad(stage.random) }, 'a bad release');
      const { metadata } = await asked(stage, 'AwaitingApproval');
      await stage.metricops('approve', metadata.name);
      const incident = await rolledBack(stage, 'checkout', { from: [2], to: 1, tag: 'v1' });
      assert.equal(incident.metadata.name, metadata.name);
    },
  },
  {
    name: 'irreversible',
    title: 'an irreversible release is not rolled back: a person is asked, and fixes forward',
    services: { checkout: {} },
    policy: {},
    async run(stage) {
      const annotations = { 'metricops.dev/irreversible': 'true' };
      await stage.release({ checkout: { ...bad(stage.random), annotations } }, 'a bad release with a migration');
      await asked(stage, 'Irreversible');
      await stage.release({ checkout: { tag: 'v3', env: {} } }, 'the fix');
      const incidents = await leftAlone(stage, 'checkout', { release: 3, tag: 'v3' });
      assert.equal(incidents.find(({ spec }) => spec.suspect?.number === 2)?.status?.reason, 'Superseded');
    },
  },
];

/** Waits until a person is asked, for this reason: the release is guilty, and runs on. */
const asked = async (stage: Stage, reason: string): Promise<Incident> => {
  const incident = await stage.incident(
    'checkout',
    `a person is asked: ${reason}`,
    (one) => conditionOf(one, 'NeedsPerson')?.status === 'True' && one.status?.reason === reason,
  );
  assert.equal(incident.status?.verdict?.result, 'Guilty');
  const { holds, workload } = await stage.seen('checkout');
  assert.deepEqual([holds.length, imageOf(workload)], [0, 'metricops.dev/shop:v2']);
  return incident;
};
