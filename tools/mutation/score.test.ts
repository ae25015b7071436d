import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Mutant } from './run.ts';
import { describe as describeMutant, scoreOf } from './score.ts';

const mutant = (status: Mutant['status'], rest: Partial<Mutant> = {}): Mutant => ({
  id: '1',
  fileName: 'src/x.ts',
  location: { start: { line: 2, column: 11 }, end: { line: 2, column: 16 } },
  mutatorName: 'EqualityOperator',
  replacement: 'a >= b',
  status,
  ...rest,
});

describe('the score', () => {
  it('is the part of the mutants that a test noticed, rounded down', () => {
    const mutants = [mutant('Killed'), mutant('Timeout'), mutant('Survived')];
    assert.deepEqual(scoreOf(mutants), { score: 66.66, mutants: 3, survived: 1, ignored: 0 });
  });

  it('counts code that no test reaches as survived, and what is no program nowhere', () => {
    const mutants = [mutant('Killed'), mutant('NoCoverage'), mutant('CompileError'), mutant('RuntimeError')];
    assert.deepEqual(scoreOf(mutants), { score: 50, mutants: 2, survived: 1, ignored: 0 });
  });

  it('names what a comment disables, and not what is excluded everywhere', () => {
    const excluded = mutant('Ignored', { statusReason: 'Ignored because of excluded mutation "StringLiteral"' });
    const mutants = [mutant('Killed'), excluded, mutant('Ignored', { statusReason: 'equivalent' })];
    assert.deepEqual(scoreOf(mutants), { score: 100, mutants: 1, survived: 0, ignored: 1 });
  });
});

describe('a survivor', () => {
  it('is shown as the place, the code and what it became', () => {
    const shown = describeMutant(mutant('Survived'), 'const f =\n  (a, b): a > b;\n');
    assert.equal(shown, 'src/x.ts:2:11 a > b → a >= b');
  });

  it('is shown on one line, however long it is', () => {
    const location = { start: { line: 1, column: 1 }, end: { line: 3, column: 2 } };
    const shown = describeMutant(mutant('Survived', { location, replacement: '{}' }), `{\n${'x'.repeat(300)}\n}\n`);
    assert.match(shown, /^src\/x\.ts:1:1 \{ x+ … x+ \} → \{\}$/);
  });
});
