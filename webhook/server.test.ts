import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'mocha';
import { systemClock } from '../src/clock.ts';
import { createMetrics, silentLog } from '../src/telemetry/index.ts';
import { applyPatch } from '../test/support/json-patch.ts';
import type { CertificateKeeper } from './certificates.ts';
import type { PatchOperation } from './json-patch.ts';
import { webhookApp } from './server.ts';

interface Answer {
  apiVersion: string;
  response: { uid: string; allowed: boolean; patch?: string; auditAnnotations?: { decision: string } };
}

describe('the admission server', () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  const serve = async (change: { broken?: boolean; draining?: boolean } = {}) => {
    const injected: string[] = [];
    const app = webhookApp(
      {
        clock: systemClock,
        log: silentLog(),
        metrics: createMetrics(),
        certificates: {} as CertificateKeeper,
        settings: () => ({
          image: 'sidecar:1',
          recordUrl: 'https://m.svc/api/v1/records',
          ca: 'PEM',
          bounds: { limitRanges: [], quotas: [] },
          networkPolicies: [],
        }),
        cluster: () => {
          if (change.broken) throw new Error('no such thing');
          return { withoutSidecars: () => undefined, outOfBounds: () => undefined, stopped: () => undefined };
        },
        onAdmitted: (_pod, namespace) => void injected.push(namespace),
      },
      () => change.draining === true,
    );
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const post = (path: string, body: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      });
    const review = async (path: string, request: object): Promise<Answer> => {
      const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { uid: 'u-1', ...request } };
      const answer = await post(path, JSON.stringify(body));
      assert.equal(answer.status, 200);
      return (await answer.json()) as Answer;
    };
    return { post, review, injected };
  };

  const pod = {
    metadata: { annotations: { 'metricops.dev/inject': 'true' } },
    spec: { containers: [{ name: 'app' }] },
  };
  const create = { operation: 'CREATE', namespace: 'shop' };

  it('answers with a patch and what it decided', async () => {
    const { review, injected } = await serve();
    const { response, apiVersion } = await review('/mutate-pods', { ...create, object: pod });
    assert.equal(apiVersion, 'admission.k8s.io/v1');
    assert.deepEqual([response.uid, response.allowed, response.auditAnnotations?.decision], ['u-1', true, 'Injected']);
    const patch = JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString()) as PatchOperation[];
    assert.equal((applyPatch(pod, patch).spec as unknown as { initContainers: unknown[] }).initContainers.length, 1);
    assert.deepEqual(injected, ['shop']);
  });

  it('knows by the path that the namespace asked', async () => {
    const { review } = await serve();
    const silent = { spec: { containers: [{ name: 'app' }] } };
    const decision = async (path: string): Promise<string | undefined> =>
      (await review(path, { ...create, object: silent })).response.auditAnnotations?.decision;
    assert.equal(await decision('/mutate-pods/of-namespace'), 'Injected');
    assert.equal(await decision('/mutate-pods'), 'NotOptedIn');
  });

  it('touches nothing beside the answer in a dry run', async () => {
    const { review, injected } = await serve();
    const { response } = await review('/mutate-pods', { ...create, object: pod, dryRun: true });
    assert.ok(response.patch);
    assert.deepEqual(injected, []);
  });

  it('lets the pod through when it fails itself', async () => {
    const { review } = await serve({ broken: true });
    const { response } = await review('/mutate-pods', { ...create, object: pod });
    assert.deepEqual([response.allowed, response.patch], [true, undefined]);
    assert.equal(response.auditAnnotations?.decision, 'InjectionError');
  });

  it('lets objects through that are nothing like what it expects', async () => {
    const { review } = await serve();
    for (const object of [
      {},
      { metadata: null, spec: null },
      { metadata: { annotations: 7 }, spec: { containers: {} } },
    ]) {
      for (const path of ['/mutate-pods', '/mutate-pods/of-namespace', '/mutate-workloads']) {
        assert.equal((await review(path, { ...create, object })).response.allowed, true);
      }
    }
  });

  it('refuses what is no AdmissionReview, and bodies over its bound', async () => {
    const { post } = await serve();
    assert.equal((await post('/mutate-pods', 'not json')).status, 400);
    assert.equal((await post('/mutate-pods', '{"kind":"Pod"}')).status, 400);
    assert.equal((await post('/mutate-pods', `"${'x'.repeat(4 << 20)}"`)).status, 413);
    assert.equal((await post('/elsewhere', '{}')).status, 404);
  });

  it('asks for the connection to be closed while it drains', async () => {
    assert.equal((await (await serve()).post('/mutate-pods', '{}')).headers.get('connection'), 'keep-alive');
    assert.equal(
      (await (await serve({ draining: true })).post('/mutate-pods', '{}')).headers.get('connection'),
      'close',
    );
  });
});
