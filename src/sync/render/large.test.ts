import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Rendered } from '../../render/index.ts';
import { createLargeRenders } from './large.ts';

const rendered = (bytes: number): Rendered => ({ objects: [], inputs: [], bytes });
const LARGE = 2_000_000;

describe('what a sync has rendered', () => {
  it('is held by as many syncs as there are, where it is small', async () => {
    const withRender = createLargeRenders({ slots: 1, perGroup: 1 });
    const all = Promise.withResolvers<void>();
    let held = 0;
    const one = () =>
      withRender(
        'shop',
        0,
        async () => rendered(10),
        async () => {
          held += 1;
          if (held === 5) all.resolve();
          await all.promise;
        },
      );
    await Promise.all(Array.from({ length: 5 }, one));
    assert.equal(held, 5);
  });

  for (const expected of [0, LARGE]) {
    it(`is held by few at a time where it is large, ${expected === 0 ? 'seen after' : 'known before'} the render`, async () => {
      const withRender = createLargeRenders({ slots: 2, perGroup: 1 });
      let [held, most, renders] = [0, 0, 0];
      const render = async (): Promise<Rendered> => {
        renders += 1;
        return rendered(LARGE);
      };
      const work = async (): Promise<void> => {
        held += 1;
        most = Math.max(most, held);
        await new Promise((resolve) => setImmediate(resolve));
        held -= 1;
      };
      const tenants = ['a', 'a', 'a', 'b', 'b', 'c'];
      await Promise.all(tenants.map((tenant) => withRender(tenant, expected, render, work)));
      assert.equal(most, 2);
      assert.equal(renders, expected === 0 ? 12 : 6);
    });
  }

  it('gives its place back when the work fails', async () => {
    const withRender = createLargeRenders({ slots: 1, perGroup: 1 });
    const render = async (): Promise<Rendered> => rendered(LARGE);
    const fails = withRender('a', LARGE, render, async () => Promise.reject(new Error('refused')));
    await assert.rejects(fails, /refused/);
    assert.equal(await withRender('b', LARGE, render, async (r) => r.bytes), LARGE);
  });
});
