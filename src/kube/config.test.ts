import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { renewed } from '../../webhook/certificate-store.ts';
import { loadConnection, podConnection } from './config.ts';
import { createTransport } from './transport.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('connection of a kubeconfig', () => {
  let dir = '';
  const before = { ...process.env };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
    process.env.HOME = dir;
    delete process.env.KUBECONFIG;
    delete process.env.KUBERNETES_SERVICE_HOST;
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
    for (const name of ['HOME', 'KUBECONFIG', 'KUBERNETES_SERVICE_HOST']) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });

  /** Writes a kubeconfig with one cluster and the given user, in two contexts. */
  const write = (user: unknown, cluster: Record<string, unknown> = {}): string => {
    const file = join(dir, 'config');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'c',
          cluster: { server: 'https://k8s.example:6443', 'certificate-authority-data': base64('CA'), ...cluster },
        },
      ],
      users: [{ name: 'u', user }],
      contexts: [
        { name: 'one', context: { cluster: 'c', user: 'u' } },
        { name: 'two', context: { cluster: 'c', user: 'u', namespace: 'shop' } },
      ],
      'current-context': 'one',
    };
    writeFileSync(file, JSON.stringify(config));
    return file;
  };

  it('has certificates, context and namespace', async () => {
    const kubeconfig = write(
      { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') },
      { 'tls-server-name': 'other.example' },
    );
    const { server, ca, cert, key, namespace, token, insecure, serverName } = await loadConnection({
      kubeconfig,
      context: 'two',
    });
    assert.deepEqual(
      { server, ca, cert, key, namespace, token, insecure, serverName },
      {
        server: 'https://k8s.example:6443',
        ca: 'CA',
        cert: 'CERT',
        key: 'KEY',
        namespace: 'shop',
        token: undefined,
        insecure: false,
        serverName: 'other.example',
      },
    );
  });

  it('has a token, from KUBECONFIG too', async () => {
    process.env.KUBECONFIG = write({ token: 'secret-token' });
    const { token, namespace } = await loadConnection();
    assert.equal(await token?.(), 'secret-token');
    assert.equal(namespace, 'default');
  });

  it('asks an exec plugin, once for requests that come together', async () => {
    const count = join(dir, 'count');
    const credential = JSON.stringify({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'from-plugin', expirationTimestamp: '2000-01-01T00:00:00Z' },
    });
    const args = ['-c', `echo x >> ${count}; echo '${credential}'`];
    const kubeconfig = write({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args } });
    const { token } = await loadConnection({ kubeconfig });
    const tokens = await Promise.all([token?.(), token?.(), token?.()]);
    assert.deepEqual(tokens, ['from-plugin', 'from-plugin', 'from-plugin']);
    assert.equal(readFileSync(count, 'utf8').trim().split('\n').length, 2); // once to load, once for the three
  });

  it('says what there is when the context is not', async () => {
    await assert.rejects(loadConnection({ kubeconfig: write({}), context: 'three' }), /"three".*one, two/);
  });

  it('says so when there is no kubeconfig, or one that it can not use', async () => {
    await assert.rejects(loadConnection(), /no kubeconfig: set KUBECONFIG/);
    const proxied = write({}, { 'proxy-url': 'http://proxy.example' });
    await assert.rejects(loadConnection({ kubeconfig: proxied }), /proxy-url/);
  });
});

describe('connection of a pod', () => {
  it('goes on when the cluster rotates the CA of its API server', async () => {
    const [before, after] = await Promise.all([1, 2].map(() => renewed(undefined, ['127.0.0.1'], Date.now())));
    assert.ok(before && after);
    const folder = mkdtempSync(join(tmpdir(), 'serviceaccount-'));
    const write = (ca: string): void => writeFileSync(join(folder, 'ca.crt'), ca);
    for (const [name, text] of Object.entries({ token: 't', namespace: 'n' })) writeFileSync(join(folder, name), text);
    write(before.ca.certificate);
    const server = createServer({ cert: before.leaf.certificate, key: before.leaf.key }, (_request, response) => {
      response.setHeader('content-type', 'application/json').end('{"major":"1"}');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const env = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) };
    const transport = createTransport(podConnection(env, folder), {});
    const ask = (): Promise<unknown> => transport.json({ identity: {} }, { method: 'GET', path: '/version' });
    try {
      assert.deepEqual(await ask(), { major: '1' });
      server.setSecureContext({ cert: after.leaf.certificate, key: after.leaf.key });
      server.closeAllConnections();
      await assert.rejects(ask());
      rmSync(join(folder, 'ca.crt'));
      await assert.rejects(ask());
      write(before.ca.certificate + after.ca.certificate);
      assert.deepEqual(await ask(), { major: '1' });
    } finally {
      await transport.close();
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true });
    }
  });
});
