import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { fakeClock } from '../../test/support/clock.ts';
import { createWorkQueue, type WorkQueueOptions } from './queue.ts';

const setUp = (options: Partial<WorkQueueOptions> & { worker: WorkQueueOptions['worker'] }) => {
  const time = fakeClock();
  const retries: number[] = [];
  const queue = createWorkQueue({
    concurrency: 1,
    clock: time.clock,
    random: () => 0.5,
    onError: (_key, _error, retryInMs) => retries.push(retryInMs),
    ...options,
  });
  return { ...time, queue, retries };
};

/** A worker whose jobs end when the test says so. */
const manualWorker = () => {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const worker = (key: string): Promise<undefined> => {
    started.push(key);
    return new Promise((resolve) => ends.set(key, () => resolve(undefined)));
  };
  return { started, worker, end: (key: string) => ends.get(key)?.() };
};

describe('work queue', () => {
  it('does once what was asked for twice, and again what was asked for while it ran', async () => {
    const { started, worker, end } = manualWorker();
    const { queue, settle } = setUp({ worker });
    for (const key of ['n/a', 'n/b', 'n/b', 'n/a', 'n/a']) queue.add(key);
    assert.deepEqual(started, ['n/a']);
    end('n/a');
    await settle();
    end('n/b');
    await settle();
    assert.deepEqual(started, ['n/a', 'n/b', 'n/a']);
  });

  it('serves namespaces in turn', async () => {
    const { started, worker, end } = manualWorker();
    const { queue, settle } = setUp({ worker });
    for (const key of ['busy/1', 'busy/2', 'busy/3', 'busy/4', 'calm/1']) queue.add(key);
    for (const key of ['busy/1', 'busy/2', 'calm/1']) {
      end(key);
      await settle();
    }
    assert.equal(started.indexOf('calm/1') < 3, true, started.join());
  });

  it('tries a failing key again, later each time, up to a bound, and from the start after a success', async () => {
    let failing = true;
    const { queue, retries, advance } = setUp({
      worker: async () => {
        if (failing) throw new Error('no');
        return undefined;
      },
      maxBackoffMs: 1000,
    });
    queue.add('n/a');
    await advance(5000);
    assert.deepEqual(retries.slice(0, 5), [400, 800, 1000, 1000, 1000]);
    failing = false;
    await advance(2000);
    failing = true;
    retries.length = 0;
    queue.add('n/a');
    await advance(0);
    assert.deepEqual(retries, [400]);
  });

  it('comes back when the worker says when, and sooner when it is asked for sooner', async () => {
    const runs: number[] = [];
    const { queue, clock, advance } = setUp({
      worker: async () => {
        runs.push(clock.now());
        return 1000;
      },
    });
    queue.add('n/a');
    await advance(1500);
    queue.add('n/a', 100); // due at 1600 instead of 2000
    queue.add('n/a', 5000); // later than that: changes nothing
    await advance(600);
    assert.deepEqual(runs, [0, 1000, 1600]);
    queue.add('n/a');
    await advance(0);
    assert.deepEqual(runs, [0, 1000, 1600, 2100]);
  });

  it('gives a namespace no more workers than its share: one that hangs leaves room for the others', async () => {
    const { started, worker, end } = manualWorker();
    const { queue, settle } = setUp({ worker, concurrency: 4, perGroup: 2 });
    for (const key of ['hung/1', 'hung/2', 'hung/3', 'hung/4', 'calm/1', 'calm/2']) queue.add(key);
    assert.deepEqual(started, ['hung/1', 'hung/2', 'calm/1']); // the last place is for a namespace that has none
    end('calm/1');
    await settle();
    queue.add('late/1');
    assert.deepEqual(started.slice(3), ['calm/2', 'late/1']);
    for (const key of ['calm/2', 'late/1']) end(key);
    await settle();
    assert.equal(started.filter((key) => key.startsWith('hung/')).length, 2); // workers are free, and not for it
    end('hung/1');
    await settle();
    assert.deepEqual(started.slice(5), ['hung/3']); // in the order in which they were asked for
  });

  it('serves a hundred namespaces in turn, whatever one of them piles up', async () => {
    const { started, worker, end } = manualWorker();
    const { queue, settle } = setUp({ worker, concurrency: 4, perGroup: 2 });
    for (let i = 0; i < 1000; i += 1) queue.add(`busy/${i}`);
    for (let i = 0; i < 100; i += 1) queue.add(`shop-${i}/app`);
    for (let done = 0; done < 250; done += 1) {
      end(started[done] ?? '');
      await settle();
    }
    assert.equal(started.filter((key) => key.startsWith('shop-')).length, 100);
    const own = started.filter((key) => key.startsWith('busy/'));
    assert.deepEqual(
      own,
      [...own].sort((a, b) => Number(a.slice(5)) - Number(b.slice(5))),
    );
  });

  it('gives the place of work that failed to the next of its namespace', async () => {
    const started: string[] = [];
    const { queue, settle } = setUp({
      concurrency: 4,
      perGroup: 1,
      worker: async (key) => {
        started.push(key);
        throw new Error('no');
      },
    });
    for (const key of ['n/a', 'n/b', 'n/c']) queue.add(key);
    assert.deepEqual(started, ['n/a']);
    await settle();
    assert.deepEqual(started, ['n/a', 'n/b', 'n/c']);
  });

  it('starts nothing after stop, and waits for what runs', async () => {
    const { started, worker, end } = manualWorker();
    const { queue, settle, advance, waiting } = setUp({ worker });
    for (const key of ['n/a', 'n/b']) queue.add(key);
    queue.add('n/c', 100);
    let stopped = false;
    const done = queue.stop().then(() => {
      stopped = true;
    });
    queue.add('n/d');
    await advance(1000);
    assert.deepEqual([started, stopped, waiting()], [['n/a'], false, 0]);
    end('n/a');
    await settle();
    await done;
    assert.deepEqual(started, ['n/a']);
  });

  it('never runs a key twice at once nor more keys than allowed, in all or of a namespace, and forgets none', async () => {
    const step = fc.record({
      key: fc.constantFrom('a/1', 'a/2', 'b/1', 'b/2', 'c/1'),
      delay: fc.constantFrom(0, 0, 5),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, concurrency, perGroup) => {
          const running = new Set<string>();
          const lastStarted = new Map<string, number>();
          const lastAdded = new Map<string, number>();
          let order = 0;
          const { queue, clock, advance } = setUp({
            concurrency,
            perGroup,
            worker: async (key) => {
              assert.ok(!running.has(key));
              running.add(key);
              assert.ok(running.size <= concurrency);
              assert.ok([...running].filter((other) => other[0] === key[0]).length <= perGroup);
              order += 1;
              lastStarted.set(key, order);
              await clock.sleep(3);
              running.delete(key);
              if (order % 7 === 0) throw new Error('now and then');
              return undefined;
            },
            maxBackoffMs: 20,
          });
          for (const { key, delay } of steps) {
            lastAdded.set(key, order);
            queue.add(key, delay);
            await advance(1);
          }
          await advance(1000);
          for (const [key, added] of lastAdded) assert.ok((lastStarted.get(key) ?? -1) > added, `${key} was forgotten`);
          assert.equal(running.size, 0);
        },
      ),
      { numRuns: 100 },
    );
  });
});
