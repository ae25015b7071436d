import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { eventually } from '../../test/support/poll.ts';
import type { KubeObject } from '../api/meta.ts';
import { createWatchCache } from './cache.ts';
import { KubeError } from './errors.ts';
import { resources } from './resources.ts';
import type { KubeClient, WatchEvent } from './types.ts';

const object = (name: string, resourceVersion: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'ns', name, resourceVersion, managedFields: [{}] },
});
const failure = (status: number): KubeError => new KubeError(`status ${status}`, { status, reason: 'Test' });

type Step = WatchEvent | { fail: KubeError } | { end: true };

/** Lists and watches as scripted: each watch plays one script, the last stays open. */
const setUp = (
  lists: (KubeObject[] | KubeError)[],
  watches: Step[][],
  onChange?: (o: KubeObject | undefined) => void,
  trim?: (o: KubeObject) => KubeObject,
) => {
  const calls: string[] = [];
  const changes: string[] = [];
  const watchErrors: string[] = [];
  const sleeps: number[] = [];
  const client = {
    async list() {
      const next = lists.shift() ?? [];
      calls.push('list');
      if (next instanceof KubeError) throw next;
      return { items: structuredClone(next), resourceVersion: '100' };
    },
    async *watch(_type: unknown, { resourceVersion }: { resourceVersion: string }, signal: AbortSignal) {
      calls.push(`watch ${resourceVersion}`);
      for (const step of watches.shift() ?? []) {
        if ('end' in step) return;
        if ('fail' in step) throw step.fail;
        yield structuredClone(step);
      }
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  } as unknown as KubeClient;
  const clock = { now: () => 0, sleep: async (ms: number) => void sleeps.push(ms) };
  const cache = createWatchCache(client, resources.configMaps, trim ? { trim } : {}, {
    clock,
    random: () => 0.5,
    onWatchError: ({ what }) => watchErrors.push(what),
  });
  if (onChange) cache.onChange(onChange);
  cache.onChange((now, before) => changes.push(`${before?.metadata.name ?? '-'}>${now?.metadata.name ?? '-'}`));
  return { cache, calls, changes, watchErrors, sleeps };
};

describe('watch cache', () => {
  it('goes on from where a broken connection left it', async () => {
    const { cache, calls, changes } = setUp(
      [[object('a', '1')]],
      [
        [{ type: 'ADDED', object: object('b', '101') }, { fail: failure(0) }],
        [{ type: 'BOOKMARK', resourceVersion: '150' }, { fail: failure(503) }],
      ],
    );
    await eventually(() => calls.includes('watch 150'));
    assert.deepEqual(calls, ['list', 'watch 100', 'watch 101', 'watch 150']);
    assert.deepEqual(changes, ['->a', '->b']);
    await cache.stop();
  });

  it('lists again when told so, and tells only of what changed meanwhile', async () => {
    const { cache, calls, changes, watchErrors } = setUp(
      [
        [object('same', '1'), object('goes', '2'), object('changes', '3')],
        [object('same', '1'), object('changes', '4'), object('comes', '5')],
      ],
      [[{ fail: failure(410) }]],
    );
    await eventually(() => calls.length === 4);
    assert.deepEqual(changes, ['->same', '->goes', '->changes', 'changes>changes', '->comes', 'goes>-']);
    assert.deepEqual(watchErrors, ['relist']);
    assert.equal(cache.get({ namespace: 'ns', name: 'goes' }), undefined);
    await cache.stop();
  });

  it('lists again when the server has never had the version, as after a restore of etcd', async () => {
    const { cache, calls } = setUp([[object('a', '1')], [object('b', '1')]], [[{ fail: failure(504) }]]);
    await eventually(() => calls.length === 4);
    assert.deepEqual(calls, ['list', 'watch 100', 'list', 'watch 100']);
    assert.deepEqual(
      cache.list('ns').map((o) => o.metadata.name),
      ['b'],
    );
    await cache.stop();
  });

  it('never gives up, and is ready when at last there was a list', async () => {
    const failures = Array.from({ length: 20 }, () => failure(403));
    const { cache, sleeps } = setUp([...failures, [object('a', '1')]], []);
    await cache.ready();
    assert.equal(cache.list().length, 1);
    assert.deepEqual(sleeps.slice(0, 3), [200, 400, 800]);
    assert.equal(Math.max(...sleeps), 30_000);
    await cache.stop();
  });

  it('does not hammer a server whose watches end at once', async () => {
    const { cache, sleeps } = setUp([[]], [[{ end: true }], [{ end: true }], [{ end: true }]]);
    await eventually(() => sleeps.length === 3);
    assert.deepEqual(sleeps, [200, 400, 800]);
    await cache.stop();
  });

  it('tells the others when one handler throws', async () => {
    const { cache, changes, watchErrors } = setUp([[object('a', '1'), object('b', '2')]], [], () => {
      throw new Error('a fault in a handler');
    });
    await cache.ready();
    assert.deepEqual(changes, ['->a', '->b']);
    assert.deepEqual(watchErrors, ['handler', 'handler']);
    await cache.stop();
  });

  it('drops managedFields, and is silent after stop', async () => {
    const { cache, changes } = setUp([[object('a', '1')]], []);
    await cache.ready();
    assert.equal(cache.get({ namespace: 'ns', name: 'a' })?.metadata.managedFields, undefined);
    await cache.stop();
    assert.equal(changes.length, 1);
  });

  it('keeps what cannot be trimmed as it is, and lists all the others', async () => {
    const trim = ({ data: _, ...rest }: KubeObject): KubeObject => {
      if (rest.metadata.name === 'odd') throw new TypeError('odd');
      return rest as KubeObject;
    };
    const withData = (name: string): KubeObject => ({ ...object(name, '1'), data: { k: 'v' } });
    const { cache, calls, watchErrors } = setUp([['a', 'odd', 'b'].map(withData)], [], undefined, trim);
    await cache.ready();
    assert.deepEqual(
      cache.list().map((o) => [o.metadata.name, o.data]),
      [
        ['a', undefined],
        ['odd', { k: 'v' }],
        ['b', undefined],
      ],
    );
    assert.deepEqual([calls[0], watchErrors], ['list', ['handler']]);
    await cache.stop();
  });
});
