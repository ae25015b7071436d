import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { DISABLED } from './disabled.ts';
import { MODULES, sourcesOf, testsOf } from './modules.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('what is mutated', () => {
  it('is in files that are there, each in one module, and judged by tests that are there', () => {
    const sources = MODULES.flatMap(sourcesOf);
    assert.deepEqual(
      [...sources, ...MODULES.flatMap(testsOf)].filter((path) => !existsSync(join(ROOT, path))),
      [],
    );
    assert.equal(new Set(sources).size, sources.length);
  });

  it('has no mutant disabled by a comment without a listed reason, and no reason without its comment', () => {
    const comments = globSync('src/**/*.ts', { cwd: ROOT }).flatMap((path) =>
      [...readFileSync(join(ROOT, path), 'utf8').matchAll(/Stryker (?:disable|restore).*/g)].map(
        ([comment]) => `${path}: ${comment}`,
      ),
    );
    assert.deepEqual(comments.toSorted(), DISABLED.map(({ where }) => where).toSorted());
  });
});
