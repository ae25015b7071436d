import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations } from '../../src/api/annotations.ts';
import { conditionOf } from '../../src/api/conditions.ts';
import type { Hold } from '../../src/api/hold.ts';
import { systemClock } from '../../src/clock.ts';
import { newRollback } from '../../src/holds/index.ts';
import { resources } from '../../src/kube/index.ts';
import { ensureHistory, LIVE_MANAGER, runningRelease, templateOf } from '../../src/snapshot/index.ts';
import { createSnapshotStore } from '../../src/snapshot/store.ts';
import { controllerClient } from '../support/account.ts';
import { eventually } from '../support/poll.ts';
import {
  configMap,
  DIGEST_KEY,
  deployment,
  holdBack,
  imageOf,
  type StartedSync,
  useSync,
  yaml,
} from '../support/sync.ts';

const shop = (image: string, v: string): Record<string, string> => ({
  'app.yaml': yaml(configMap('settings', { v }), deployment('web', image)),
});

describe('a rollback where the controller may apply nothing by itself', () => {
  const { plane, start } = useSync({
    client: async (plane) => {
      const client = await controllerClient(plane, 'locked-down');
      return { client, close: client.close };
    },
  });

  /** A namespace whose ServiceAccount `deployer` may apply what the GitSync has. */
  const team = async (): Promise<string> => {
    const ns = await plane().namespace('team');
    const { kubectl } = plane();
    kubectl(['create', 'serviceaccount', 'deployer', '-n', ns]);
    const kinds = '--resource=deployments.apps,configmaps';
    kubectl(['create', 'role', 'deployer', '--verb=get,list,create,patch,delete', kinds, '-n', ns]);
    grant(ns);
    return ns;
  };
  const grant = (ns: string): void =>
    void plane().kubectl([
      ...['create', 'rolebinding', 'deployer', '--role=deployer'],
      ...[`--serviceaccount=${ns}:deployer`, '-n', ns],
    ]);
  const runs = ({ get }: StartedSync, image: string) =>
    eventually(async () => imageOf(await get(resources.deployments, 'web')) === image, { what: image });
  const holdIn = (ns: string, isWanted: (hold: Hold) => boolean) =>
    eventually(
      async () => {
        const [hold] = (await plane().client.list<Hold>(resources.holds, { namespace: ns })).items;
        if (hold && isWanted(hold)) return hold;
        throw new Error(JSON.stringify(hold?.status));
      },
      { what: 'the Hold', timeoutMs: 60_000 },
    );
  const phase = (ns: string, wanted: string) => holdIn(ns, ({ status }) => status?.phase === wanted);
  /** shop:v2 came after shop:v1, each with its settings. */
  const released = async (): Promise<{ sync: StartedSync; hold: () => Promise<Hold> }> => {
    const ns = await team();
    const sync = await start(shop('shop:v1', '1'), { serviceAccountName: 'deployer' }, { namespace: ns });
    await sync.ready();
    const good = await sync.get(resources.deployments, 'web');
    await sync.ready('True', new RegExp(sync.push(shop('shop:v2', '2'))));
    const bad = await sync.get(resources.deployments, 'web');
    return { sync, hold: () => holdBack(plane(), ns, { good, bad }) };
  };

  it("is written as the tenant's account, with its configuration", async () => {
    const { sync, hold } = await released();
    await hold();
    await phase(sync.ns, 'Held');
    await runs(sync, 'shop:v1');
    const settings = await sync.get(resources.configMaps, 'settings');
    assert.deepEqual(settings?.data, { v: '1' });
    await sync.ready();
  });

  it('fails in words that name the account and the verb while it may not, and is done when it may', async () => {
    const { sync, hold } = await released();
    plane().kubectl(['delete', 'rolebinding', 'deployer', '-n', sync.ns]);
    await hold();
    const failed = await phase(sync.ns, 'Failed');
    assert.match(
      conditionOf(failed, 'Held')?.message ?? '',
      new RegExp(`User "system:serviceaccount:${sync.ns}:deployer" cannot patch resource "(deployments|configmaps)"`),
    );
    assert.equal(conditionOf(failed, 'Stalled')?.status, 'True');
    assert.equal(imageOf(await sync.get(resources.deployments, 'web')), 'shop:v2');
    grant(sync.ns);
    await phase(sync.ns, 'Held');
    await runs(sync, 'shop:v1');
  });

  it('needs no account for a workload of no GitSync, and is repeated when the rejected manifest is applied again', async () => {
    const { client, kubectl } = plane();
    const ns = await plane().namespace('unowned');
    const apply = (image: string): string =>
      kubectl(['apply', '-n', ns, '-f', '-'], yaml(configMap('settings'), deployment('web', image)));
    const live = async () => {
      const found = await client.get(resources.deployments, { namespace: ns, name: 'web' });
      assert.ok(found);
      return found;
    };
    apply('shop:v1');
    const workload = { kind: 'Deployment', namespace: ns, name: 'web' } as const;
    const good = await live();
    const store = createSnapshotStore(client, DIGEST_KEY, systemClock);
    const { digest: sourceDigest } = runningRelease(good);
    const sealed = store.seal(workload, {
      workload: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { namespace: ns, name: 'web' },
        spec: { template: templateOf(good) },
      },
      config: [],
      fieldManager: LIVE_MANAGER,
      sourceDigest,
    });
    await store.write(await ensureHistory(client, workload), sealed);
    apply('shop:v2');
    const target = { number: 1, sourceDigest, snapshotRef: { name: sealed.name } };
    const { digest } = runningRelease(await live());
    await client.create(resources.holds, newRollback({ workload, digest, target, origin: 'Manual', message: '' }));
    await phase(ns, 'Held');
    assert.equal(imageOf(await live()), 'shop:v1');
    apply('shop:v2');
    const again = await holdIn(ns, ({ status }) => status?.phase === 'Held' && status.reapplied?.length === 1);
    assert.equal(again.status?.reapplied?.[0]?.fieldManager, 'kubectl-client-side-apply');
    assert.equal(imageOf(await live()), 'shop:v1');
    kubectl(['annotate', 'deployment/web', `${annotations.pause}=true`, '-n', ns]);
    apply('shop:v2');
    const paused = await phase(ns, 'Pending');
    assert.equal(conditionOf(paused, 'Held')?.reason, 'Paused');
    kubectl(['annotate', 'deployment/web', `${annotations.pause}-`, '-n', ns]);
    await holdIn(ns, ({ status }) => status?.phase === 'Held' && status.reapplied?.length === 2);
    assert.equal(imageOf(await live()), 'shop:v1');
  });

  it('waits for an admission policy that forbids the old image, and costs the GitSync nothing meanwhile', async () => {
    const { sync, hold } = await released();
    const { ns } = sync;
    const policy = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: ns },
      spec: {
        matchConstraints: {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': ns } },
          resourceRules: [
            { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] },
          ],
        },
        validations: [
          {
            expression: "object.spec.template.spec.containers.all(c, c.image != 'shop:v1')",
            message: 'shop:v1 is forbidden',
          },
        ],
      },
    };
    const binding = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: ns },
      spec: { policyName: ns, validationActions: ['Deny'] },
    };
    plane().kubectl(['apply', '-f', '-'], yaml(policy, binding));
    const probe = yaml(deployment('probe', 'shop:v1'));
    await eventually(
      () => {
        try {
          plane().kubectl(['apply', '--dry-run=server', '-n', ns, '-f', '-'], probe);
          return false;
        } catch {
          return true; // the policy is in force
        }
      },
      { what: 'the admission policy', everyMs: 300 },
    );
    await hold();
    const failed = await phase(ns, 'Failed');
    assert.match(conditionOf(failed, 'Held')?.message ?? '', /denied request: shop:v1 is forbidden/);
    assert.deepEqual((await sync.get(resources.configMaps, 'settings'))?.data, { v: '2' });
    const more = { 'more.yaml': yaml(configMap('more')) };
    await sync.ready('True', new RegExp(sync.push(more)));
    plane().kubectl(['delete', 'validatingadmissionpolicybinding', ns]);
    await phase(ns, 'Held');
    await runs(sync, 'shop:v1');
    await eventually(async () => {
      const settings = await sync.get(resources.configMaps, 'settings');
      return (settings?.data as { v?: string } | undefined)?.v === '1';
    });
  });
});
