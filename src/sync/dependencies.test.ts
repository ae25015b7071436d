import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { GitSync } from '../api/gitsync.ts';
import { dependencyProblem } from './dependencies.ts';

const sync = (name: string, dependsOn: string[], ready = true): GitSync =>
  ({
    metadata: { namespace: 'shop', name },
    spec: { dependsOn: dependsOn.map((other) => ({ name: other })) },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  }) as unknown as GitSync;

/** GitSyncs by name, and how often one was looked up. */
const graph = (...syncs: GitSync[]) => {
  const named = new Map(syncs.map((s) => [s.metadata.name, s]));
  const seen = { lookUps: 0 };
  const problemOf = (name: string, isCurrent = (_: GitSync): boolean => true) =>
    dependencyProblem(
      named.get(name) as GitSync,
      (other) => {
        seen.lookUps += 1;
        return named.get(other);
      },
      isCurrent,
    );
  return { seen, problemOf };
};

describe('dependsOn', () => {
  it('lets a GitSync go on when all that it depends on is Ready', () => {
    assert.equal(graph(sync('a', ['b', 'c']), sync('b', ['c']), sync('c', [])).problemOf('a'), undefined);
  });

  it('waits for one that is not Ready, or not there, or Ready for an older commit', () => {
    const { problemOf } = graph(
      sync('a', ['b']),
      sync('b', [], false),
      sync('c', ['gone']),
      sync('d', ['e']),
      sync('e', []),
    );
    assert.match(problemOf('a')?.message ?? '', /b is not Ready/);
    assert.match(problemOf('c')?.message ?? '', /gone does not exist/);
    assert.equal(problemOf('d', () => false)?.behind?.metadata.name, 'e');
  });

  for (const [what, syncs, cycle] of [
    ['itself', [sync('a', ['a'])], 'a → a'],
    ['one that depends on it', [sync('a', ['b']), sync('b', ['c']), sync('c', ['a'])], 'a → b → c → a'],
    ['a circle of others', [sync('a', ['b']), sync('b', ['c']), sync('c', ['b'])], 'b → c → b'],
    [
      'a circle behind a diamond',
      [sync('a', ['b', 'c']), sync('b', ['d']), sync('c', ['d', 'a']), sync('d', [])],
      'a → c → a',
    ],
  ] as const) {
    it(`names the circle of a GitSync that depends on ${what}`, () => {
      const problem = graph(...syncs).problemOf('a');
      assert.deepEqual([problem?.reason, problem?.message], ['DependencyCycle', `dependsOn is a circle: ${cycle}`]);
    });
  }

  it('looks at each of 2,000 GitSyncs of a ladder once, though the paths through it are more than can be counted', () => {
    const rungs = Array.from({ length: 1_000 }, (_, i) => i);
    const ladder = rungs.flatMap((i) => {
      const next = i === rungs.length - 1 ? [] : [`a${i + 1}`, `b${i + 1}`];
      return [sync(`a${i}`, next), sync(`b${i}`, next)];
    });
    const { seen, problemOf } = graph(...ladder);
    assert.equal(problemOf('a0'), undefined);
    assert.ok(seen.lookUps <= 2_000 + 2, `${seen.lookUps} look-ups`);
  });

  it('follows a chain of 100,000 without a stack overflow, and names a long circle in short', () => {
    const chain = Array.from({ length: 100_000 }, (_, i) => sync(`s${i}`, [`s${(i + 1) % 100_000}`]));
    const message = graph(...chain).problemOf('s0')?.message ?? '';
    assert.match(message, /^dependsOn is a circle: s0 → s1 → .* → … \(99991 more\) → s0$/);
  });
});
