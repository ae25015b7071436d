import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { API_VERSION } from '../../src/api/annotations.ts';
import { conditionOf } from '../../src/api/conditions.ts';
import { KubeError, resources } from '../../src/kube/index.ts';
import { useEnvironment } from '../support/environment.ts';
import { eventually } from '../support/poll.ts';
import { goodPods, killControllers, refuse, shopUnderLoad } from '../support/shop.ts';

describe('a rollback on a real node', () => {
  const env = useEnvironment();

  /** A Hold that would be created, is not, and says whether the API server would take it. */
  const isHoldRefused = async (namespace: string): Promise<boolean> => {
    const hold = {
      apiVersion: API_VERSION,
      kind: 'Hold',
      metadata: { namespace, name: 'question' },
      spec: {
        workloadRef: { kind: 'Deployment', name: 'checkout' },
        action: 'Accept',
        acceptedDigests: [`v1:${'0'.repeat(64)}`],
        origin: 'Manual',
      },
    };
    try {
      await env().client.create(resources.holds, hold, { dryRun: true });
      return false;
    } catch (error) {
      if (error instanceof KubeError && /no Hold now/.test(error.message)) return true;
      throw error;
    }
  };

  it('is done by a new leader without Git, where the old one was killed between the stored decision and the Hold', async () => {
    const { shop, stop } = await shopUnderLoad(env(), 'between');
    const allow = await refuse(env(), shop.namespace, {
      group: 'metricops.dev',
      resource: 'holds',
      operations: ['CREATE'],
      expression: 'false',
      message: 'no Hold now',
    });
    try {
      await eventually(() => isHoldRefused(shop.namespace), { what: 'the policy to refuse Holds' });
      await shop.release('v2', 'bad');
      const decided = await shop.until('the decision', async () =>
        (await shop.incidents()).find((i) => i.status?.phase === 'RollingBack' && i.status.proposal !== undefined),
      );
      env().git.setFault('unavailable');
      await killControllers(env());
      assert.deepEqual(await shop.holds(), []);
      await allow();
      await goodPods(shop);
      const [hold, ...others] = await shop.holds();
      assert.deepEqual(others, []);
      assert.deepEqual(
        [hold?.metadata.name, hold?.spec.rejectedDigests, hold?.spec.incidentRef?.name],
        [decided.status?.proposal?.name, decided.status?.proposal?.spec.rejectedDigests, decided.metadata.name],
      );
      const closed = await shop.until('its end', async () =>
        (await shop.incidents()).find((i) => i.status?.closedTime !== undefined),
      );
      assert.equal(closed.status?.phase, 'Recovered');
    } finally {
      env().git.setFault('none');
      await allow();
      await stop();
    }
  });

  it('is tried again until the policy that forbids the old image allows it, and stops nothing else of the GitSync', async () => {
    const { shop, stop } = await shopUnderLoad(env(), 'refused');
    let allow = async (): Promise<void> => {};
    try {
      allow = await refuse(env(), shop.namespace, {
        group: 'apps',
        resource: 'deployments',
        operations: ['UPDATE'],
        expression:
          "object.spec.template.spec.containers.all(c, c.image != 'metricops.dev/shop:v1') || object.spec == oldObject.spec",
        message: 'v1 is forbidden',
      });
      await shop.release('v2', 'bad');
      const failed = await shop.until('the refusal', async () =>
        (await shop.holds()).find((h) => h.status?.phase === 'Failed'),
      );
      assert.match(conditionOf(failed, 'Held')?.message ?? '', /denied request: v1 is forbidden/);
      await shop.until('a person is asked', async () =>
        (await shop.incidents()).find((i) => conditionOf(i, 'NeedsPerson')?.status === 'True'),
      );
      const revision = (await shop.sync())?.status?.lastAppliedRevision;
      const more = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'more' }, data: {} };
      await shop.push({ 'shop/more.yaml': JSON.stringify(more) }, 'something else');
      await shop.until('the next commit', async () => {
        const now = (await shop.sync())?.status?.lastAppliedRevision;
        return now !== undefined && now !== revision ? true : undefined;
      });
      await allow();
      await goodPods(shop);
      await shop.until('its end', async () => (await shop.incidents()).find((i) => i.status?.phase === 'Recovered'));
    } finally {
      await allow();
      await stop();
    }
  });
});
