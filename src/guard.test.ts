import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'mocha';
import { createGuard } from './guard.ts';
import { createLog } from './telemetry/index.ts';

const setUp = (tell?: (object: string, message: string) => Promise<void>) => {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const told: Record<string, string> = {};
  const guard = createGuard({
    log: createLog({ destination }),
    kind: 'sync',
    isForeseen: (error) => error instanceof RangeError,
    tell:
      tell ??
      (async (object, message) => {
        told[object] = message;
      }),
  });
  return { guard, lines, told };
};
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const boom = (message: string) => (): never => {
  throw new TypeError(message);
};

describe('the guard of objects', () => {
  it('lets the others go on, and tells the object under the id that the log has', async () => {
    const { guard, lines, told } = setUp();
    const done: string[] = [];
    for (const object of ['a/one', 'a/two', 'a/three']) {
      guard.run(object, () => (object === 'a/two' ? boom('no')() : done.push(object)));
    }
    await settled();
    assert.deepEqual([done, Object.keys(told)], [['a/one', 'a/three'], ['a/two']]);
    const [, id] = /unexpected TypeError; .* under ([0-9a-f]{8})$/.exec(told['a/two'] ?? '') ?? [];
    const entry = JSON.parse(lines[0] ?? '{}') as { id: string; sync: string; at: string[] };
    assert.deepEqual([entry.id, entry.sync], [id, 'a/two']);
    assert.match(entry.at[0] ?? '', /^at .*guard\.test\.ts/);
  });

  it('shows nothing of the text of an error, neither to people nor to the log', async () => {
    const { guard, lines, told } = setUp();
    guard.run('a/one', boom('Received "hunter2"\n    at hunter2 (hunter2)'));
    guard.run('a/two', () => {
      throw Object.assign(new Error('hunter2'), { name: 'hunter2 x', code: 'hunter2?', hunter2: 1 });
    });
    guard.run('a/three', () => {
      throw 'hunter2';
    });
    await settled();
    assert.equal(lines.length, 3);
    assert.ok(!JSON.stringify([lines, told]).includes('hunter2'), JSON.stringify([lines, told]));
  });

  it('has work of a queue fail as before, told of unless it was foreseen', async () => {
    const { guard, told } = setUp();
    const work = guard.wrap(async (object) => {
      throw object === 'a/known' ? new RangeError('known') : new TypeError('unknown');
    });
    await assert.rejects(work('a/one'), TypeError);
    await assert.rejects(work('a/known'), RangeError);
    assert.deepEqual(Object.keys(told), ['a/one']);
  });

  it('survives that nobody can be told', async () => {
    const { guard, lines } = setUp(() => Promise.reject(new Error('no answer')));
    guard.run('a/one', boom('no'));
    await settled();
    assert.equal(lines.length, 2);
  });
});
