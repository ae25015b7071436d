import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import { isConflict } from './errors.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers.ts';
import { resources } from './resources.ts';

const OURS = 'example.com/ours';
const THEIRS = 'example.com/theirs';

describe('a finalizer', () => {
  const setUp = async (...finalizers: string[]) => {
    const { client, get, requests } = createApiServer({ namespaces: ['shop'] });
    const type = resources.configMaps;
    const metadata = { namespace: 'shop', name: 'a', finalizers };
    const object = await client.create(type, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
    requests.length = 0;
    return { client, type, object, requests, live: () => get(type, 'shop', 'a') };
  };

  it('is added and removed beside those of others, and costs a request only where that changes something', async () => {
    const { client, type, object, requests, live } = await setUp(THEIRS);
    const added = await addFinalizer(client, type, object, OURS);
    assert.deepEqual(live()?.metadata.finalizers, [THEIRS, OURS]);
    assert.ok(hasFinalizer(added, OURS));
    assert.equal(await addFinalizer(client, type, added, OURS), added);
    await removeFinalizer(client, type, object, OURS);
    assert.equal(requests.length, 1);
    await removeFinalizer(client, type, added, OURS);
    assert.deepEqual(live()?.metadata.finalizers, [THEIRS]);
  });

  it('is not written by what was read before somebody else wrote theirs', async () => {
    const { client, type, object, live } = await setUp(OURS);
    const body = { metadata: { finalizers: [OURS, THEIRS] } };
    await client.patch(type, object.metadata, { type: 'merge', body });
    await assert.rejects(removeFinalizer(client, type, object, OURS), isConflict);
    assert.deepEqual(live()?.metadata.finalizers, [OURS, THEIRS]);
  });
});
