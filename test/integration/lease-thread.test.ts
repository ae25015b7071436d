import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import {
  createKubeClient,
  createLeaseThread,
  KubeError,
  type LeaseThread,
  loadConnection,
  type OpenKubeClient,
  resources,
} from '../../src/kube/index.ts';
import { createVitals } from '../../src/vitals.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';

const LEASE_MS = 1_500; // leading ends 1 s after the last renewal

describe('the thread that holds the Lease', () => {
  const plane = useControlPlane();
  const endings: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });

  const start = async (maxBeatMs: number) => {
    const namespace = await plane().namespace('lease');
    const { kubeconfig } = plane();
    const thread = createLeaseThread({
      namespace,
      name: 'leader',
      identity: 'a',
      leaseMs: LEASE_MS,
      connection: { kubeconfig },
      maxBeatMs,
    });
    const terms: AbortSignal[] = [];
    const stopped = new AbortController();
    const done = thread.run({ lead: async (signal) => void terms.push(signal) }, stopped.signal);
    const client = createKubeClient(await loadConnection({ kubeconfig }));
    endings.push(
      () => client.close(),
      async () => {
        stopped.abort();
        await done;
      },
    );
    await eventually(() => terms.length === 1 && thread.term.isHeld(), { what: 'the first term' });
    const holder = async (): Promise<unknown> => {
      const lease = await plane().client.get(resources.leases, { namespace, name: 'leader' });
      return (lease?.spec as { holderIdentity?: string } | undefined)?.holderIdentity;
    };
    return { thread, terms, client, namespace, holder, stop: () => stopped.abort(), done };
  };

  /** What a slow expression or a huge manifest would do to the main loop. */
  const standStill = (ms: number): void => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  };
  const write = (client: OpenKubeClient, thread: LeaseThread, namespace: string) =>
    client.fenced(thread.term.isHeld).create(resources.configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name: 'written' },
    });

  it('renews while the main loop is busy for longer than a Lease lasts', async () => {
    const { thread, terms, client, namespace } = await start(60_000);
    standStill(2 * LEASE_MS);
    assert.equal(thread.term.isHeld(), true);
    await write(client, thread, namespace);
    assert.equal(terms.length, 1);
    assert.equal(terms[0]?.aborted, false);
  });

  it('lets a main loop that hangs lose the Lease, and no write of it is sent when it goes on', async () => {
    const { thread, terms, client, namespace } = await start(300);
    standStill(2 * LEASE_MS);
    // Before any message of the thread was delivered: the memory alone says so.
    assert.equal(thread.term.isHeld(), false);
    await assert.rejects(write(client, thread, namespace), (e) => e instanceof KubeError && e.reason === 'NotLeading');
    assert.equal(await plane().client.get(resources.configMaps, { namespace, name: 'written' }), undefined);
    await eventually(() => terms.length === 2 && terms[0]?.aborted, { what: 'a second term' });
    await write(client, thread, namespace);
  });

  it('sends reads whoever leads, and no write in another name either', async () => {
    const { client, namespace } = await start(60_000);
    const never = client.fenced(() => false);
    await never.list(resources.configMaps, { namespace });
    const impersonated = never.impersonate({ userName: 'someone' });
    const name = { namespace, name: 'kube-root-ca.crt' };
    await assert.rejects(impersonated.delete(resources.configMaps, name), { reason: 'NotLeading' });
  });

  it('gives the Lease up when it is asked to stop', async () => {
    const { holder, stop, done } = await start(60_000);
    assert.equal(await holder(), 'a');
    stop();
    await done;
    assert.equal(await holder(), '');
  });

  it('gives the Lease up and says why when leading fails', async () => {
    const namespace = await plane().namespace('lease');
    const thread = createLeaseThread({
      namespace,
      name: 'leader',
      identity: 'a',
      leaseMs: LEASE_MS,
      connection: { kubeconfig: plane().kubeconfig },
    });
    const lead = async (): Promise<void> => {
      throw new Error('no room');
    };
    await assert.rejects(thread.run({ lead }, new AbortController().signal), /no room/);
    const lease = await plane().client.get(resources.leases, { namespace, name: 'leader' });
    assert.equal((lease?.spec as { holderIdentity?: string } | undefined)?.holderIdentity, '');
  });

  it('says of a leader that goes on without the Lease that only a restart helps', async () => {
    let now = 0;
    const vitals = createVitals(() => now);
    const namespace = await plane().namespace('lease');
    const thread = createLeaseThread({
      namespace,
      name: 'leader',
      identity: 'a',
      leaseMs: LEASE_MS,
      connection: { kubeconfig: plane().kubeconfig },
      vitals,
    });
    const hangs = Promise.withResolvers<void>();
    const stopped = new AbortController();
    const done = thread.run({ lead: () => hangs.promise }, stopped.signal);
    const afterwards = (ms: number): string[] => {
      for (let i = 0; i <= ms; i += 10_000) {
        now += 10_000;
        vitals.stuck();
      }
      return vitals.stuck();
    };
    try {
      await eventually(() => thread.term.isHeld(), { what: 'the Lease' });
      assert.deepEqual(afterwards(600_000), []);
      // Somebody else has it.
      const body = { spec: { holderIdentity: 'b', leaseDurationSeconds: 3600 } };
      await eventually(
        async () => {
          await plane().client.patch(resources.leases, { namespace, name: 'leader' }, { type: 'merge', body });
          return !thread.term.isHeld();
        },
        { what: 'the loss of the Lease' },
      );
      assert.match(afterwards(130_000).join(), /^the leader has made no progress for 1[0-9]{2} s$/);
    } finally {
      hangs.resolve();
      stopped.abort();
      await done;
    }
    assert.deepEqual(afterwards(600_000), []);
  });
});
