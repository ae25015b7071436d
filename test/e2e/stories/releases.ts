import assert from 'node:assert/strict';
import type { Random } from '../../simulation/random.ts';
import { rolledBack } from './outcome.ts';
import type { Service } from './service.ts';
import type { Seen } from './stage.ts';
import type { Story } from './story.ts';

/** A release that fails a part of its requests. */
export const bad = (random: Random, { from = 0.3, to = 0.8 } = {}): Service => ({
  tag: 'v2',
  env: { FAIL_RATIO: random.between(from, to).toFixed(2) },
});

/** What is wrong with a release, and how it came. */
export const releases: readonly Story[] = [
  {
    name: 'configuration',
    title: 'a commit that changes nothing but a ConfigMap: the ConfigMap goes back, and pods start with it',
    services: { checkout: {} },
    policy: {},
    async run(stage) {
      const failRatio = Number(stage.random.between(0.3, 0.8).toFixed(2));
      await stage.release({ checkout: { config: { failRatio, latencyMs: 0 } } }, 'a bad setting');
      await rolledBack(stage, 'checkout', { from: [2], to: 1, tag: 'v1' });
      assert.deepEqual(settingsIn(await stage.configMap('checkout-config')), { failRatio: 0, latencyMs: 0 });
    },
  },
  {
    name: 'versioned-configuration',
    title: 'a commit that changes nothing but a versioned ConfigMap: the pods mount the version of before again',
    services: { checkout: { versioned: true } },
    policy: {},
    async run(stage) {
      const failRatio = Number(stage.random.between(0.3, 0.8).toFixed(2));
      const before = mountedBy(await stage.seen('checkout'));
      await stage.release({ checkout: { config: { failRatio, latencyMs: 0 } } }, 'a bad setting');
      await stage.until('pods of another version', async () => mountedBy(await stage.seen('checkout')) !== before);
      await rolledBack(stage, 'checkout', { from: [2], to: 1, tag: 'v1' });
      assert.equal(mountedBy(await stage.seen('checkout')), before);
      assert.deepEqual(settingsIn(await stage.configMap(before)), { failRatio: 0, latencyMs: 0 });
    },
  },
  {
    name: 'two-releases',
    title:
      'two releases shortly after one another, the newer with the fault of the older: both stay out, the one before them runs',
    services: { checkout: {} },
    policy: {},
    calmSeconds: 80, // so that the newer one is there when the alert comes
    async run(stage) {
      const { random } = stage;
      const older = bad(random, { from: 0.2, to: 0.26 });
      await stage.rolledOut('checkout', await stage.release({ checkout: older }, 'a bad release'));
      await stage.pass(random.between(6, 12));
      const newer = { env: { ...older.env, GREETING: 'hello' } };
      await stage.recorded('checkout', await stage.release({ checkout: newer }, 'one more, on top of it'));
      const incident = await rolledBack(stage, 'checkout', { from: [2, 3], to: 1, tag: 'v1' });
      assert.equal(incident.status?.verdict?.sinceRelease, 2);
    },
  },
  {
    name: 'one-commit',
    title: 'one commit makes two services bad: both go back, each once',
    services: { checkout: {}, search: {} },
    policy: {},
    async run(stage) {
      const { random } = stage;
      await stage.release({ checkout: bad(random), search: bad(random) }, 'a bad library in two services');
      const incident = await rolledBack(stage, 'checkout', { from: [2], to: 1, tag: 'v1' });
      const other = await rolledBack(stage, 'search', { from: [2], to: 1, tag: 'v1' });
      assert.equal(incident.spec.suspect?.commit, other.spec.suspect?.commit);
    },
  },
  {
    name: 'leak',
    title:
      'a release that is well at first and fails more and more later: it goes back, though no pod of before is left to compare with',
    services: { checkout: {} },
    policy: {},
    async run(stage) {
      const leak = bad(stage.random, { from: 0.5, to: 0.9 });
      const LEAK_SECONDS = String(stage.random.whole(30, 45));
      await stage.release({ checkout: { ...leak, env: { ...leak.env, LEAK_SECONDS } } }, 'a release that leaks');
      const incident = await rolledBack(stage, 'checkout', { from: [2], to: 1, tag: 'v1' });
      const [objective] = incident.status?.verdict?.objectives ?? [];
      assert.equal(objective?.measured?.ratio?.beside, undefined);
    },
  },
  {
    name: 'stateful',
    title: 'a bad release of a StatefulSet goes back',
    services: { checkout: { kind: 'StatefulSet' } },
    policy: {},
    async run(stage) {
      await stage.release({ checkout: bad(stage.random) }, 'a bad release');
      await rolledBack(stage, 'checkout', { from: [2], to: 1, tag: 'v1' });
    },
  },
];

/** Name of the ConfigMap that the pods mount, by the template. */
const mountedBy = ({ workload }: Seen): string => {
  const { template } = (workload?.spec ?? {}) as {
    template?: { spec: { volumes?: { configMap?: { name: string } }[] } };
  };
  return template?.spec.volumes?.find(({ configMap }) => configMap)?.configMap?.name ?? '';
};

const settingsIn = (configMap: object | undefined): unknown => {
  const { data } = (configMap ?? {}) as { data?: Record<string, string> };
  return JSON.parse(data?.['config.json'] ?? 'null');
};
