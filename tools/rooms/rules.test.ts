import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { findingsOf } from './rules.ts';

const README = `
| room | subject |
|---|---|
| \`main.ts\` | puts all together |
| \`shop/\` | sells |
| \`shop/till/\` | counts |
| \`store/\` | keeps |
| \`clock.ts\` | time |
`;

const WHOLE = {
  'src/main.ts': `import { sell } from './shop/index.ts';`,
  'src/shop/index.ts': `export { sell } from './sell.ts';`,
  'src/shop/sell.ts': `import { count } from './till/count.ts';\nimport { keep } from '../store/shelf.ts';`,
  'src/shop/till/count.ts': `import { now } from '../../clock.ts';`,
  'src/store/shelf.ts': `import { now } from '../clock.ts';`,
  'src/clock.ts': `export const now = () => 0;`,
};

/** What is found in the house above with these files added or replaced. */
const found = (changed: Record<string, string>): string[] =>
  findingsOf(README, new Map(Object.entries({ ...WHOLE, ...changed }))).map(({ message }) => message);

describe('the order of rooms', () => {
  it('is kept where every import goes to a lower row', () => {
    assert.deepEqual(found({}), []);
  });

  it('is broken by an import of a higher row, which is named with its line', () => {
    const [message, ...more] = found({
      'src/store/shelf.ts': `// keeps\nimport type { Sale } from '../shop/index.ts';`,
    });
    assert.match(
      message ?? '',
      /^src\/store\/shelf\.ts:2: imports src\/shop\/index\.ts, but room shop stands above room store/,
    );
    assert.match(more.join(), /circle/);
  });

  it('is broken by a room below another that imports it, though they share a folder', () => {
    const messages = found({
      'src/shop/till/count.ts': `import { list } from '../prices.ts';`,
      'src/shop/prices.ts': '',
    });
    assert.equal(messages.length, 1);
    assert.match(
      messages[0] ?? '',
      /^src\/shop\/till\/count\.ts:1: imports src\/shop\/prices\.ts, but room shop stands above/,
    );
  });

  it('is broken by an import past the index of a room that has one', () => {
    const messages = found({ 'src/main.ts': `import { sell } from './shop/sell.ts';` });
    assert.deepEqual(messages, [
      'src/main.ts:1: imports src/shop/sell.ts, past the index of its room; export what is needed from src/shop/index.ts and import that',
    ]);
  });

  it('is broken by an import of a room inside such a room, from outside of it', () => {
    const messages = found({ 'src/main.ts': `import { count } from './shop/till/count.ts';` });
    assert.match(messages[0] ?? '', /past the index of its room; export what is needed from src\/shop\/index\.ts/);
  });

  it('allows every file of a room without an index, and everything to a test', () => {
    assert.deepEqual(found({ 'src/store/shelf.test.ts': `import { sell } from '../shop/sell.ts';` }), []);
  });

  it('counts imports of types, re-exports and dynamic imports', () => {
    for (const text of [
      `import type { sell } from '../shop/index.ts';`,
      `export * from '../shop/index.ts';`,
      `const load = () => import('../shop/index.ts');`,
    ])
      assert.match(found({ 'src/store/shelf.ts': text })[0] ?? '', /stands above/, text);
  });

  it('is not disturbed by an import that is only a text', () => {
    assert.deepEqual(found({ 'src/store/shelf.ts': `const text = "import { sell } from '../shop/index.ts'";` }), []);
  });

  it('wants a row for each file, and a file for each row', () => {
    assert.match(found({ 'src/garden/tree.ts': '' })[0] ?? '', /^src\/garden\/tree\.ts: belongs to no room/);
    const [message] = findingsOf(`${README}| \`cellar/\` | wine |\n`, new Map(Object.entries(WHOLE)));
    assert.match(message?.message ?? '', /names src\/cellar\/, which does not exist/);
  });
});

describe('a circle of imports', () => {
  it('between two files of one room is found once', () => {
    const messages = found({
      'src/store/shelf.ts': `import type { Box } from './box.ts';`,
      'src/store/box.ts': `import type { Shelf } from './shelf.ts';`,
    });
    assert.deepEqual(messages, [
      'src/store/box.ts: is in a circle of imports with src/store/shelf.ts; move what they share to a file of its own',
    ]);
  });

  it('of three files is one finding, and a file that only leads to it is not in it', () => {
    const messages = found({
      'src/store/a.ts': `import './b.ts';`,
      'src/store/b.ts': `import './c.ts';\nimport './a.ts';`,
      'src/store/c.ts': `import './a.ts';`,
      'src/store/entry.ts': `import './a.ts';`,
    });
    assert.equal(messages.length, 1);
    assert.match(messages[0] ?? '', /^src\/store\/a\.ts: .* with src\/store\/b\.ts, src\/store\/c\.ts;/);
  });
});
