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

  it('counts also before the watch shows the object at all, and not when it is gone', () => {
    const { own, version } = setUp();
    assert.equal(version(), undefined);
    own.note(object('10'));
    assert.equal(version(), '10');
    own.forget(object('10'));
    assert.equal(version(), undefined);
  });
});
