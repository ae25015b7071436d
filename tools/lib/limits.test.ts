import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { isReason } from '../../src/api/reasons.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Of docs/limits.md: what, figure, shared, beyond it, where. */
const rows = read('docs/limits.md')
  .split('\n')
  .filter((line) => line.includes('](../'))
  .map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );

describe('docs/limits.md', () => {
  for (const [what, , , beyond = '', where = ''] of rows) {
    it(`says what the code says: ${what}`, () => {
      const [, path = ''] = /\]\(\.\.\/([^)]+)\)/.exec(where) ?? [];
      const source = read(path).replaceAll(/\s+/g, ' ');
      const constants = [...where.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
      assert.ok(constants.length > 0);
      for (const text of constants) assert.ok(source.includes(text), `${path} has no ${text}`);
      for (const [, reason = ''] of beyond.matchAll(/`([A-Z][A-Za-z]+)`/g)) assert.ok(isReason(reason), reason);
    });
  }

  it('has every room', () => assert.ok(rows.length > 50, `${rows.length} rows`));
});
