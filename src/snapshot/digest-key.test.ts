import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { API_VERSION } from '../api/annotations.ts';
import { resources } from '../kube/resources.ts';
import { DIGEST_KEY_NAME, DigestKeyLost, keyId, loadDigestKey } from './digest-key.ts';

const SYSTEM = 'metricops-system';
const history = (releases: object[]): object => ({
  apiVersion: API_VERSION,
  kind: 'ReleaseHistory',
  metadata: { namespace: 'shop', name: 'deployment-web' },
  spec: { workloadRef: { kind: 'Deployment', name: 'web' }, releases },
});

describe('the key of an installation', () => {
  it('is made once, and the same for every replica', async () => {
    const server = createApiServer({ namespaces: [SYSTEM, 'shop'] });
    server.seed(resources.releaseHistories, history([]));
    const [one, other] = await Promise.all([
      loadDigestKey(server.client, SYSTEM),
      loadDigestKey(server.client, SYSTEM),
    ]);
    assert.deepEqual(one, other);
    assert.equal(one.length, 32);
    assert.deepEqual(await loadDigestKey(server.client, SYSTEM), one);
  });

  it('is never replaced by another one while releases are recorded: a restore forgot it', async () => {
    const server = createApiServer({ namespaces: [SYSTEM, 'shop'] });
    server.seed(resources.releaseHistories, history([{ number: 1 }]));
    await assert.rejects(loadDigestKey(server.client, SYSTEM), (error: Error) => {
      assert.ok(error instanceof DigestKeyLost);
      assert.match(error.message, /Secret metricops-system\/metricops-digest-key is missing.*kubectl .*create secret/s);
      return true;
    });
    assert.equal(server.get(resources.secrets, SYSTEM, DIGEST_KEY_NAME), undefined);
  });

  it('has a public name that says nothing of it', () => {
    const key = Buffer.alloc(32, 1);
    assert.match(keyId(key), /^[0-9a-f]{12}$/);
    assert.notEqual(keyId(key), keyId(Buffer.alloc(32, 2)));
  });
});
