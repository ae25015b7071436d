import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fakeClock } from '../../../test/support/clock.ts';
import { labels } from '../../api/annotations.ts';
import type { KubeObject } from '../../api/meta.ts';
import { type KubeClient, KubeError } from '../../kube/index.ts';
import { createOwnedObjects } from './owned-objects.ts';

const WIDGETS = { group: 'example.com', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true };
const checkout = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: {
    namespace: 'shop',
    name: 'checkout',
    labels: { [labels.sync]: 'shop.app' },
    managedFields: [{ manager: 'metricops/shop/app', operation: 'Apply' }],
  },
} as unknown as KubeObject;
const gone = new KubeError('404 page not found', { status: 404, reason: 'HTTP404' });
const forbidden = new KubeError('User "metricops" cannot list resource "widgets"', {
  status: 403,
  reason: 'Forbidden',
});
const away = new KubeError('service unavailable', { status: 503, reason: 'ServiceUnavailable' });

/** A kind whose list answers, or fails, as the test says; a watch lasts until the test cuts it. */
const setUp = () => {
  const time = fakeClock();
  const kind: { list: KubeObject[] | KubeError; lists: number; cut: (error: KubeError) => void } = {
    list: [],
    lists: 0,
    cut: () => {},
  };
  const client = {
    async list() {
      kind.lists += 1;
      if (kind.list instanceof Error) throw kind.list;
      return { items: structuredClone(kind.list), resourceVersion: '1' };
    },
    async *watch() {
      await new Promise((_, reject) => {
        kind.cut = reject;
      });
    },
  } as unknown as KubeClient;
  const changes: [string | undefined, string | undefined][] = [];
  const owned = createOwnedObjects(
    client,
    { clock: time.clock, random: () => 0.5 },
    (_, object, previous) => changes.push([object?.metadata.name, previous?.metadata.name]),
    () => undefined,
  );
  return { ...time, kind, owned, changes };
};

describe('owned objects', () => {
  it('of a kind that is not served any more are told as gone, and never asked for until they are needed', async () => {
    const { kind, owned, changes, advance } = setUp();
    kind.list = [checkout];
    assert.equal((await owned.of(WIDGETS)).ownedBy('shop.app').length, 1);
    kind.list = gone;
    kind.cut(gone);
    await advance(1_000);
    assert.deepEqual(changes.at(-1), [undefined, 'checkout']);
    const lists = kind.lists;
    await advance(3_600_000);
    assert.equal(kind.lists, lists);
    kind.list = [checkout];
    assert.ok((await owned.of(WIDGETS)).get(checkout.metadata));
  });

  it('of an API that is away for a while stay known, and are listed again until it is back', async () => {
    const { kind, owned, changes, advance } = setUp();
    kind.list = [checkout];
    const widgets = await owned.of(WIDGETS);
    const heard = changes.length;
    kind.list = away;
    kind.cut(new KubeError('too old', { status: 410, reason: 'Expired' }));
    await advance(60_000);
    assert.ok(kind.lists > 2);
    assert.ok(widgets.get(checkout.metadata));
    assert.equal(changes.length, heard);
  });

  it('of a kind that may not be listed any more are gone at the next watch, and who asks hears why', async () => {
    const { kind, owned, changes, advance } = setUp();
    kind.list = [checkout];
    await owned.of(WIDGETS);
    kind.list = forbidden;
    kind.cut(forbidden);
    await advance(1_000);
    assert.deepEqual(changes.at(-1), [undefined, 'checkout']);
    await assert.rejects(owned.of(WIDGETS), /cannot list/);
  });

  it('are gone at once where somebody finds out that the kind may not be listed any more', async () => {
    const { kind, owned, changes } = setUp();
    kind.list = [checkout];
    await owned.of(WIDGETS);
    assert.equal(await owned.mayList(WIDGETS), true);
    kind.list = away;
    assert.equal(await owned.mayList(WIDGETS), true);
    assert.ok((await owned.of(WIDGETS)).get(checkout.metadata));
    kind.list = forbidden;
    assert.equal(await owned.mayList(WIDGETS), false);
    assert.deepEqual(changes.at(-1), [undefined, 'checkout']);
    await assert.rejects(owned.of(WIDGETS), /cannot list/);
  });

  it('that could never be listed fail who asks, and are asked for anew by the next', async () => {
    const { kind, owned } = setUp();
    kind.list = away;
    await assert.rejects(owned.of(WIDGETS), /service unavailable/);
    kind.list = [checkout];
    assert.ok((await owned.of(WIDGETS)).get(checkout.metadata));
  });
});
