import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { KubeObject } from '../src/api/meta.ts';
import { refusedByLimitRange, withinLimitRanges } from './limit-range.ts';
import { quantity } from './quantity.ts';

const range = (limit: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { name: 'bounds' },
  spec: { limits: [{ type: 'Container', ...limit }] },
});
const usual = { requests: { cpu: '5m', memory: '16Mi' }, limits: { memory: '64Mi' } };

describe('quantities', () => {
  it('are cores and bytes', () => {
    const table: [string, number][] = [
      ['5m', 0.005],
      ['1', 1],
      ['0.5', 0.5],
      ['64Mi', 67_108_864],
      ['1k', 1000],
      ['1e3', 1000],
      ['2E', 2e18],
    ];
    for (const [text, value] of table) assert.equal(quantity(text), value, text);
    assert.ok(Number.isNaN(quantity('much')));
  });
});

describe('the LimitRange of a namespace', () => {
  const milli = fc.integer({ min: 1, max: 2000 }).map((n) => `${n}m`);
  const mebi = fc.integer({ min: 1, max: 512 }).map((n) => `${n}Mi`);
  const amounts = fc.record({ cpu: milli, memory: mebi }, { requiredKeys: [] });
  const factor = fc.integer({ min: 10, max: 300 }).map((n) => String(n / 10));
  const ratios = fc.record({ cpu: factor, memory: factor }, { requiredKeys: [] });
  const limit = fc.record(
    { min: amounts, max: amounts, default: amounts, maxLimitRequestRatio: ratios },
    { requiredKeys: [] },
  );

  it('is met, whichever side is violated, with a ratio, too', () => {
    fc.assert(
      fc.property(limit, (bounds) => {
        for (const name of ['cpu', 'memory'] as const) {
          fc.pre(quantity(bounds.min?.[name] ?? '0') <= quantity(bounds.max?.[name] ?? '1E')); // the API server refuses others
        }
        const ranges = [range(bounds)];
        const resources = withinLimitRanges(usual, ranges);
        assert.equal(refusedByLimitRange({}, { name: 'metricops-recorder', resources }, ranges), undefined);
      }),
    );
  });

  it('never makes the recorder ask for more CPU than it wants or must, nor get more than that times the ratio', () => {
    fc.assert(
      fc.property(limit, ({ min, max, ...rest }) => {
        fc.pre(quantity(min?.cpu ?? '0') <= quantity(max?.cpu ?? '1E'));
        const bounds = { ...rest, ...(min ? { min } : {}), ...(max ? { max } : {}) };
        const { requests, limits } = withinLimitRanges(usual, [range(bounds)]);
        const most = Math.max(0.005, quantity(min?.cpu ?? '0'));
        assert.ok(quantity(requests?.cpu ?? '') <= most);
        const ratio = quantity(rest.maxLimitRequestRatio?.cpu ?? '1E');
        if (limits?.cpu !== undefined) assert.ok(quantity(limits.cpu) <= Math.max(most * ratio * 1.000001, most));
      }),
    );
  });

  it('leaves the recorder the memory that it needs: the request grows under a ratio, and the limit stays', () => {
    const memory = (ratio: string) => {
      const { requests, limits } = withinLimitRanges(usual, [range({ maxLimitRequestRatio: { memory: ratio } })]);
      return [requests?.memory, limits?.memory];
    };
    assert.deepEqual(memory('1'), ['64Mi', '64Mi']);
    assert.deepEqual(memory('2'), ['32Mi', '64Mi']);
    assert.deepEqual(memory('4'), ['16Mi', '64Mi']);
  });

  it('with a maximum of 4 CPUs and a ratio of 10 does not make the recorder ask for 4 CPUs', () => {
    const { requests, limits } = withinLimitRanges(usual, [
      range({ max: { cpu: '4' }, maxLimitRequestRatio: { cpu: '10' } }),
    ]);
    assert.deepEqual([requests?.cpu, limits?.cpu], ['5m', '50m']);
  });

  it('of other types, or none, changes nothing', () => {
    assert.deepEqual(withinLimitRanges(usual, []), usual);
    assert.deepEqual(
      withinLimitRanges(usual, [range({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' } })]),
      usual,
    );
  });
});
