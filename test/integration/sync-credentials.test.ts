import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { resources } from '../../src/kube/index.ts';
import { writeCertificates } from '../../tools/cluster/certificates.ts';
import { type GitRepository, type GitServer, startGitServer } from '../../tools/lib/git-server.ts';
import { configMap, useSync, yaml } from '../support/sync.ts';

describe('the Secret of a private repository', () => {
  const { plane, bench } = useSync();
  let dir: string;
  let server: GitServer;
  let repository: GitRepository;
  let ca: string;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'metricops-credentials-'));
    await writeCertificates(dir, [{ name: 'git', commonName: 'git', names: ['127.0.0.1'] }]);
    const pem = (name: string): string => readFileSync(join(dir, name), 'utf8');
    ca = pem('ca.crt');
    server = await startGitServer({
      tls: { key: pem('git.key'), cert: pem('git.crt') },
      credentials: { token: 'secret-token' },
    });
    repository = server.repository('private');
    repository.commit({ 'a.yaml': yaml(configMap('one')) });
  });
  after(async () => {
    await server.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('may be the one that Flux has: bearerToken, and caFile as its older versions write it', async () => {
    const ns = await plane().namespace('sync');
    const put = (stringData: object) =>
      plane().client.apply(
        resources.secrets,
        { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: ns, name: 'flux' }, stringData },
        { fieldManager: 'test', force: true },
      );
    await put({ 'identity.pub': 'hunter2', username: 'me' });
    await bench().sync(ns, 'app', { source: { git: { url: repository.url, secretRef: { name: 'flux' } } } });
    const refused = await bench().ready(ns, 'app', 'False', /SecretNotFound .*its keys are identity.pub, username/);
    assert.doesNotMatch(JSON.stringify(refused.status), /hunter2/);
    await put({ bearerToken: 'secret-token', caFile: ca });
    await bench().ready(ns, 'app');
    assert.ok(await plane().client.get(resources.configMaps, { namespace: ns, name: 'one' }));
  });
});
