import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { deploymentOf, type HoldBench, startHoldBench } from '../../test/support/holds.ts';
import { answerInRounds, type Rounds } from '../../test/support/rounds.ts';
import { annotations, labels } from '../api/annotations.ts';
import type { Hold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import { KubeError, resources } from '../kube/index.ts';
import type { Snapshot } from '../snapshot/index.ts';
import { withFinalizer } from './finalizer.ts';
import type { Account } from './types.ts';

const FIELD_MANAGER = 'metricops/shop/app';
const WEB = { namespace: 'shop', name: 'web' };
const [GOOD, BAD] = [`v1:${'a'.repeat(64)}`, `v1:${'b'.repeat(64)}`];

const workload = (image: string, sourceDigest: string): KubeObject =>
  deploymentOf(image, {
    labels: { [labels.sync]: 'shop.app' },
    annotations: { [annotations.sourceDigest]: sourceDigest },
  });
const service: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
};
const settings = (v: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'shop', name: 'settings' },
  data: { v },
});
/** As a snapshot holds it: without replicas. */
const recorded = (): KubeObject => {
  const object = workload('shop:v1', GOOD);
  const { replicas: _, ...spec } = object.spec as Record<string, unknown>;
  return { ...object, spec };
};

describe('the requests between a stored Hold and its applied target', () => {
  let bench: HoldBench | undefined;
  let rounds: Rounds | undefined;
  afterEach(async () => {
    await rounds?.stop();
    await bench?.stop();
    [bench, rounds] = [undefined, undefined];
  });

  /** The GitSync applied shop:v1, which is the target, then shop:v2 with other settings. */
  const synced = async (
    snapshot: Partial<Snapshot>,
    ports: Parameters<typeof startHoldBench>[0] = {},
  ): Promise<HoldBench> => {
    const account = (): Account => ({
      writer: running.client.impersonate({ userName: 'system:serviceaccount:shop:deployer' }),
      fieldManager: FIELD_MANAGER,
      refusalOf: () => undefined,
      leavesTo: () => [],
      wordsOf: ({ message }) => message,
    });
    const running: HoldBench = await startHoldBench(
      { accountOf: account, ...ports },
      { workload: recorded(), fieldManager: FIELD_MANAGER, sourceDigest: GOOD, ...snapshot },
    );
    bench = running;
    const { client } = running;
    const options = { fieldManager: FIELD_MANAGER, force: true };
    await client.delete(resources.deployments, WEB);
    await client.apply(resources.deployments, workload('shop:v1', GOOD), options);
    await client.apply(resources.deployments, workload('shop:v2', BAD), options);
    await client.apply(resources.services, service, options);
    await client.apply(resources.configMaps, settings('2'), options);
    return running;
  };
  /** Rounds from the Hold, which is stored, until its target is applied. */
  const roundsOf = async ({ client, server, controller, phase }: HoldBench, hold: Hold): Promise<string[][]> => {
    controller.start();
    const stored = await client.create(resources.holds, withFinalizer(hold));
    rounds = answerInRounds(server);
    controller.request(stored);
    await phase('Held');
    const { asked } = rounds;
    const applied = asked.findIndex((round) => round.some((what) => /^(apply|patch) Deployment$/.test(what)));
    return asked.slice(0, applied + 1).map((round) => [...round]);
  };
  const replicasOf = ({ live }: HoldBench): unknown => (live()?.spec as { replicas?: number } | undefined)?.replicas;

  it('are three rounds where the workload goes back alone, and its replicas stay as they are', async () => {
    const running = await synced({ selectors: [service] });
    assert.deepEqual(await roundsOf(running, running.rollback({ digest: BAD })), [
      ['get ControllerRevision', 'get Deployment'],
      ['get Service'],
      ['apply Deployment'],
    ]);
    assert.equal(running.image(), 'shop:v1');
    assert.equal(replicasOf(running), 2);
  });

  it('are two where the incident has just asked whether the target can be gone back to', async () => {
    const running = await synced({ selectors: [service] });
    const hold = running.rollback({ digest: BAD });
    await running.snapshots.read({ ...WEB, kind: 'Deployment' }, hold.spec.target.snapshotRef.name);
    assert.deepEqual(await roundsOf(running, hold), [['get Deployment', 'get Service'], ['apply Deployment']]);
  });

  it('are four where its configuration goes back with it', async () => {
    const running = await synced({ selectors: [service], config: [settings('1')] });
    assert.deepEqual(await roundsOf(running, running.rollback({ digest: BAD })), [
      ['get ControllerRevision', 'get Deployment'],
      ['apply Deployment (dry run)', 'get ConfigMap', 'get Service'],
      ['apply ConfigMap'],
      ['apply Deployment'],
    ]);
  });

  it('are two where no GitSync owns it and its pods need nothing', async () => {
    const running = await startHoldBench();
    bench = running;
    assert.deepEqual(await roundsOf(running, running.rollback()), [
      ['get ControllerRevision', 'get Deployment'],
      ['patch Deployment'],
    ]);
  });

  it('are said to the GitSync also where the answer is lost: what it knows of these objects is of before', async () => {
    const told: string[] = [];
    const running = await synced({ selectors: [service] }, { onRestored: (_, key) => told.push(key) });
    running.server.fault = ({ verb, type, dryRun }) =>
      verb === 'apply' && type.kind === 'Deployment' && !dryRun ? 'lost' : undefined;
    running.controller.start();
    await running.create(running.rollback({ digest: BAD }));
    await running.until(({ status }) => (status?.failedAttempts ?? 0) > 0, 'a try whose answer is lost');
    assert.equal(running.image(), 'shop:v1');
    assert.deepEqual([...new Set(told)], ['shop_web_apps_Deployment']);
  });

  it('are not said to the GitSync where they are refused: it need not apply again what stands', async () => {
    const told: string[] = [];
    const more = { selectors: [service], config: [settings('1')] };
    const running = await synced(more, { onRestored: (_, key) => told.push(key) });
    const forbidden = new KubeError('configmaps "settings" is forbidden', { status: 403, reason: 'Forbidden' });
    running.server.fault = ({ verb, type }) => {
      if (verb === 'apply' && type.kind === 'ConfigMap') throw forbidden;
      return undefined;
    };
    running.controller.start();
    await running.create(running.rollback({ digest: BAD }));
    await running.phase('Failed');
    assert.deepEqual(told, []);
  });

  it('are one more try where somebody scales the workload meanwhile: that is not undone', async () => {
    const running = await synced({});
    const { server, client, controller, phase, create, rollback, image } = running;
    let scaled = false;
    server.fault = async ({ verb, type }) => {
      if (verb !== 'apply' || type.kind !== 'Deployment' || scaled) return undefined;
      scaled = true;
      const body = { spec: { replicas: 5 } };
      await client.patch(resources.deployments, WEB, { type: 'merge', body }, { fieldManager: 'kubectl' });
      return undefined;
    };
    controller.start();
    await create(rollback({ digest: BAD }));
    await phase('Held');
    assert.deepEqual([image(), replicasOf(running)], ['shop:v1', 5]);
  });
});
