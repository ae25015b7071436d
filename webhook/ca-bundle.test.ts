import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../src/api/meta.ts';
import type { Occurrence } from '../src/api/occurrence.ts';
import { KubeError } from '../src/kube/errors.ts';
import type { KubeClient, Patch, WatchEvent } from '../src/kube/index.ts';
import { createMetrics, silentLog } from '../src/telemetry/index.ts';
import { fakeClock } from '../test/support/clock.ts';
import { applyPatch } from '../test/support/json-patch.ts';
import { keepCaBundle } from './ca-bundle.ts';
import type { CertificateKeeper } from './certificates.ts';
import type { PatchOperation } from './json-patch.ts';

const NAME = 'metricops';
const BUNDLE = 'PEM';
const OURS = Buffer.from(BUNDLE).toString('base64');

interface Entry {
  name: string;
  clientConfig: { caBundle?: string };
}

/** An API server that has nothing but our configuration. */
const serve = (answers: (KubeError | undefined)[] = []) => {
  const { clock, advance: pass } = fakeClock();
  /** What the watch and the keeper do between two ticks of the clock. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 4; i += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const advance = async (ms: number): Promise<void> => {
    await settle();
    await pass(ms);
    await settle();
  };
  let live: KubeObject = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: NAME, uid: 'u', resourceVersion: '1' },
    webhooks: [{ name: 'pods', clientConfig: {} }],
  };
  const sent: (() => void)[] = [];
  const events: Occurrence[] = [];
  const pending: WatchEvent[] = [];
  const set = (caBundle: string, manager: string): void => {
    const managedFields = [{ manager, time: '2030-01-01T00:00:00Z', fieldsV1: { 'f:webhooks': { 'f:caBundle': {} } } }];
    const resourceVersion = String(Number(live.metadata.resourceVersion) + 1);
    live = { ...live, metadata: { ...live.metadata, resourceVersion, managedFields } };
    live.webhooks = [{ name: 'pods', clientConfig: { caBundle } }];
    pending.push({ type: 'MODIFIED', object: live });
    for (const wake of sent.splice(0)) wake();
  };
  let patches = 0;
  const client = {
    list: async () => ({ items: [live], resourceVersion: live.metadata.resourceVersion ?? '' }),
    async *watch(_type: unknown, _options: unknown, signal: AbortSignal) {
      while (!signal.aborted) {
        yield* pending.splice(0);
        await new Promise<void>((resolve) => {
          sent.push(resolve);
          signal.addEventListener('abort', () => resolve());
        });
      }
    },
    async patch(_type: unknown, _name: unknown, patch: Patch) {
      patches += 1;
      const answer = answers.shift();
      if (answer) throw answer;
      const [, ...operations] = patch.body as PatchOperation[];
      const [entry] = applyPatch(live, operations).webhooks as Entry[];
      set(entry?.clientConfig.caBundle ?? '', 'metricops-webhook');
      return live;
    },
  } as unknown as KubeClient;
  const metrics = createMetrics();
  const keeper = keepCaBundle(
    {
      client,
      clock,
      log: silentLog(),
      metrics,
      occurred: (occurrence) => void events.push(occurrence),
      certificates: { current: () => ({ bundle: BUNDLE }), onChange: () => () => {} } as unknown as CertificateKeeper,
    },
    NAME,
  );
  return {
    keeper,
    events,
    set,
    settle,
    advance,
    patches: () => patches,
    caBundle: () => (live.webhooks as Entry[])[0]?.clientConfig.caBundle,
    trusted: async () => (await metrics.webhookTrusted.get()).values[0]?.value,
  };
};

describe('the CA bundle', () => {
  for (const [status, reason] of [
    [500, 'InternalError'],
    [403, 'Forbidden'],
    [409, 'Conflict'],
    [422, 'Invalid'],
    [0, 'Unreachable'],
  ] as const) {
    it(`is written in the end where the first write is answered ${status}`, async () => {
      const { keeper, advance, caBundle, patches, trusted } = serve([
        new KubeError('testing /metadata/resourceVersion failed', { status, reason }),
      ]);
      await advance(1_000);
      assert.equal(patches(), 1);
      assert.equal(keeper.written(), false);
      await advance(5_000);
      assert.equal(caBundle(), OURS);
      assert.deepEqual([keeper.written(), await trusted()], [true, 1]);
      await keeper.stop();
    });
  }

  it('is written ever more seldom while another writer changes it back, and an Event names that one', async () => {
    const { keeper, set, settle, advance, patches, events } = serve();
    await advance(1_000);
    assert.equal(patches(), 1);
    for (let second = 0; second < 600; second += 1) {
      set('dGhlaXJz', 'cert-manager-cainjector');
      await settle();
      await advance(1_000);
    }
    assert.ok(patches() <= 8, `${patches()} writes in ten minutes`);
    assert.match(events.at(-1)?.message ?? '', /The field manager cert-manager-cainjector writes caBundle, too/);
    await keeper.stop();
  });

  it('comes back at once where a person changed it, and the pauses begin anew when there is peace', async () => {
    const { keeper, set, settle, advance, caBundle } = serve();
    await advance(10_000);
    set('', 'kubectl');
    await settle();
    assert.equal(caBundle(), OURS);
    await advance(3_600_000);
    set('', 'kubectl');
    await settle();
    assert.equal(caBundle(), OURS);
    await keeper.stop();
  });
});
