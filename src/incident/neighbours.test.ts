import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { at, evidence, incident, NOON, release } from '../../test/support/incident.ts';
import type { Incident, IncidentStatus } from '../api/incident.ts';
import type { Release, ReleaseHistory } from '../api/release-history.ts';
import { neighboursOf } from './neighbours.ts';

const HOUR = 3600;

/** An incident of another workload of the namespace, and the release that it runs. */
interface Other {
  name?: string;
  began?: number;
  status?: IncidentStatus;
  current?: Release;
}

/** `web>cart`: web depends on cart. */
const graphOf = (...edges: string[]) => ({
  dependsOn: (caller: { name: string }, callee: { name: string }) => edges.includes(`${caller.name}>${callee.name}`),
});

const neighbours = (...others: Other[]) => neighboursIn(graphOf(), ...others);
const neighboursIn = (graph: ReturnType<typeof graphOf>, ...others: Other[]) => {
  const own = incident(undefined, { evidence: [evidence({ startsAt: at(0) })] });
  const incidents: Incident[] = others.map(({ name = 'cart', began = 0, status }, i) => ({
    ...incident(status, { workloadRef: { kind: 'Deployment', name }, evidence: [evidence({ startsAt: at(began) })] }),
    metadata: { name: `other-${i}`, namespace: 'shop' },
  }));
  const histories = new Map(
    others.map(({ name = 'cart', current = release(7, { firstSeenTime: at(-2 * HOUR) }) }) => [
      `deployment-${name}`,
      { spec: { currentRelease: current.number, releases: [current] } } as ReleaseHistory,
    ]),
  );
  const known = {
    incidents: { list: () => [own, ...incidents] },
    histories: { get: ({ name }: { name: string }) => histories.get(name) },
  };
  return neighboursOf(own, known, graph);
};

describe('the neighbours of a burn', () => {
  it('are workloads of the namespace whose alerts began at about the same time, without a release of their own', () => {
    assert.deepEqual(neighbours({ name: 'search', began: 30 }, { began: -20 }), [
      { name: 'cart', since: NOON - 20_000 },
      { name: 'search', since: NOON + 30_000 },
    ]);
  });

  for (const [what, other, count] of [
    ['began ten minutes before', { began: -600 }, 1],
    ['began more than ten minutes before', { began: -601 }, 0],
    ['began more than ten minutes after', { began: 601 }, 0],
    ['is over, and began five minutes before', { began: -300, status: { phase: 'Dismissed' } }, 1],
    ['is over, and began more than five minutes before', { began: -301, status: { phase: 'Dismissed' } }, 0],
    ['is of a release of the last hour', { current: release(7, { firstSeenTime: at(-HOUR + 1) }) }, 0],
    ['is of a release that came back in the last hour', { current: release(7, { restoredTime: at(-60) }) }, 0],
    ['is of the same workload', { name: 'web' }, 0],
  ] as const)
    it(`${count === 1 ? 'have' : 'do not have'} one whose burn ${what}`, () =>
      assert.equal(neighbours(other).length, count));

  it('have what the workload depends on, whatever was released of it, and nothing that depends on the workload', () => {
    const current = release(7, { firstSeenTime: at(-60) });
    const graph = graphOf('web>db', 'cart>web');
    assert.deepEqual(neighboursIn(graph, { name: 'db', current }, {}), [
      { name: 'db', since: NOON, isDependency: true },
    ]);
  });

  it('are eight at most', () =>
    assert.equal(neighbours(...Array.from({ length: 12 }, (_, i) => ({ name: `w${i}` }))).length, 8));
});
