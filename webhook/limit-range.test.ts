import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { KubeObject } from '../src/api/meta.ts';
import { withinLimitRanges } from './limit-range.ts';
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
  it('is met, whichever side is violated', () => {
    const milli = fc.integer({ min: 1, max: 2000 }).map((n) => `${n}m`);
    const mebi = fc.integer({ min: 1, max: 512 }).map((n) => `${n}Mi`);
    const amounts = fc.record({ cpu: milli, memory: mebi }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.record({ min: amounts, max: amounts }, { requiredKeys: [] }), ({ min = {}, max = {} }) => {
        for (const name of ['cpu', 'memory'] as const) {
          fc.pre(quantity(min[name] ?? '0') <= quantity(max[name] ?? '1E')); // the API server refuses others
        }
        const { requests = {}, limits = {} } = withinLimitRanges(usual, [range({ min, max })]);
        for (const name of ['cpu', 'memory'] as const) {
          const request = quantity(requests[name] ?? '0');
          const limit = quantity(limits[name] ?? '1E');
          assert.ok(request <= limit);
          assert.ok(request >= quantity(min[name] ?? '0'));
          assert.ok(limit <= quantity(max[name] ?? '1E'));
        }
      }),
    );
  });

  it('is met in the ratio of limit to request, too', () => {
    const result = withinLimitRanges(usual, [range({ maxLimitRequestRatio: { memory: '2' } })]);
    assert.deepEqual(result.requests?.memory, result.limits?.memory);
    assert.deepEqual(withinLimitRanges(usual, [range({ maxLimitRequestRatio: { memory: '4' } })]), usual);
  });

  it('of other types, or none, changes nothing', () => {
    assert.deepEqual(withinLimitRanges(usual, []), usual);
    assert.deepEqual(
      withinLimitRanges(usual, [range({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' } })]),
      usual,
    );
  });
});
