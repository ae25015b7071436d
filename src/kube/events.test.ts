import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { eventually } from '../../test/support/poll.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Occurrence } from '../api/occurrence.ts';
import { KubeError } from './errors.ts';
import { createEventSink } from './events.ts';
import type { KubeClient } from './types.ts';

const about = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'shop', name, uid: `uid-${name}` },
});
const event = (message: string): Omit<Occurrence, 'regarding'> => ({
  severity: 'info',
  reason: 'ReconciliationSucceeded',
  action: 'Sync',
  message,
});

/** What would be sent, and a clock to move. */
const recorder = (answer: () => Promise<unknown> = async () => ({})) => {
  const created: KubeObject[] = [];
  const patched: unknown[] = [];
  const errors: unknown[] = [];
  const time = { now: 1_000_000 };
  const client = {
    create(_type: unknown, object: KubeObject) {
      created.push(object);
      return answer();
    },
    patch(_type: unknown, _name: unknown, patch: { body: unknown }) {
      patched.push(patch.body);
      return answer();
    },
  } as unknown as KubeClient;
  const occurred = createEventSink(client, {
    instance: 'test',
    clock: {
      now: () => time.now,
      sleep: async (ms) => {
        time.now += ms;
      },
    },
    onError: (error) => errors.push(error),
  });
  return { occurred, created, patched, errors, time };
};

/** As kube-apiserver 1.34 answers. */
const terminating = (): KubeError =>
  new KubeError('events.events.k8s.io "a" is forbidden: unable to create new content in namespace shop', {
    status: 403,
    reason: 'Forbidden',
    details: { causes: [{ reason: 'NamespaceTerminating', message: 'namespace shop is being terminated' }] },
  });

describe('events', () => {
  it('reports an event that was refused, but not one of an object that goes with its namespace', async () => {
    const answers = [terminating(), new KubeError('forbidden', { status: 403, reason: 'Forbidden' })];
    const { occurred, created, errors } = recorder(async () => {
      throw answers.shift();
    });
    for (const name of ['gone', 'refused']) occurred({ regarding: about(name), ...event('said') });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([created.length, errors.map(String)], [2, ['KubeError: forbidden']]);
  });

  it('counts a repeated event instead of sending it again', () => {
    const { occurred, created, patched, time } = recorder();
    for (let i = 0; i < 10; i += 1) {
      occurred({ regarding: about('a'), ...event('same') });
      time.now += 20_000;
    }
    assert.equal(created.length, 1);
    assert.deepEqual(
      patched.map((p) => (p as { series: { count: number } }).series.count),
      [4, 7, 10],
    );
  });

  it('starts anew after a long silence', () => {
    const { occurred, created, time } = recorder();
    occurred({ regarding: about('a'), ...event('same') });
    time.now += 10 * 60_000;
    occurred({ regarding: about('a'), ...event('same') });
    assert.equal(created.length, 2);
  });

  it('bounds what one object may say, not what others say', () => {
    const { occurred, created, time } = recorder();
    for (let i = 0; i < 100; i += 1) occurred({ regarding: about('noisy'), ...event(`${i}`) });
    occurred({ regarding: about('quiet'), ...event('once') });
    assert.equal(created.length, 26);
    time.now += 2 * 60_000;
    for (let i = 100; i < 200; i += 1) occurred({ regarding: about('noisy'), ...event(`${i}`) });
    assert.equal(created.length, 28);
  });

  it('survives any failure', async () => {
    const { occurred, errors } = recorder(() =>
      Promise.reject(new KubeError('no', { status: 403, reason: 'Forbidden' })),
    );
    occurred({ regarding: about('a'), ...event('x') });
    await new Promise(setImmediate);
    assert.equal(errors.length, 1);
  });

  it('names the Event after its object as far as the API server allows', () => {
    const { occurred, created } = recorder();
    for (const name of ['web', 'MyRole:View', `${'a'.repeat(199)}.-b`, '...'])
      occurred({ regarding: about(name), ...event('x') });
    for (const { metadata } of created)
      assert.match(metadata.name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
    assert.match(created[1]?.metadata.name ?? '', /^myrole-view\./);
  });

  it('cuts a long note by bytes', () => {
    const { occurred, created } = recorder();
    occurred({ regarding: about('a'), ...event('ü'.repeat(2000)) });
    const note = String((created[0] as unknown as { note: string }).note);
    assert.ok(Buffer.byteLength(note) <= 1024);
    assert.match(note, /ü…$/);
  });

  it('sends many different ones at a pace, and all of them', async () => {
    const { occurred, created } = recorder();
    for (let i = 0; i < 200; i += 1) occurred({ regarding: about(`a${i}`), ...event('first') });
    assert.equal(created.length, 50);
    for (let i = 0; i < 10_000 && created.length < 200; i += 1) await Promise.resolve();
    assert.equal(created.length, 200);
  });

  it('sends the one Event of a namespace before the hundreds that another one has waiting', async () => {
    const { occurred, created } = recorder();
    for (let i = 0; i < 300; i += 1) occurred({ regarding: about(`noisy-${i}`), ...event('failed') });
    const quiet = about('web');
    quiet.metadata.namespace = 'quiet';
    occurred({ regarding: quiet, ...event('held') });
    await eventually(() => created.length === 301);
    const place = created.findIndex(({ metadata }) => metadata.namespace === 'quiet');
    assert.ok(place < 60, `${place} were sent before`);
  });

  it('has the release, its commit and the incident as annotations, so that nobody parses its note', () => {
    const { occurred, created } = recorder();
    occurred({ regarding: about('web'), ...event('rolled back'), revision: 'c0ffee', release: 3, incident: 'web-1' });
    assert.deepEqual(created[0]?.metadata.annotations, {
      'metricops.dev/revision': 'c0ffee',
      'metricops.dev/release': '3',
      'metricops.dev/incident': 'web-1',
    });
  });
});
