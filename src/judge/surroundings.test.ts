import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { incident } from '../../test/support/incident.ts';
import { type Measurement, measurement } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import { guardrails, isMeasured, type MeasuredObjective, objective as schema } from '../api/rollback-policy.ts';
import type { WorkloadKind } from '../api/workload.ts';
import { createSelectors, type Queries } from '../slo/index.ts';
import type { Question } from './question.ts';
import { withSurroundings } from './surroundings.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const BEGAN = NOW - 120_000;
const at = (ms: number): string => new Date(ms).toISOString();

const objective = (name: string): MeasuredObjective => {
  const indicator = { ratio: { errors: `sum(e_${name}[$window])`, total: `sum(t_${name}[$window])` } };
  const parsed = schema.parse({ name, target: '99', indicator });
  assert.ok(isMeasured(parsed));
  return parsed;
};
const release = (number: number): Release => ({
  number,
  sourceDigest: `v1:${String(number).repeat(64)}`,
  workloadUID: 'u',
  images: [],
  revision: `r${number}`,
  firstSeenTime: at(BEGAN),
  outcome: 'Active',
});
/** Of 100 requests a second to each pod, how many fail since the burn began, and where it runs. */
type Pods = Record<string, [bad: number, node: string | undefined]>;

/** Of 100 requests a second, how many fail, from so many seconds after now on. */
type Course = readonly (readonly [seconds: number, bad: number])[];
const CALM_THEN_BURNING: Course = [
  [-420, 0],
  [-120, 20],
];

/** web is judged; its release 2 began to burn two minutes ago. Pods are named WORKLOAD-REVISION-x. */
const measure = async (
  pods: Pods,
  {
    isCompared = true,
    countsWell = false,
    kind = 'Deployment' as WorkloadKind,
    startedAt = 0,
    isAsSuspect = false,
    course = CALM_THEN_BURNING,
  } = {},
) => {
  const asked: string[] = [];
  const workloadOf = (pod: string): string => pod.split('-')[0] ?? '';
  const query: Queries['query'] = async (expression, time = NOW) => {
    const kind = expression.includes('/') ? 'ratio' : expression.includes('e_') ? 'errors' : 'total';
    const workload = /[et]_(\w+)\[/.exec(expression)?.[1] ?? '';
    const isByPod = expression.includes('by (pod)');
    asked.push(`${workload} ${isByPod ? 'pods' : kind}`);
    const values = Object.entries(pods)
      .filter(([name]) => workloadOf(name) === workload)
      .map(([name, [bad]]) => ({ name, bad: time > BEGAN ? bad : 0 }));
    const all = values.reduce((sum, { bad }) => sum + bad, 0);
    if (isByPod)
      return values.map(({ name, bad }) => ({ labels: { pod: name }, value: kind === 'errors' ? bad : 100 }));
    const total = 100 * values.length;
    return [{ labels: {}, value: kind === 'ratio' ? all / total : kind === 'errors' ? all : total }];
  };
  const prometheus: Queries = {
    query,
    queryRange: () => Promise.reject(new Error('nobody asks')),
    alertingRules: () => Promise.reject(new Error('nobody asks')),
  };
  const others = [...new Set(Object.keys(pods).map(workloadOf))].filter((name) => name !== 'web');
  const question: Question = {
    incident: incident(undefined, { evidence: [], workloadRef: { kind, name: 'web' } }),
    suspect: release(2),
    before: release(1),
    objectives: [],
    guardrails: guardrails.parse({}),
    neighbours: [],
    around: others.map((name) => ({ name, objectives: [objective(name)], isAsSuspect })),
    podOf: (name) => ({ node: pods[name]?.[1], startedAt, revision: name.split('-')[1] }),
    isTrustedRule: () => true,
    now: NOW,
  };
  const counts = (errors: number, requests: number) => ({ errors: String(errors), requests: String(requests) });
  const measured: Measurement = measurement.parse({
    releasedTime: at(BEGAN),
    readyTime: at(BEGAN),
    alertTime: at(BEGAN),
    maxReleaseAge: '24h',
    minRequests: 20,
    minScore: 3,
    ratio: {
      threshold: '0.01',
      resolutionSeconds: 5,
      course: course.map(([seconds, bad], i) => {
        const lasted = (course[i + 1]?.[0] ?? 0) - seconds;
        return { time: at(NOW + seconds * 1000), ...counts(bad * lasted, 100 * lasted) };
      }),
    },
  });
  const wanted = { objective: objective('web'), isCompared, countsWell };
  const found = await withSurroundings(measured, wanted, question, { prometheus, selectors: createSelectors() });
  const { pods: byPod, beside } = found.ratio ?? {};
  return { pods: byPod, beside, neighbours: found.neighbours, byNode: found.byNode, well: found.well, asked };
};

describe('what is measured before a release is called Guilty', () => {
  it('is each of its pods: those of the release before it are none of them', async () => {
    const { pods } = await measure({ 'web-r2-a': [50, 'x'], 'web-r2-b': [0, 'y'], 'web-r1-c': [0, 'x'] });
    assert.deepEqual(
      [pods?.burning, pods?.well.pods],
      [{ pods: 1, errors: '6000', requests: '12000', nodes: ['x'] }, 1],
    );
  });

  it('is what the pods of both releases of a StatefulSet do beside each other, by the watched pods', async () => {
    const found = await measure(
      { 'web-r2-2': [50, 'x'], 'web-r1-1': [0, 'y'], 'web-r1-0': [1, 'x'] },
      { kind: 'StatefulSet', isCompared: false },
    );
    assert.deepEqual(found.beside, {
      release: { errors: '3000', requests: '6000' },
      other: { errors: '60', requests: '12000' },
    });
    assert.equal(found.pods?.burning.pods, 1);
  });

  it('is not what a pod of a StatefulSet did before it was replaced: it had the same name', async () => {
    const rolling: Pods = { 'web-r2-2': [50, 'x'], 'web-r1-1': [0, 'y'] };
    const { beside, pods } = await measure(rolling, {
      kind: 'StatefulSet',
      isCompared: false,
      startedAt: NOW - 30_000,
    });
    assert.deepEqual([beside, pods], [undefined, undefined]);
  });

  it('is no comparison of a Deployment, whose releases are counted over time', async () => {
    const { beside } = await measure({ 'web-r2-a': [50, 'x'], 'web-r1-b': [0, 'y'] }, { isCompared: false });
    assert.equal(beside, undefined);
  });

  it('is no comparison where nothing is left of the release before it', async () => {
    const { beside } = await measure({ 'web-r2-2': [50, 'x'] }, { kind: 'StatefulSet', isCompared: false });
    assert.equal(beside, undefined);
  });

  it('is nobody else where the release before it is well on the same nodes', async () => {
    const { asked } = await measure({ 'web-r2-a': [50, 'x'], 'web-r1-b': [0, 'x'], 'cart-r1-c': [50, 'x'] });
    assert.deepEqual(asked, ['web pods', 'web pods']);
  });

  it('is whether others burn on its nodes and nowhere else, where the release before it is not there', async () => {
    const { neighbours } = await measure({
      ...{ 'web-r2-a': [50, 'x'], 'web-r1-b': [0, 'y'] },
      ...{ 'cart-r1-c': [40, 'x'], 'cart-r1-d': [0, 'z'] },
      ...{ 'search-r1-e': [40, 'x'], 'search-r1-f': [40, 'z'] },
    });
    assert.deepEqual(neighbours, [
      { name: 'cart', errorRatio: '0.2', sameNodes: true },
      { name: 'search', errorRatio: '0.4' },
    ]);
  });

  it('is what the pods of others do on its nodes and elsewhere, also where they burn too little for themselves', async () => {
    const { neighbours, byNode } = await measure(
      {
        ...{ 'web-r2-a': [50, 'x'], 'web-r2-b': [50, 'y'] },
        ...{ 'cart-r1-c': [3, 'x'], 'cart-r1-d': [0, 'z'], 'cart-r1-e': [0, 'z'], 'cart-r1-f': [0, undefined] },
      },
      { isCompared: false },
    );
    assert.deepEqual(neighbours, undefined);
    assert.deepEqual(byNode, [
      { name: 'cart', here: { errors: '360', requests: '12000' }, elsewhere: { errors: '0', requests: '24000' } },
    ]);
  });

  it('is of others the pods of one release: two of them may differ by themselves', async () => {
    const { byNode } = await measure(
      { 'web-r2-a': [50, 'x'], 'cart-r2-b': [50, 'x'], 'cart-r1-c': [0, 'z'], 'cart-r1-d': [0, 'z'] },
      { isCompared: false },
    );
    assert.equal(byNode, undefined);
  });

  it('is on which nodes others burn also where the same commit released them', async () => {
    const { neighbours, byNode } = await measure(
      { 'web-r2-a': [50, 'x'], 'cart-r2-b': [50, 'x'], 'cart-r2-c': [0, 'z'] },
      { isCompared: false, isAsSuspect: true },
    );
    assert.deepEqual([neighbours, byNode?.length], [undefined, 1]);
  });

  it('is the longest time of a burn that comes and goes: the last one may have begun seconds ago', async () => {
    const { pods } = await measure(
      { 'web-r2-a': [50, 'x'] },
      {
        course: [
          [-420, 0],
          [-115, 50],
          [-25, 0],
          [-5, 50],
        ],
      },
    );
    assert.equal(pods?.burning.requests, '9000');
  });

  it('is not whose node is unknown: the same minutes decide then', async () => {
    const { asked, pods } = await measure({ 'web-r2-a': [50, undefined], 'web-r1-b': [0, 'y'], 'cart-r1-c': [9, 'x'] });
    assert.deepEqual([asked, pods?.burning.nodes], [['web pods', 'web pods'], []]);
  });

  it('is everybody else where the releases were not compared, and how many of them are well', async () => {
    const pods: Pods = { 'web-r2-a': [50, 'x'], 'cart-r1-b': [0, 'x'], 'search-r1-c': [50, 'y'] };
    const { well, neighbours } = await measure(pods, { isCompared: false, countsWell: true });
    assert.deepEqual([well, neighbours], [1, [{ name: 'search', errorRatio: '0.5' }]]);
    assert.equal((await measure(pods, { isCompared: false })).well, undefined);
  });
});
