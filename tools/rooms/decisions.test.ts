import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { DECISIONS, decidedTwice } from './decisions.ts';

const RULE = {
  what: 'is it ripe',
  pattern: /\bcolour\b/,
  allowed: ['src/fruit/', 'src/market.ts'],
  instead: 'isRipe of src/fruit/ripe.ts',
};
const found = (files: Record<string, string>): string[] =>
  decidedTwice(new Map(Object.entries(files)), [RULE]).map(({ message }) => message);

describe('a decision that one module takes', () => {
  it('is taken a second time by a module that reads the same field, named with its line', () => {
    assert.deepEqual(found({ 'src/kitchen.ts': '// cooks\nif (apple.colour) eat();' }), [
      'src/kitchen.ts:2: decides "is it ripe" a second time; use isRipe of src/fruit/ripe.ts',
    ]);
  });

  it('is left to its folder, its files and the tests', () => {
    const text = 'apple.colour';
    assert.deepEqual(found({ 'src/fruit/ripe.ts': text, 'src/market.ts': text, 'src/kitchen.test.ts': text }), []);
  });

  for (const { what, pattern, allowed } of DECISIONS) {
    it(`"${what}" still has a module that takes it, and allows nobody who does not`, () => {
      for (const path of allowed) {
        assert.ok(existsSync(path), path);
        const files = path.endsWith('/') ? globSync(`${path}**/*.ts`) : [path];
        assert.ok(
          files.some((file) => pattern.test(readFileSync(file, 'utf8'))),
          `${path} needs no permission`,
        );
      }
    });
  }
});
