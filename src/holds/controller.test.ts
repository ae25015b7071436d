import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import type { ApiRequest } from '../../test/support/api-server.ts';
import { deploymentOf, type HoldBench, imageIn, startHoldBench } from '../../test/support/holds.ts';
import { incident } from '../../test/support/objects.ts';
import { eventually } from '../../test/support/poll.ts';
import { annotations, labels } from '../api/annotations.ts';
import { conditionOf } from '../api/conditions.ts';
import type { Hold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import { KubeError, resources } from '../kube/index.ts';
import type { Account } from './types.ts';

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
      const { server, create, controller, phase, until, advance, image, clock, hold } = await start();
      server.fault = (request) => {
        if (isWrite(request)) throw refusal;
        return undefined;
      };
      controller.start();
      await create();
      await until(({ status }) => status?.phase !== undefined, 'the first try');
      const failed = await eventually(async () => {
        await advance(1_000);
        const now = hold();
        const isLater = Date.parse(now?.status?.nextAttemptTime ?? '') > clock.now();
        return now?.status?.phase === 'Failed' && isLater ? now : undefined;
      });
      const held = conditionOf(failed, 'Held');
      assert.deepEqual([held?.status, held?.reason], ['False', 'HoldFailed']);
      assert.equal(held?.message, `release 1 is not applied: ${refusal.message}`);
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

  for (const [what, keep] of [
    ['paused', { metadata: { annotations: { [annotations.pause]: 'true' } } }],
    ['gone', undefined],
  ] as const)
    it(`asks for no other look at once while a workload that was contested is ${what}: time alone changes nothing`, async () => {
      const now = Date.parse('2026-01-01T13:00:00Z');
      const waits: number[] = [];
      const sleep = (ms: number): Promise<void> => {
        waits.push(ms);
        return new Promise(() => {});
      };
      const { client, server, rollback, controller, until } = await start({ clock: { now: () => now, sleep } });
      const web = { namespace: 'shop', name: 'web' };
      if (keep) await client.patch(resources.deployments, web, { type: 'merge', body: keep });
      else await client.delete(resources.deployments, web);
      const time = new Date(now - 700_000).toISOString();
      const contested = {
        type: 'Contested',
        status: 'True',
        reason: 'Contested',
        message: '',
        lastTransitionTime: time,
      };
      const status = { reapplied: [{ time }], conditions: [contested] };
      server.seed(resources.holds, { ...rollback(), status });
      controller.start();
      await until((hold) => conditionOf(hold, 'Held') !== undefined, 'a word on it');
      await eventually(() => waits.length > 0);
      assert.deepEqual(
        waits.filter((ms) => ms === 0),
        [],
      );
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

  describe('of the objects of a GitSync', () => {
    const FIELD_MANAGER = 'metricops/shop/app';
    const settings = (v: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'shop', name: 'settings' },
      data: { v },
    });
    const workload = (image: string, digest: string): KubeObject => {
      const object = deploymentOf(image, {
        labels: { [labels.sync]: 'shop.app' },
        annotations: { [annotations.sourceDigest]: digest },
      });
      const { replicas: _, ...spec } = object.spec as Record<string, unknown>;
      return { ...object, spec };
    };
    const [GOOD, BAD] = [`v1:${'a'.repeat(64)}`, `v1:${'b'.repeat(64)}`];
    const account = (bench: () => HoldBench, more: Partial<Account> = {}): Account => ({
      writer: bench().client.impersonate({ userName: 'system:serviceaccount:shop:deployer' }),
      fieldManager: FIELD_MANAGER,
      refusalOf: () => undefined,
      leavesTo: () => [],
      wordsOf: ({ message }) => message,
      ...more,
    });
    /** The GitSync applied shop:v1 with its settings, then shop:v2. */
    const synced = async (
      accountOf: (bench: () => HoldBench) => Account | undefined = account,
      bad = 'shop:v2',
    ): Promise<HoldBench> => {
      let running: HoldBench | undefined;
      const now = (): HoldBench => running as HoldBench;
      running = await start(
        { accountOf: () => accountOf(now) },
        {
          workload: workload('shop:v1', GOOD),
          config: [settings('1')],
          fieldManager: FIELD_MANAGER,
          sourceDigest: GOOD,
        },
      );
      const options = { fieldManager: FIELD_MANAGER, force: true };
      await running.client.delete(resources.deployments, { namespace: 'shop', name: 'web' });
      await running.client.apply(resources.deployments, workload('shop:v1', GOOD), options);
      await running.client.apply(resources.deployments, workload(bad, BAD), options);
      await running.client.apply(resources.configMaps, settings('2'), options);
      return running;
    };
    const heldOf = (hold: Hold): [string | undefined, string | undefined] => {
      const held = conditionOf(hold, 'Held');
      return [held?.reason, held?.message];
    };
    const rollbackOf = ({ rollback }: HoldBench): Hold => rollback({ digest: BAD });

    it('is written as the account of the GitSync, each object at the version that was read', async () => {
      const { server, controller, create, phase, image, rollback } = await synced();
      const before = new Map(
        ['Deployment', 'ConfigMap'].map((kind) => {
          const type = kind === 'Deployment' ? resources.deployments : resources.configMaps;
          return [kind, server.get(type, 'shop', kind === 'Deployment' ? 'web' : 'settings')?.metadata];
        }),
      );
      server.requests.length = 0;
      controller.start();
      await create(rollback({ digest: BAD }));
      await phase('Held');
      assert.equal(image(), 'shop:v1');
      const writes = server.requests.filter(({ verb, dryRun }) => verb === 'apply' && !dryRun);
      assert.deepEqual(
        writes.map(({ type }) => type.kind),
        ['ConfigMap', 'Deployment'],
      );
      for (const { user, type, body } of writes) {
        assert.equal(user, 'system:serviceaccount:shop:deployer');
        const { uid, resourceVersion } = (body as KubeObject).metadata;
        const read = before.get(type.kind);
        assert.deepEqual([uid, resourceVersion], [read?.uid, read?.resourceVersion], type.kind);
      }
    });

    it('touches no configuration where the workload is refused', async () => {
      const { server, controller, create, phase, client } = await synced();
      server.fault = (request) => {
        if (isWrite(request)) throw denied;
        return undefined;
      };
      controller.start();
      await create(rollbackOf(bench as HoldBench));
      await phase('Failed');
      const name = { namespace: 'shop', name: 'settings' };
      assert.deepEqual((await client.get(resources.configMaps, name))?.data, { v: '2' });
    });

    it('restarts the pods where only the configuration goes back, also after a crash between the two', async () => {
      const { server, controller, create, phase, until, live, advance } = await synced(account, 'shop:v1');
      const restartOf = (): unknown =>
        (live()?.spec as { template: { metadata: KubeObject['metadata'] } } | undefined)?.template.metadata
          .annotations?.[annotations.restartedAt];
      let restarts = 0;
      server.fault = (request) => {
        if (request.type.kind !== 'Deployment') return undefined;
        if (request.verb === 'patch') restarts += 1;
        if (request.verb === 'apply' && !request.dryRun && restarts === 1)
          throw new KubeError('no answer', { status: 0, reason: 'Unreachable' });
        return undefined;
      };
      controller.start();
      await create(rollbackOf(bench as HoldBench));
      await until(({ status }) => status?.phase === 'Pending', 'Pending');
      await advance(5_000);
      await phase('Held');
      assert.ok(restartOf());
      assert.equal(restarts, 2, 'rather twice than never');
    });

    it('is refused in words where the platform does not let the GitSync write', async () => {
      const words = 'the platform asks for spec.serviceAccountName';
      const { controller, create, phase, image } = await synced((now) => account(now, { refusalOf: () => words }));
      controller.start();
      await create(rollbackOf(bench as HoldBench));
      assert.deepEqual(heldOf(await phase('Failed')), ['HoldFailed', `release 1 is not applied: ${words}`]);
      assert.equal(image(), 'shop:v2');
    });

    it('names the account and the verb where that account may not write (any more)', async () => {
      const { server, controller, create, phase } = await synced();
      const words =
        'deployments.apps "web" is forbidden: User "system:serviceaccount:shop:deployer" cannot patch resource "deployments" in API group "apps" in the namespace "shop"';
      server.fault = ({ user }) => {
        if (user !== undefined) throw new KubeError(words, { status: 403, reason: 'Forbidden' });
        return undefined;
      };
      controller.start();
      await create(rollbackOf(bench as HoldBench));
      assert.deepEqual(heldOf(await phase('Failed')), ['HoldFailed', `release 1 is not applied: ${words}`]);
    });

    it('is the template alone where the GitSync is gone, with the rights of the controller, and says so', async () => {
      const { server, controller, create, phase, image, client, live } = await synced(() => undefined);
      server.requests.length = 0;
      controller.start();
      await create(rollbackOf(bench as HoldBench));
      const [, message] = heldOf(await phase('Held'));
      assert.match(message ?? '', /its configuration \(ConfigMap settings\) is left as it is: the GitSync .* is gone$/);
      assert.equal(image(), 'shop:v1');
      assert.equal(live()?.metadata.annotations?.[annotations.sourceDigest], GOOD);
      const name = { namespace: 'shop', name: 'settings' };
      assert.deepEqual((await client.get(resources.configMaps, name))?.data, { v: '2' });
      assert.ok(server.requests.filter(isWrite).every(({ user, verb }) => user === undefined && verb === 'patch'));
    });
  });

  describe('when a person deletes the Hold', () => {
    const remove = ({ client, hold }: HoldBench): Promise<void> =>
      client.delete(resources.holds, hold()?.metadata ?? { name: '' });
    const gone = ({ hold }: HoldBench): Promise<boolean> =>
      eventually(() => hold() === undefined, { what: 'the end of the Hold', everyMs: 5, timeoutMs: 5_000 });

    it('lets go of one whose rollback is refused', async () => {
      const running = await start();
      running.server.fault = (request) => {
        if (isWrite(request)) throw denied;
        return undefined;
      };
      running.controller.start();
      await running.create();
      await running.phase('Failed');
      await remove(running);
      await gone(running);
    });

    it('keeps it until its incident has noted it, where the history refuses the lift: the incident would create it again', async () => {
      const running = await start();
      const { server, client, advance } = running;
      const found = await client.create(resources.incidents, incident('web-2-abc', undefined));
      running.controller.start();
      await running.create(running.rollback({ incident: 'web-2-abc' }));
      const { metadata } = await running.phase('Held');
      server.fault = ({ type }) => {
        if (type.kind === 'ReleaseHistory') throw denied;
        return undefined;
      };
      await remove(running);
      for (let i = 0; i < 5; i += 1) await advance(60_000);
      assert.ok(running.hold());
      const body = { status: { holdRef: { name: metadata.name } } };
      await client.patch(resources.incidents, found.metadata, { type: 'merge', body }, { subresource: 'status' });
      await advance(60_000);
      await gone(running);
    });

    for (const [what, refusal, waitMs] of [
      ['is refused', new KubeError('releasehistories is forbidden', { status: 403, reason: 'Forbidden' }), 0],
      ['gets no answer', new KubeError('no answer', { status: 0, reason: 'Unreachable' }), 70_000],
    ] as const) {
      it(`lets go of it though the history ${what}, and says what is not remembered`, async () => {
        const running = await start();
        running.controller.start();
        await running.create();
        await running.phase('Held');
        running.server.fault = ({ type }) => {
          if (type.kind === 'ReleaseHistory') throw refusal;
          return undefined;
        };
        await remove(running);
        if (waitMs > 0) {
          await running.advance(1000);
          assert.ok(running.hold(), 'it may be over in a moment');
          await running.advance(waitMs);
        }
        await gone(running);
        const said = running.occurrences.find(({ reason }) => reason === 'HoldLifted')?.message ?? '';
        assert.match(said, /lifted, but the history does not say so.*: (releasehistories is forbidden|no answer)$/);
      });
    }
  });
});
