import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { incident } from '../../test/support/incident.ts';
import type { Release } from '../api/release-history.ts';
import type { MeasuredObjective } from '../api/rollback-policy.ts';
import type { WorkloadKind } from '../api/workload.ts';
import { createSelectors, type Queries } from '../slo/index.ts';
import {
  countsByPod,
  LIKELY,
  nodesOf,
  type PodCounts,
  patternOfReleases,
  podsOfRelease,
  spreadOf,
  storedOf,
} from './by-pod.ts';
import type { Question } from './question.ts';

const THRESHOLD = 0.01;
const pod = (errors: number, total: number, rest: Partial<PodCounts> = {}): PodCounts => ({ errors, total, ...rest });
const objective = (errors: string, total: string, podLabel = 'pod'): MeasuredObjective => ({
  name: 'availability',
  target: '99',
  indicator: { ratio: { errors, total, podLabel } },
});
/** Requests a second of each pod, by whether the query is of errors. */
const counted = async (
  rates: { bad: Record<string, number>; all: Record<string, number> },
  asks = objective('sum(e[$window])', 'sum(t[$window])'),
) => {
  const asked: string[] = [];
  const prometheus: Pick<Queries, 'query'> = {
    async query(expression) {
      asked.push(expression);
      const of = expression.includes('e[') ? rates.bad : rates.all;
      return Object.entries(of).map(([name, value]) => ({ labels: name === '' ? {} : { pod: name }, value }));
    },
  };
  const witness = { prometheus: prometheus as Queries, selectors: createSelectors() };
  const podOf = (name: string) => (name === 'web-1' ? { node: 'a', startedAt: 5 } : undefined);
  return { found: await countsByPod(asks, { at: 0, windowMs: 60_000 }, witness, podOf), asked };
};

describe('what each pod did', () => {
  it('is two queries, whatever the number of pods, with the node of those that are known', async () => {
    const { found, asked } = await counted({ bad: { 'web-1': 1 }, all: { 'web-1': 2, 'web-2': 3 } });
    assert.deepEqual(asked, ['sum by (pod) (sum by (pod) (e[60s])\n)', 'sum by (pod) (sum by (pod) (t[60s])\n)']);
    assert.deepEqual(
      [...(found ?? [])],
      [
        ['web-1', { errors: 60, total: 120, node: 'a', startedAt: 5 }],
        ['web-2', { errors: 0, total: 180 }],
      ],
    );
  });

  it('is nothing of what is no pod, had no requests, or is no number', async () => {
    const { found } = await counted({ bad: { a: Number.NaN }, all: { '': 5, idle: 0, a: 1, b: Number.NaN } });
    assert.deepEqual([...(found ?? [])], [['a', { errors: 0, total: 60 }]]);
  });

  for (const [what, asks] of [
    ['the metric has no pods', objective('sum(e[$window])', 'sum(t[$window])', '')],
    ['pods do not add up', objective('avg(e[$window])', 'sum(t[$window])')],
  ] as const)
    it(`is not asked where ${what}`, async () => {
      const { found, asked } = await counted({ bad: {}, all: {} }, asks);
      assert.deepEqual([found, asked], [undefined, []]);
    });
});

describe('pods of one release', () => {
  it('differ where some surely burn, and others surely do not burn with them', () => {
    const [bad, good, new_] = [pod(50, 100), pod(0, 200), pod(0, 2)];
    assert.deepEqual(spreadOf([bad, good, new_], THRESHOLD), { burning: [bad], well: [good] });
  });

  it('are alike where chance explains the difference', () => {
    const pods = [pod(20, 100), pod(12, 100), pod(31, 100), pod(2, 15)];
    assert.deepEqual(spreadOf(pods, THRESHOLD).well, []);
    assert.deepEqual(spreadOf([pod(0, 100), pod(1, 100)], THRESHOLD).burning, []);
  });

  it('are more easily doubted than found to differ', () => {
    const [here, elsewhere] = [pod(7, 180), pod(0, 180)];
    assert.deepEqual(spreadOf([here, elsewhere], 0.005).well, []);
    assert.deepEqual(spreadOf([here, elsewhere], 0.005, LIKELY), { burning: [here], well: [elsewhere] });
  });

  it('are stored as sums, with the nodes of those that burn', () => {
    const burning = [pod(5, 10, { node: 'b', startedAt: 1 }), pod(5, 10, { node: 'a', startedAt: 2 }), pod(1, 1)];
    assert.deepEqual(nodesOf(burning), ['a', 'b']);
    const stored = storedOf({ burning: burning.slice(0, 2), well: [pod(0, 30, { startedAt: 3 })] });
    assert.deepEqual(stored, {
      burning: { pods: 2, errors: '10', requests: '20', nodes: ['a', 'b'] },
      well: { pods: 1, errors: '0', requests: '30' },
      byAge: true,
    });
    assert.equal(storedOf({ burning, well: [pod(0, 30, { startedAt: 3 })] })?.byAge, false, 'one of unknown age');
    assert.equal(storedOf({ burning: [], well: [] }), undefined);
  });
});

describe('whose pods are whose', () => {
  const release = (revision: string | undefined): Release => ({
    ...{ number: 1, sourceDigest: 'd', workloadUID: 'u', images: [], firstSeenTime: '2026-01-01T00:00:00Z' },
    ...(revision === undefined ? {} : { revision }),
    outcome: 'Active',
  });
  const question = (
    kind: WorkloadKind,
    { suspect = 'r2', before = 'r1', ...rest }: { suspect?: string; before?: string; together?: string[] } = {},
  ) => ({
    incident: incident(undefined, { workloadRef: { kind, name: 'web' } }),
    suspect: suspect === '' ? release(undefined) : release(suspect),
    before: before === '' ? undefined : release(before),
    together: rest.together?.map(release),
    podOf: (name: string): ReturnType<Question['podOf']> =>
      ({
        'web-0': { node: 'x', startedAt: 100, revision: 'r2' },
        'web-1': { node: 'x', startedAt: 101, revision: 'r2' },
        'web-2': { node: 'x', startedAt: 50, revision: 'r1' },
      })[name],
  });

  it('is said by the names of pods of a Deployment', () => {
    const deployment = question('Deployment', { together: ['r3'] });
    const { isSuspect, isBefore } = podsOfRelease(deployment, 0);
    assert.deepEqual(
      ['web-r2-a', 'web-r3-a', 'web-r1-a', 'other-web-r2-a', 'web-r22'].map((name) => isSuspect?.(name)),
      [true, true, false, false, false],
    );
    assert.deepEqual(
      ['web-r1-a', 'web-r2-a'].map((name) => isBefore(name)),
      [true, false],
    );
    const { suspect, before } = deployment;
    assert.equal(patternOfReleases([suspect], deployment), 'web-r2-.+');
    assert.equal(patternOfReleases([suspect, before, suspect], deployment), 'web-r2-.+|web-r1-.+');
  });

  it('is said by the watched pods of a StatefulSet, of those that were there since', () => {
    const set = question('StatefulSet');
    const { isSuspect, isBefore } = podsOfRelease(set, 100);
    assert.deepEqual(
      ['web-0', 'web-1', 'web-2', 'web-9'].map((name) => isSuspect?.(name)),
      [true, false, false, false],
    );
    assert.equal(isBefore('web-2'), true);
    assert.equal(isBefore('web-0'), false);
    assert.equal(patternOfReleases([set.suspect], set), undefined);
  });

  it('is the suspect for all where only configuration changed', () => {
    for (const same of [
      question('Deployment', { before: 'r2' }),
      question('Deployment', { before: 'r3', together: ['r3'] }),
    ]) {
      const { isSuspect, isBefore } = podsOfRelease(same, 0);
      assert.deepEqual([isSuspect?.('web-r9-a'), isBefore('web-r2-a')], [true, false]);
      assert.equal(patternOfReleases([same.suspect], same), undefined);
    }
  });

  it('is not known of a release without a revision, and of none before', () => {
    const unknown = question('Deployment', { suspect: '', before: 'r1' });
    assert.equal(podsOfRelease(unknown, 0).isSuspect, undefined);
    assert.equal(patternOfReleases([unknown.suspect], unknown), undefined);
    const first = question('Deployment', { before: '' });
    assert.equal(podsOfRelease(first, 0).isBefore('web-r1-a'), false);
    assert.equal(patternOfReleases([first.suspect, undefined], first), undefined);
    assert.equal(patternOfReleases([first.suspect], first), 'web-r2-.+');
  });
});
