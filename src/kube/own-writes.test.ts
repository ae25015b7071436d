import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { createOwnWrites } from './own-writes.ts';

const object = (resourceVersion: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'shop', name: 'web', resourceVersion },
});

describe('what this process wrote itself', () => {
  const setUp = () => {
    const watch: { shows: KubeObject | undefined } = { shows: undefined };
    const own = createOwnWrites({ get: () => watch.shows });
    const version = (): string | undefined => own.newest('shop/web')?.metadata.resourceVersion;
    return { watch, own, version };
  };

  it('counts until the watch shows it, or something later', () => {
    const { watch, own, version } = setUp();
    watch.shows = object('9');
    own.note(object('10'));
    assert.equal(version(), '10');
    watch.shows = object('11');
    assert.equal(version(), '11');
    watch.shows = object('9');
    assert.equal(version(), '9', 'the watch has shown a later one: what is written is forgotten');
  });

  it('is no news when the watch shows it, before the answer and after it; what another one wrote is', async () => {
    const { own } = setUp();
    assert.equal(own.isNews(object('9')), true);
    const answer = Promise.withResolvers<KubeObject>();
    const sent = own.send('shop/web', () => answer.promise);
    assert.equal(own.isNews(object('10')), false, 'the watch is faster than the answer');
    answer.resolve(object('10'));
    assert.equal((await sent).metadata.resourceVersion, '10');
    assert.equal(own.isNews(object('10')), false);
    assert.equal(own.isNews(object('11')), true);
  });

  it('is forgotten where the request failed', async () => {
    const { own } = setUp();
    await assert.rejects(
      own.send('shop/web', () => Promise.reject(new Error('refused'))),
      /refused/,
    );
    assert.equal(own.isNews(object('9')), true);
  });

  it('counts also before the watch shows the object at all, and not when it is gone', () => {
    const { own, version } = setUp();
    assert.equal(version(), undefined);
    own.note(object('10'));
    assert.equal(version(), '10');
    own.forget(object('10'));
    assert.equal(version(), undefined);
  });
});
