import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { createGit } from '../../src/git/index.ts';
import { writeCertificates } from '../../tools/cluster/certificates.ts';
import { type GitRepository, type GitServer, startGitServer } from '../../tools/lib/git-server.ts';

describe('a repository behind a proxy', () => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-mirrors-'));
  const asked: string[] = [];
  let proxy: Server;
  let server: GitServer;
  let repository: GitRepository;
  let ca: string;
  before(async () => {
    await writeCertificates(dir, [{ name: 'git', commonName: 'git', names: ['127.0.0.1'] }]);
    const pem = (name: string): string => readFileSync(join(dir, name), 'utf8');
    ca = pem('ca.crt');
    server = await startGitServer({ tls: { key: pem('git.key'), cert: pem('git.crt') } });
    repository = server.repository('shop');
    repository.commit({ 'a.yaml': 'a: 1\n' });
    proxy = createServer().on('connect', (request, socket) => {
      asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`);
      const [host, port] = (request.url ?? '').split(':');
      const to = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(to).pipe(socket);
      });
      for (const each of [to, socket]) each.on('error', () => {}); // one of both hangs up first
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    for (const name of ['HTTPS_PROXY', 'NO_PROXY']) delete process.env[name];
    proxy.closeAllConnections();
    proxy.close();
    await server.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Its threads have the environment as it is when they start. */
  const polled = async (env: Record<string, string>): Promise<string[]> => {
    asked.length = 0;
    Object.assign(process.env, { NO_PROXY: '', ...env });
    const git = createGit(join(dir, 'mirrors'));
    try {
      await git.resolve({ url: repository.url, ref: { branch: 'main' }, credentials: { ca }, timeoutMs: 10_000 });
    } finally {
      await git.close();
    }
    return asked;
  };

  it('is reached through the proxy of HTTPS_PROXY with its password, and still trusts the CA of its own credentials', async () => {
    const { port } = proxy.address() as AddressInfo;
    const through = await polled({ HTTPS_PROXY: `http://me:secret-word@127.0.0.1:${port}` });
    const basic = Buffer.from('me:secret-word').toString('base64');
    assert.deepEqual(new Set(through), new Set([`${new URL(repository.url).host} Basic ${basic}`]));
  });

  it('is reached directly where NO_PROXY names its host', async () =>
    assert.deepEqual(await polled({ NO_PROXY: '127.0.0.1' }), []));
});
