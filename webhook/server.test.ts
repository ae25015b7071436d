import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, it } from 'mocha';
import { systemClock } from '../src/clock.ts';
import { createMetrics, silentLog } from '../src/telemetry/index.ts';
import { applyPatch } from '../test/support/json-patch.ts';
import { eventually } from '../test/support/poll.ts';
import { issueCa, issueLeaf } from './issue.ts';
import type { PatchOperation } from './json-patch.ts';
import { startWebhookServer, type WebhookServerPorts, webhookApp } from './server.ts';

interface Answer {
  apiVersion: string;
  response: { uid: string; allowed: boolean; patch?: string; auditAnnotations?: { decision: string } };
}

const calm = { withoutSidecars: () => undefined, outOfBounds: () => undefined, stopped: () => undefined };

const portsOf = (change: Partial<WebhookServerPorts>): WebhookServerPorts => ({
  clock: { ...systemClock, sleep: async () => {} },
  log: silentLog(),
  metrics: createMetrics(),
  certificates: { ready: async () => {}, onChange: () => () => {} },
  settings: () => ({
    image: 'sidecar:1',
    recordUrl: 'https://m.svc/api/v1/records',
    ca: 'PEM',
    bounds: { limitRanges: [], quotas: [] },
    networkPolicies: [],
  }),
  systemNamespace: 'metricops-system',
  cluster: () => calm,
  onAdmitted: () => {},
  ...change,
});

describe('the admission server', () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  const serve = async (change: { broken?: boolean; draining?: boolean } = {}) => {
    const injected: string[] = [];
    const app = webhookApp(
      portsOf({
        cluster: () => {
          if (change.broken) throw new Error('no such thing');
          return calm;
        },
        onAdmitted: (_pod, namespace) => void injected.push(namespace),
      }),
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
    return { post, review, injected, port };
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

  describe('beside clients that send bodies and never end them', () => {
    const bodyOf = (uid: string): string =>
      JSON.stringify({
        kind: 'AdmissionReview',
        apiVersion: 'admission.k8s.io/v1',
        request: { uid, ...create, object: pod },
      });

    it('answers allowed without reading when the budget of bodies is spent', async () => {
      const { port } = await serve();
      const silent: Socket[] = [];
      for (const address of ['127.0.0.2', '127.0.0.3']) {
        for (let i = 0; i < 4; i += 1) {
          const socket = connect({ port, host: '127.0.0.1', localAddress: address });
          socket.on('error', () => {}); // closed by the server in the end
          socket.write(`POST /mutate-pods HTTP/1.1\r\nhost: x\r\ncontent-length: ${3 << 20}\r\n\r\n{`);
          silent.push(socket);
        }
      }
      ends.push(() => {
        for (const socket of silent) socket.destroy();
      });
      const ask = (body: string): Promise<Response> =>
        fetch(`http://127.0.0.1:${port}/mutate-pods`, { method: 'POST', body });
      const answer = await eventually(async () => {
        const { response } = (await (await ask(bodyOf('u-2'))).json()) as Answer;
        return response.auditAnnotations?.decision === 'TooManyRequests' ? response : undefined;
      });
      assert.deepEqual([answer.uid, answer.allowed, answer.patch], ['u-2', true, undefined]);
      assert.equal((await ask('x'.repeat(100_000))).status, 503, 'no uid to answer for');
      for (const socket of silent) socket.destroy();
      await eventually(async () => {
        const { response } = (await (await ask(bodyOf('u-3'))).json()) as Answer;
        return response.auditAnnotations?.decision === 'Injected';
      });
    });
  });

  it('answers the API server while somebody holds as many connections as there may be', async () => {
    const { cert, key } = await leaf();
    const certificates: WebhookServerPorts['certificates'] = {
      ready: async () => {},
      onChange(use) {
        use({ cert, key, bundle: '' });
        return () => {};
      },
    };
    const server = startWebhookServer(portsOf({ certificates }), { port: 0, host: '127.0.0.1' });
    const port = await eventually(() => server.port());
    const silent = Array.from({ length: 300 }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}));
    try {
      await Promise.all(silent.map((socket) => once(socket, 'connect')));
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
      silent.push(socket);
      await once(socket, 'secureConnect');
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 404/);
      const [oldest] = silent;
      oldest?.resume(); // an end is seen by who reads
      await eventually(() => oldest?.destroyed);
      assert.equal(silent.at(-2)?.destroyed, false);
    } finally {
      for (const socket of silent) socket.destroy();
      await server.stop();
    }
  });
});

const leaf = async (): Promise<{ cert: string; key: string }> => {
  const ca = await issueCa(Date.now());
  const { certificate, key } = await issueLeaf(ca, ['127.0.0.1'], Date.now());
  return { cert: certificate, key };
};
