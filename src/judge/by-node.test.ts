import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isMeasured, type MeasuredObjective, objective as schema } from '../api/rollback-policy.ts';
import { createSelectors, PrometheusError, type Queries } from '../slo/index.ts';
import { byNodeOf, type OtherPods, podsOfOthers, sharingNodes } from './by-node.ts';
import type { PodCounts } from './by-pod.ts';

const THRESHOLD = 0.01;
const pod = (node: string | undefined, errors: number, total = 1000, revision = 'r1'): PodCounts => ({
  errors,
  total,
  revision,
  node,
  startedAt: 0,
});
const other = (name: string, ...pods: PodCounts[]): OtherPods => ({ name, threshold: THRESHOLD, pods });

describe('others that share the nodes on which a release burns', () => {
  const sharing = (nodes: string[], ...others: OtherPods[]): string[] => sharingNodes(others, nodes);

  it('are those whose pods burn there, and are well elsewhere', () =>
    assert.deepEqual(sharing(['x'], other('cart', pod('x', 200), pod('y', 0))), ['cart']));

  it('are none whose pods burn everywhere, or are well there, too', () => {
    assert.deepEqual(sharing(['x'], other('cart', pod('x', 200), pod('y', 200))), []);
    assert.deepEqual(sharing(['x'], other('cart', pod('x', 200), pod('x', 0), pod('y', 0))), []);
  });

  it('are none whose pods burn elsewhere only, or do not burn', () => {
    assert.deepEqual(sharing(['x'], other('cart', pod('y', 200), pod('z', 0))), []);
    assert.deepEqual(sharing(['x'], other('cart', pod('x', 0), pod('y', 0))), []);
  });

  it('are none whose pods have no node that anybody knows', () =>
    assert.deepEqual(sharing(['x'], other('cart', pod(undefined, 200), pod('y', 0))), []));

  it('are those of which one burns there, though others burn elsewhere, too', () =>
    assert.deepEqual(sharing(['x'], other('cart', pod('x', 200), pod('y', 200), pod('z', 0))), ['cart']));

  it('are named once, by whatever objective they are known', () =>
    assert.deepEqual(
      sharing(['x'], other('cart', pod('x', 200), pod('y', 0)), other('cart', pod('x', 300), pod('y', 0))),
      ['cart'],
    ));
});

describe('what others fail on the nodes on which a release burns', () => {
  it('is counted there and elsewhere', () =>
    assert.deepEqual(byNodeOf([other('cart', pod('x', 30), pod('y', 2), pod('z', 1))], ['x']), [
      { name: 'cart', here: { errors: '30', requests: '1000' }, elsewhere: { errors: '3', requests: '2000' } },
    ]));

  it('is that of several nodes together', () =>
    assert.deepEqual(byNodeOf([other('cart', pod('x', 30), pod('y', 20), pod('z', 1))], ['x', 'y']), [
      { name: 'cart', here: { errors: '50', requests: '2000' }, elsewhere: { errors: '1', requests: '1000' } },
    ]));

  it('is nothing of those that have pods only there, only elsewhere, or nobody knows where', () => {
    assert.deepEqual(byNodeOf([other('cart', pod('x', 30), pod('x', 2))], ['x']), []);
    assert.deepEqual(byNodeOf([other('cart', pod('y', 30), pod('z', 2))], ['x']), []);
    assert.deepEqual(byNodeOf([other('cart', pod('x', 30), pod(undefined, 2))], ['x']), []);
  });

  it('is of the release with most requests, where two have pods on both', () => {
    const few = [pod('x', 9, 100, 'r1'), pod('y', 0, 100, 'r1')];
    const many = [pod('x', 30, 900, 'r2'), pod('y', 2, 900, 'r2')];
    const expected = [
      { name: 'cart', here: { errors: '30', requests: '900' }, elsewhere: { errors: '2', requests: '900' } },
    ];
    assert.deepEqual(byNodeOf([other('cart', ...few, ...many)], ['x']), expected);
    assert.deepEqual(byNodeOf([other('cart', ...many, ...few)], ['x']), expected);
  });

  it('counts both sides of a release as its requests', () => {
    const here = [pod('x', 9, 800, 'r1'), pod('y', 0, 100, 'r1')];
    const elsewhere = [pod('x', 30, 100, 'r2'), pod('y', 2, 900, 'r2')];
    assert.equal(byNodeOf([other('cart', ...here, ...elsewhere)], ['x'])[0]?.here.errors, '30');
  });

  it('is of eight of them at most', () => {
    const others = Array.from({ length: 9 }, (_, i) => other(`cart-${i}`, pod('x', 30), pod('y', 2)));
    assert.deepEqual(
      byNodeOf(others, ['x']).map(({ name }) => name),
      others.slice(0, 8).map(({ name }) => name),
    );
  });
});

describe('the pods of others', () => {
  const objective = (name: string, target = '99', errors = `sum(e_${name}[$window])`): MeasuredObjective => {
    const parsed = schema.parse({ name, target, indicator: { ratio: { errors, total: `sum(t_${name}[$window])` } } });
    assert.ok(isMeasured(parsed));
    return parsed;
  };
  const ask = async (around: { name: string; objectives: MeasuredObjective[] }[], refused?: Error) => {
    const query: Queries['query'] = async (expression) => {
      if (refused && expression.includes('cart')) throw refused;
      const isOfErrors = expression.includes('e_');
      return ['web-r1-a', 'web-r1-b'].map((name) => ({ labels: { pod: name }, value: isOfErrors ? 1 : 10 }));
    };
    const nobody = () => Promise.reject(new Error('nobody asks'));
    const witness = {
      prometheus: { query, queryRange: nobody, alertingRules: nobody },
      selectors: createSelectors(),
    };
    const podOf = (name: string) =>
      name.endsWith('a') ? { node: 'x', startedAt: 1, revision: 'labelled' } : { node: 'y', startedAt: 2 };
    return podsOfOthers({ at: 0, windowMs: 60_000 }, { around, podOf }, witness);
  };

  it('are known by each of their objectives, with the ratio above which that burns', async () => {
    const found = await ask([{ name: 'cart', objectives: [objective('cart'), objective('slow', '90')] }]);
    assert.deepEqual(
      found.map(({ name, pods }) => [name, pods.length]),
      [
        ['cart', 2],
        ['cart', 2],
      ],
    );
    const [strict = 0, lenient = 0] = found.map(({ threshold }) => threshold);
    assert.equal(Math.round(lenient / strict), 10);
  });

  it('are of the release that their label says, or their name', async () => {
    const [found] = await ask([{ name: 'cart', objectives: [objective('cart')] }]);
    assert.deepEqual(found?.pods, [
      { errors: 60, total: 600, node: 'x', startedAt: 1, revision: 'labelled' },
      { errors: 60, total: 600, node: 'y', startedAt: 2, revision: 'web-r1' },
    ]);
  });

  it('are nothing of one that can’t be measured, and all of the rest', async () => {
    const around = ['cart', 'search'].map((name) => ({ name, objectives: [objective(name)] }));
    const found = await ask(around, new PrometheusError('PrometheusUnreachable', 'away'));
    assert.deepEqual(
      found.map(({ name }) => name),
      ['search'],
    );
    const odd = [{ name: 'odd', objectives: [objective('odd', '99', 'avg(e_odd[$window])')] }];
    assert.deepEqual(await ask(odd), []);
  });

  it('fail with what nobody foresaw', async () =>
    assert.rejects(ask([{ name: 'cart', objectives: [objective('cart')] }], new TypeError('a bug')), /a bug/));
});
