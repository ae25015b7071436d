import assert from 'node:assert/strict';
import { rolledBack, runs } from './outcome.ts';
import type { Story } from './story.ts';

/** Ends as soon as it starts, and says why. */
const CRASHES = { command: ['node', '-e', 'console.error("no such table: orders"); process.exit(1)'] };

/** Releases that never take a request, so that no alert says anything. */
export const rollouts: readonly Story[] = [
  {
    name: 'crashing',
    title:
      'a release whose pods crash at their start goes back without any objective, rule or alert, its last log lines stay, and the fix lands',
    services: { checkout: {} },
    policy: undefined,
    async run(stage) {
      await stage.release({ checkout: { container: CRASHES } }, 'a release that ends at its start');
      const { metadata, spec, status } = await rolledBack(stage, 'checkout', { from: [2], to: 1, tag: 'v1' });
      assert.deepEqual([spec.evidence[0]?.source, status?.verdict?.reason], ['Rollout', 'PodsCrash']);
      assert.match(status?.logs?.message ?? '', /exit code 1 \(Error\)/);
      const logs = await stage.metricops('explain', metadata.name, '--logs');
      assert.match(logs, /^== Pod checkout-\S+, container \S+: .*exit code 1 \(Error\)/m);
      assert.match(logs, /^no such table: orders$/m);
      assert.doesNotMatch(logs, /metricops-recorder/);
      await stage.release({ checkout: { tag: 'v3', container: {} } }, 'the fix');
      await stage.until('the fix to run, and the Hold to be dormant', async () => {
        const seen = await stage.seen('checkout');
        runs(seen, { release: 3, tag: 'v3' });
        assert.deepEqual(
          seen.holds.map(({ status: { phase } = {} }) => phase),
          ['Dormant'],
        );
        return true;
      });
    },
  },
  {
    name: 'never-ready',
    title:
      'a release whose pods never get ready goes back after its progress deadline, without any objective, rule or alert',
    services: { checkout: { spec: { progressDeadlineSeconds: 60 } } },
    policy: undefined,
    async run(stage) {
      const probe = { httpGet: { path: '/nowhere', port: 'http' }, periodSeconds: 1 };
      await stage.release({ checkout: { tag: 'v3', container: { readinessProbe: probe } } }, 'a probe that fails');
      const { spec, status } = await rolledBack(stage, 'checkout', { from: [2], to: 1, tag: 'v1' });
      assert.deepEqual([spec.evidence[0]?.source, status?.verdict?.reason], ['Rollout', 'ProgressDeadlineExceeded']);
    },
  },
  {
    name: 'stuck',
    title: 'a StatefulSet whose new pod crashes goes back, and the pod that its controller would wait for is replaced',
    services: { checkout: { kind: 'StatefulSet' } },
    policy: undefined,
    async run(stage) {
      await stage.release({ checkout: { container: CRASHES } }, 'a release that ends at its start');
      const { status } = await rolledBack(stage, 'checkout', { from: [2], to: 1, tag: 'v1' });
      assert.equal(status?.verdict?.reason, 'PodsCrash');
    },
  },
];
