import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { reasons } from '../../src/api/reasons.ts';
import { LISTED } from './listed.ts';
import { linesOf, type Outcome, summaryLine } from './outcome.ts';

const outcome = (parts: Partial<Outcome>): Outcome => ({
  source: 'shop',
  name: 'charts/web',
  kind: 'helm',
  verdict: 'same',
  objects: 12,
  refusedObjects: [],
  random: 0,
  why: [],
  ...parts,
});

describe('what npm run real prints', () => {
  it('is a line a case, and below it what differs', () => {
    assert.deepEqual(linesOf(outcome({})), ['same     helm      shop/charts/web: 12 objects']);
    assert.deepEqual(linesOf(outcome({ name: '.', kind: 'plain', objects: 1, refusedObjects: ['Pod a'], random: 2 })), [
      'same     plain     shop/: 1 object, 1 refused by both, 2 fields made at random',
    ]);
    assert.deepEqual(linesOf(outcome({ verdict: 'skipped', why: ['its dependencies are not in the folder'] })), [
      'skipped  helm      shop/charts/web: its dependencies are not in the folder',
    ]);
    const why = Array.from({ length: 12 }, (_, i) => `Service a /spec/${i}\n  more`);
    const lines = linesOf(outcome({ verdict: 'differs', why }));
    assert.equal(lines.length, 12);
    assert.equal(lines[1], '         Service a /spec/0; more');
    assert.equal(lines.at(-1), '         and 2 more: --json has them all');
  });

  it('fits a screen, however long a message is', () => {
    const [line = ''] = linesOf(outcome({ verdict: 'refused', why: ['x'.repeat(5000)] }));
    assert.ok(line.length < 240, line);
  });

  it('ends with a sum of all cases', () => {
    assert.equal(
      summaryLine([outcome({}), outcome({ verdict: 'differs', objects: 1 })]),
      '2 cases, 13 objects: 1 same, 0 refused, 0 listed, 0 skipped, 1 differs',
    );
  });

  it('calls listed what docs/real-repositories.md lists with its reason', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/real-repositories.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `([A-Z]\w+)` \|/gm)].map(([, reason]) => reason ?? '');
    assert.deepEqual(rows.toSorted(), [...LISTED].toSorted());
    for (const reason of LISTED) assert.ok(Object.hasOwn(reasons, reason), reason);
  });
});
