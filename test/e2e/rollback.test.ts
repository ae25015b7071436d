import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { API_VERSION } from '../../src/api/annotations.ts';
import { conditionIs, conditionOf } from '../../src/api/conditions.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { platformPolicySpec } from '../../src/api/platform-policy.ts';
import { KubeError, resources } from '../../src/kube/index.ts';
import { useEnvironment } from '../support/environment.ts';
import { eventually } from '../support/poll.ts';
import { countOf, goodPods, killControllers, refuse, shopUnderLoad } from '../support/shop.ts';
import { createTenant, mayApply, withoutApplier } from '../support/tenant.ts';
import { unownedUnderLoad } from '../support/unowned.ts';

interface Event extends KubeObject {
  reason?: string;
  note?: string;
  regarding?: { kind: string };
}

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

  it('is tried again until the policy that forbids the old image allows it, also by a new leader where the old one was killed after the Hold, and stops nothing else of the GitSync', async () => {
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
      await killControllers(env());
      await allow();
      await goodPods(shop);
      await shop.until('its end', async () => (await shop.incidents()).find((i) => i.status?.phase === 'Recovered'));
      assert.equal((await shop.holds()).length, 1);
      assert.equal((await shop.incidents()).filter((i) => i.status?.rolledBackTime !== undefined).length, 1);
    } finally {
      await allow();
      await stop();
    }
  });

  it('of a workload of no GitSync is repeated when the rejected manifest is applied with kubectl again, until it is contested, and keeps no fixed manifest out', async () => {
    const { web, stop } = await unownedUnderLoad(env(), 'reapplied');
    try {
      await web.apply('v2');
      for (const times of [0, 1, 2, 3]) {
        await web.hold(
          `Held after v2 came back ${times} times`,
          ({ status }) => status?.phase === 'Held' && (status.reapplied?.length ?? 0) === times,
        );
        await web.runs('v1');
        await web.apply('v2');
      }
      const contested = await web.hold('Contested', ({ status }) =>
        conditionIs(status?.conditions, 'Contested', 'True'),
      );
      const by = 'kubectl-client-side-apply';
      assert.deepEqual(
        contested.status?.reapplied?.map(({ fieldManager }) => fieldManager),
        [by, by, by],
      );
      assert.match(
        conditionOf(contested, 'Contested')?.message ?? '',
        new RegExp(`field manager ${by} applied it again after 3 rollbacks in 10 minutes`),
      );
      await web.apply('v3');
      await web.runs('v3');
      const dormant = await web.hold('Dormant', ({ status }) => status?.phase === 'Dormant');
      assert.equal(conditionOf(dormant, 'Contested')?.status, 'False');
    } finally {
      await stop();
    }
  });

  describe('where the operator took from the controller the right to apply as itself', () => {
    let giveBack: () => Promise<unknown> = async () => {};
    before(async () => {
      giveBack = await withoutApplier(env());
      await eventually(async () => !(await mayApply(env())), { what: 'the controller to have no right to apply' });
    });
    after(async () => {
      await giveBack();
      await eventually(() => mayApply(env()), { what: 'the controller to have its right back' });
    });

    it("is written as the tenant's account, and fails in words while the account may not", async () => {
      const tenant = await createTenant(env(), 'tenant');
      const { shop, stop } = await shopUnderLoad(env(), 'tenant', tenant.serviceAccountName);
      const held = (what: string, incident?: Incident) =>
        shop.until(what, async () =>
          (await shop.holds()).find(
            ({ spec, status }) =>
              status?.phase === 'Held' && (!incident || spec.incidentRef?.name === incident.metadata.name),
          ),
        );
      try {
        await shop.release('v2', 'bad');
        await held('the rollback');
        await goodPods(shop);
        await shop.until('its end', async () => (await shop.incidents()).find((i) => i.status?.phase === 'Recovered'));

        await env().client.create(resources.platformPolicies, {
          apiVersion: API_VERSION,
          kind: 'PlatformPolicy',
          metadata: { name: 'default' },
          spec: platformPolicySpec.parse({ rollback: { alertDelay: '0s' } }),
        });
        await env().client.patch(
          resources.rollbackPolicies,
          { namespace: shop.namespace, name: 'checkout' },
          { type: 'merge', body: { spec: { cooldown: '1s' } } },
        );
        const failures = () => countOf(env(), 'metricops_holds_applied_total', 'result="failed"');
        const before = await failures();
        const file = 'shop/checkout.yaml';
        const text = readFileSync(join(shop.repository.dir, file), 'utf8');
        const worse = text.replace('"failRatio": 0', '"failRatio": 0.5');
        const commit = await shop.push({ [file]: worse }, 'bad in another way');
        await shop.until('the next bad release', async () =>
          (await shop.sync())?.status?.lastAppliedRevision === `main@${commit}` ? true : undefined,
        );
        await tenant.revoke();
        const failed = await shop.until('the refusal', async () =>
          (await shop.holds()).find((h) => h.status?.phase === 'Failed'),
        );
        const words = /User "system:serviceaccount:tenant:deployer" cannot patch resource "(deployments|configmaps)"/;
        assert.match(conditionOf(failed, 'Held')?.message ?? '', words);
        const incident = await shop.until('a person is asked', async () =>
          (await shop.incidents()).find((i) => conditionOf(i, 'NeedsPerson')?.status === 'True'),
        );
        assert.equal(failed.spec.incidentRef?.name, incident.metadata.name);
        assert.equal(conditionOf(incident, 'NeedsPerson')?.reason, 'HoldFailed');
        assert.match(conditionOf(incident, 'NeedsPerson')?.message ?? '', words);
        for (const kind of ['Hold', 'Incident', 'Deployment'])
          await shop.until(`an Event on the ${kind}`, async () => {
            const { items } = await env().client.list<Event>(resources.events, { namespace: shop.namespace });
            return items.find(
              ({ reason, regarding, note }) =>
                reason === 'HoldFailed' && regarding?.kind === kind && words.test(note ?? ''),
            );
          });
        assert.ok((await failures()) > before, 'the refusal is counted');
        await tenant.grant();
        await held('the rollback that was refused', incident);
        const at = { namespace: shop.namespace, name: 'checkout' };
        const live = await env().client.get(resources.deployments, at);
        assert.match(JSON.stringify(live?.spec), /metricops\.dev\/shop:v1/);
      } finally {
        await stop();
      }
    });
  });
});
