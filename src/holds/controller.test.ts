import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import type { ApiRequest } from '../../test/support/api-server.ts';
import { type HoldBench, imageIn, startHoldBench } from '../../test/support/holds.ts';
import { incident } from '../../test/support/objects.ts';
import { eventually } from '../../test/support/poll.ts';
import { annotations } from '../api/annotations.ts';
import { conditionOf } from '../api/conditions.ts';
import { KubeError, resources } from '../kube/index.ts';

const isWrite = ({ verb, type }: ApiRequest): boolean =>
  type.kind === 'Deployment' && ['patch', 'apply'].includes(verb);
const DENIED = 'deployments.apps "web" is forbidden: ValidatingAdmissionPolicy "images" denied request: v1 is too old';
const denied = new KubeError(DENIED, { status: 403, reason: 'Forbidden' });

describe('the queue of the Holds', () => {
  let bench: HoldBench | undefined;
  afterEach(async () => {
    await bench?.stop();
    bench = undefined;
  });
  const start = async (...args: Parameters<typeof startHoldBench>): Promise<HoldBench> => {
    bench = await startHoldBench(...args);
    return bench;
  };
  const failures = async ({ metrics }: HoldBench): Promise<number> =>
    (await metrics.holdsApplied.get()).values.find(({ labels }) => labels.result === 'failed')?.value ?? 0;

  const refusals: [string, KubeError][] = [
    ['403 of an admission policy', denied],
    [
      '422',
      new KubeError('Deployment.apps "web" is invalid: spec.selector: immutable', { status: 422, reason: 'Invalid' }),
    ],
    ['403 of a quota', new KubeError('exceeded quota: limits.cpu', { status: 403, reason: 'Forbidden' })],
    ['409', new KubeError('the object has been modified', { status: 409, reason: 'Conflict' })],
    [
      '500 of a webhook that is down',
      new KubeError('failed calling webhook "x"', { status: 500, reason: 'InternalError' }),
    ],
    ['a time-out', new KubeError('no answer from the API server', { status: 0, reason: 'Unreachable' })],
  ];
  for (const [what, refusal] of refusals) {
    it(`${what} ends as Failed with the API server's words, and is tried again until it is taken`, async () => {
      const { server, create, controller, phase, until, advance, image, clock } = await start();
      server.fault = (request) => {
        if (isWrite(request)) throw refusal;
        return undefined;
      };
      controller.start();
      await create();
      await until(({ status }) => status?.phase !== undefined, 'the first try');
      await advance(10_000);
      const failed = await phase('Failed');
      const held = conditionOf(failed, 'Held');
      assert.deepEqual([held?.status, held?.reason], ['False', 'HoldFailed']);
      assert.equal(held?.message, `release 1 is not applied: ${refusal.message}`);
      assert.ok(Date.parse(failed.status?.nextAttemptTime ?? '') > clock.now());
      assert.ok((await failures(bench as HoldBench)) > 0);
      server.fault = () => undefined;
      await advance(300_000);
      const done = await phase('Held');
      assert.equal(image(), 'shop:v1');
      assert.equal(done.status?.nextAttemptTime, undefined);
      assert.equal(done.status?.failedAttempts, undefined);
    });
  }

  it('says a refusal on the Hold, on the workload and on the incident', async () => {
    const { server, client, create, rollback, controller, phase, occurrences } = await start();
    await client.create(resources.incidents, incident('web-2-abc', undefined));
    server.fault = (request) => {
      if (isWrite(request)) throw denied;
      return undefined;
    };
    controller.start();
    await create(rollback({ incident: 'web-2-abc' }));
    await phase('Failed');
    await eventually(() => occurrences.length === 3, { what: 'three Events' });
    assert.deepEqual(occurrences.map(({ regarding }) => regarding.kind).sort(), ['Deployment', 'Hold', 'Incident']);
    for (const { severity, reason, message } of occurrences)
      assert.deepEqual([severity, reason, message.endsWith(DENIED)], ['warning', 'HoldFailed', true]);
  });

  it('tries again later each time, at most every five minutes', async () => {
    const { server, create, controller, phase, advance, hold } = await start();
    const tries: number[] = [];
    server.fault = (request) => {
      if (!isWrite(request)) return undefined;
      tries.push(bench?.clock.now() ?? 0);
      throw denied;
    };
    controller.start();
    await create();
    await phase('Failed');
    for (let i = 0; i < 40; i += 1) await advance(60_000);
    const waits = tries.slice(1).map((time, i) => (time - (tries[i] ?? 0)) / 1000);
    assert.deepEqual(waits.slice(0, 9), [1, 2, 4, 8, 16, 32, 64, 128, 256]);
    assert.deepEqual(new Set(waits.slice(9)), new Set([300]));
    assert.equal(hold()?.status?.failedAttempts, tries.length);
  });

  it('says that a Hold is overdue, once, when its target is not applied for five minutes', async () => {
    const { server, create, controller, phase, advance, until, metrics, occurrences } = await start();
    server.fault = (request) => {
      if (isWrite(request)) throw denied;
      return undefined;
    };
    controller.start();
    await create();
    await phase('Failed');
    await advance(240_000);
    assert.equal(conditionOf((await phase('Failed')) ?? {}, 'Overdue'), undefined);
    await advance(400_000);
    const hold = await until((h) => conditionOf(h, 'Overdue')?.status === 'True', 'condition Overdue');
    assert.match(conditionOf(hold, 'Overdue')?.message ?? '', /should be applied since 2026-01-01T12:00:00.*too old$/);
    assert.equal((await metrics.holdsOverdue.get()).values[0]?.value, 1);
    assert.equal(
      occurrences.filter(({ reason, regarding }) => reason === 'RollbackOverdue' && regarding.kind === 'Hold').length,
      1,
    );
    server.fault = () => undefined;
    await advance(300_000);
    assert.equal(conditionOf(await phase('Held'), 'Overdue')?.status, 'False');
    await eventually(async () => (await metrics.holdsOverdue.get()).values[0]?.value === 0);
  });

  it('is read without a write: what a plan asks costs no request that changes anything', async () => {
    const { server, create, shown, controller, hold } = await start();
    const { metadata } = await create();
    await shown();
    server.requests.length = 0;
    const [found] = await controller.holdsIn(new Set(['shop']), () => true);
    assert.equal(found?.left, true);
    assert.equal(imageIn(found?.target?.workload), 'shop:v1');
    assert.deepEqual(new Set(server.requests.map(({ verb }) => verb)), new Set(['get']));
    assert.equal(hold()?.metadata.resourceVersion, metadata.resourceVersion);
  });

  it('is read without a failure: where a snapshot can not be read, its workload stays as it is', async () => {
    const { server, create, shown, controller } = await start();
    await create();
    await shown();
    server.fault = ({ type }) => {
      if (type.kind === 'ControllerRevision') throw new KubeError('no answer', { status: 0, reason: 'Unreachable' });
      return undefined;
    };
    const [found] = await controller.holdsIn(new Set(['shop']), () => true);
    assert.equal(found?.target, undefined);
  });

  it('takes up what an earlier leader left: a Hold that is there before it leads', async () => {
    const { create, controller, shown, phase, image, live } = await start();
    await create();
    await shown();
    assert.equal(image(), 'shop:v2');
    controller.start();
    await phase('Held');
    assert.equal(image(), 'shop:v1');
    const { resourceVersion } = live()?.metadata ?? {};
    const next = bench?.lead();
    next?.start();
    await bench?.advance(1000);
    assert.equal(live()?.metadata.resourceVersion, resourceVersion, 'the next leader has nothing to do');
    await next?.stop();
  });

  it('changes nothing for a leader that froze: another release that came meanwhile stays', async () => {
    const { server, create, controller, phase, deploy, image } = await start();
    let frozen = true;
    server.fault = async (request) => {
      if (!isWrite(request) || !frozen || request.fieldManager === 'ci') return undefined;
      frozen = false;
      await deploy('shop:v3');
      return undefined;
    };
    controller.start();
    await create();
    await phase('Dormant');
    assert.equal(image(), 'shop:v3');
  });

  it('leaves a paused workload alone until the annotation goes', async () => {
    const { client, create, controller, phase, until, image } = await start();
    const name = { namespace: 'shop', name: 'web' };
    const pause = (value: string | null) =>
      client.patch(resources.deployments, name, {
        type: 'merge',
        body: { metadata: { annotations: { [annotations.pause]: value } } },
      });
    await pause('true');
    controller.start();
    await create();
    const paused = await until(({ status }) => status?.phase === 'Pending', 'Pending');
    const held = conditionOf(paused, 'Held');
    assert.equal(held?.reason, 'Paused');
    assert.match(held?.message ?? '', /^Deployment shop\/web has metricops.dev\/pause: it goes back to release 1 when/);
    assert.equal(image(), 'shop:v2');
    await pause(null);
    await phase('Held');
    assert.equal(image(), 'shop:v1');
  });

  it('rolls back a rejected release that is applied again, with back-off; after three times in ten minutes it asks a person', async () => {
    const { create, controller, phase, until, deploy, advance, image, hold, occurrences, metrics } = await start();
    controller.start();
    await create();
    await phase('Held');
    const again = async (times: number): Promise<void> => {
      await deploy('shop:v2');
      await advance(31_000);
      await until(({ status }) => status?.phase === 'Held' && status.reapplied?.length === times, `rollback ${times}`);
      assert.equal(image(), 'shop:v1');
    };
    for (const times of [1, 2, 3]) await again(times);
    assert.equal(hold()?.status?.reapplied?.[0]?.fieldManager, 'ci');
    await deploy('shop:v2');
    const contested = await until((h) => conditionOf(h, 'Contested')?.status === 'True', 'condition Contested');
    assert.match(
      conditionOf(contested, 'Contested')?.message ?? '',
      /^Deployment shop\/web runs a rejected release: field manager ci applied it again after 3 rollbacks in 10 minutes.*stop what applies it, or let it run: metricops lift deployment\/web -n shop$/,
    );
    assert.equal(contested.status?.phase, 'Failed');
    await advance(300_000);
    assert.equal(image(), 'shop:v2', 'nobody fights over it');
    assert.ok(occurrences.some(({ reason, regarding }) => reason === 'Contested' && regarding.kind === 'Deployment'));
    assert.ok(
      (await metrics.holdsApplied.get()).values.some(({ labels, value }) => labels.result === 'contested' && value > 0),
    );
    await advance(300_000);
    await phase('Held');
    assert.equal(image(), 'shop:v1', 'a slow retry');
    assert.equal(conditionOf(hold() ?? {}, 'Contested')?.status, 'True');
    await advance(600_000);
    await until((h) => conditionOf(h, 'Contested')?.status === 'False', 'nobody applies it any more');
  });

  it('waits for ten seconds before the second of these rollbacks', async () => {
    const { create, controller, phase, until, deploy, advance, image } = await start();
    controller.start();
    await create();
    await phase('Held');
    await deploy('shop:v2');
    await until(({ status }) => status?.phase === 'Held' && status.reapplied?.length === 1, 'the first, at once');
    await deploy('shop:v2');
    const pending = await phase('Pending');
    assert.match(
      conditionOf(pending, 'Held')?.message ?? '',
      /field manager ci applied a rejected release again; .* in 10 s$/,
    );
    await advance(9_000);
    assert.equal(image(), 'shop:v2');
    await advance(1_000);
    await phase('Held');
    assert.equal(image(), 'shop:v1');
  });

  it('pins the images of a workload of no GitSync, in the repository of its snapshot', async () => {
    const { create, rollback, controller, phase, image, deploy, advance } = await start();
    const pin = `shop@sha256:${'a'.repeat(64)}`;
    controller.start();
    await create(rollback({ images: [{ container: 'c', image: pin }] }));
    await phase('Held');
    assert.equal(image(), pin);
    await deploy('shop:v2');
    await advance(1000);
    await phase('Held');
    assert.equal(image(), pin, 'and it counts as the target afterwards');
  });

  it('runs no image of another repository', async () => {
    const { create, rollback, controller, phase, image } = await start();
    controller.start();
    await create(rollback({ images: [{ container: 'c', image: `evil.example.com/miner@sha256:${'a'.repeat(64)}` }] }));
    const failed = await phase('Failed');
    assert.equal(conditionOf(failed, 'Held')?.reason, 'SnapshotMismatch');
    assert.equal(image(), 'shop:v2');
  });
});
