import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { diffLines, unified } from './line-diff.ts';
import { facts, table } from './table.ts';
import { shortDigest, shortRevision, span } from './words.ts';
import { parseWorkload } from './workload-argument.ts';

describe('tables', () => {
  it('align their columns, with a dash for nothing and no blanks at the end of a line', () => {
    const text = table(
      ['Name', 'Phase'],
      [
        ['checkout', 'Held'],
        ['web', undefined],
      ],
    );
    assert.equal(text, 'NAME       PHASE\ncheckout   Held\nweb        -');
  });

  it('keep a message of several lines on one', () => {
    assert.equal(table(['Message'], [['one\n  two']]), 'MESSAGE\none two');
  });

  it('of facts leave out what is not known', () => {
    const lines = facts([
      ['Phase', 'Open'],
      ['Verdict', undefined],
      ['Workload', 'deployment/web'],
    ]);
    assert.equal(lines, 'Phase      Open\nWorkload   deployment/web');
  });
});

describe('lengths of time', () => {
  const cases: [number, string][] = [
    [0, '0s'],
    [-5_000, '0s'],
    [119_000, '119s'],
    [200_000, '3m20s'],
    [600_000, '10m'],
    [5 * 3_600_000 + 600_000, '5h10m'],
    [30 * 3_600_000, '30h'],
    [100 * 3_600_000, '4d4h'],
    [20 * 86_400_000, '20d'],
  ];
  for (const [ms, words] of cases) it(`${ms} ms is ${words}`, () => assert.equal(span(ms), words));
});

describe('identities', () => {
  it('are shortened for people', () => {
    assert.equal(shortDigest(`v1:${'ab'.repeat(32)}`), 'v1:abababab');
    assert.equal(shortRevision(`main@${'ab'.repeat(20)}`), 'main@abababab');
    assert.equal(shortRevision(undefined), undefined);
  });
});

describe('a workload on the command line', () => {
  for (const text of ['web', 'deploy/web', 'deployment/web', 'deployments.apps/web', 'Deployment/web']) {
    it(`${text} is the Deployment web`, () =>
      assert.deepEqual(parseWorkload(text), { kind: 'Deployment', name: 'web' }));
  }
  it('sts/db is the StatefulSet db', () =>
    assert.deepEqual(parseWorkload('sts/db'), { kind: 'StatefulSet', name: 'db' }));
  it('of another kind is refused', () => assert.throws(() => parseWorkload('job/x'), /names no workload/));
});

describe('differences of lines', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((lines) => lines.join('\n'));

  it('give back both texts', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before, after);
        const side = (sign: string): string =>
          lines
            .filter((l) => l.sign === ' ' || l.sign === sign)
            .map((l) => l.line)
            .join('\n');
        assert.equal(side('-'), before);
        assert.equal(side('+'), after);
      }),
    );
  });

  it('show what changed with the lines around it', () => {
    const before = Array.from({ length: 20 }, (_, i) => `line ${i}`).join('\n');
    const shown = unified(before, before.replace('line 10', 'line ten'), 1);
    assert.equal(shown, '  line 9\n- line 10\n+ line ten\n  line 11');
    assert.equal(unified(before, before), '');
  });
});
