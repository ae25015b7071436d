import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { fill } from './placeholders.ts';

const values = new Map([
  ['path', 'apps/web'],
  ['values.team', 'blue'],
]);

describe('placeholders', () => {
  it('are filled in every text, however deep, and nowhere else', () => {
    const template = { a: '{{path}}/x-{{ values.team }}', b: [{ c: '{{path}}' }], d: 1, e: true, '{{path}}': 'key' };
    assert.deepEqual(fill(template, values), {
      filled: { a: 'apps/web/x-blue', b: [{ c: 'apps/web' }], d: 1, e: true, '{{path}}': 'key' },
      problems: [],
    });
  });

  it('that nothing stands for are named once, with those that there are', () => {
    const { problems } = fill({ a: '{{values.tema}}', b: '{{values.tema}}' }, values);
    assert.deepEqual(problems, ['nothing stands for {{values.tema}}; there are path, values.team']);
  });

  it('that are not closed are a problem', () => {
    for (const text of ['{{path', 'x {{ {{path}}', '{{pa{th}}']) {
      assert.match(fill(text, values).problems.join(), /a placeholder is not closed in "/, text);
    }
  });

  it('in a value are text like any other', () => {
    assert.equal(fill('{{a}}', new Map([['a', '{{b}} $& $1']])).filled, '{{b}} $& $1');
  });

  it('make no gigabyte of a page', () => {
    const { problems } = fill('{{a}}'.repeat(200), new Map([['a', 'x'.repeat(1000)]]));
    assert.match(problems.join(), /becomes longer than 16384 characters/);
  });

  it('leave every text without braces as it is', () => {
    const text = fc.string().filter((s) => !s.includes('{{'));
    fc.assert(fc.property(text, (s) => assert.deepEqual(fill(s, values), { filled: s, problems: [] })));
  });
});
