import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { PrometheusError } from './answer.ts';
import { alertingRulesOf, samplesOf, seriesOf } from './responses.ts';

const success = (data: unknown, rest: object = {}): unknown => ({ status: 'success', data, ...rest });
const vector = (...values: unknown[]) => ({
  resultType: 'vector',
  result: values.map((value) => ({ metric: { a: 'b' }, value: [1700000000.5, value] })),
});
const refuses = (read: () => unknown, reason: string, words: RegExp): void =>
  assert.throws(
    read,
    (error) => error instanceof PrometheusError && error.reason === reason && words.test(error.message),
  );

describe("Prometheus' answer to a query", () => {
  it('is a vector, or a scalar without labels', () => {
    assert.deepEqual(samplesOf(success(vector('1.5', '+Inf', '-Inf', 'NaN', ' '))), [
      { labels: { a: 'b' }, value: 1.5 },
      { labels: { a: 'b' }, value: Number.POSITIVE_INFINITY },
      { labels: { a: 'b' }, value: Number.NEGATIVE_INFINITY },
      { labels: { a: 'b' }, value: Number.NaN },
      { labels: { a: 'b' }, value: Number.NaN },
    ]);
    assert.deepEqual(samplesOf(success({ resultType: 'scalar', result: [1, '2e-3'] })), [{ labels: {}, value: 0.002 }]);
    assert.deepEqual(samplesOf(success(vector())), []);
  });

  it('is no evidence when a part of the data is missing', () => {
    const missing = 'No StoreAPIs matched for this query';
    refuses(() => samplesOf(success(vector('1'), { warnings: [missing] })), 'PartialData', /No StoreAPIs matched/);
    const remark = 'PromQL info: metric might not be a counter';
    refuses(() => samplesOf(success(vector('1'), { warnings: [remark, missing] })), 'PartialData', /No StoreAPIs/);
    refuses(() => samplesOf(success(vector('1'), { isPartial: true })), 'PartialData', /a store .* was not read/);
  });

  it('may carry remarks on style, also where they name what is partial, or are sent as warnings by older servers', () => {
    const infos = ['PromQL info: metric might not be a counter, name does not end in _total: "partial_refunds"'];
    assert.equal(samplesOf(success(vector('1'), { infos, warnings: [] })).length, 1);
    assert.equal(samplesOf(success(vector('1'), { infos: null, warnings: null })).length, 1);
    assert.equal(samplesOf(success(vector('1'), { warnings: infos, isPartial: false })).length, 1);
  });

  for (const [what, body, reason, words] of [
    [
      'a native histogram',
      success({ resultType: 'vector', result: [{ metric: {}, histogram: [1, {}] }] }),
      'ExpressionRefused',
      /native histograms/,
    ],
    [
      'a string',
      success({ resultType: 'string', result: [1, 'x'] }),
      'ExpressionRefused',
      /no instant vector but string/,
    ],
    ['a range', success({ resultType: 'matrix', result: [] }), 'ExpressionRefused', /no instant vector but matrix/],
    ['no data', { status: 'success' }, 'PrometheusUnreachable', /success, and no data/],
    ['data that are null', success(null), 'PrometheusUnreachable', /success, and no data/],
    ['null', null, 'PrometheusUnreachable', /not one of Prometheus/],
    [
      'a parse error',
      { status: 'error', errorType: 'bad_data', error: 'unexpected )' },
      'ExpressionRefused',
      /unexpected \)/,
    ],
    [
      'a time-out',
      { status: 'error', errorType: 'timeout', error: 'query timed out' },
      'PrometheusUnreachable',
      /timed out/,
    ],
    ['an error in no words', { status: 'error', error: { a: 1 } }, 'PrometheusUnreachable', /\{"a":1\}/],
  ] as const) {
    it(`is refused in words: ${what}`, () => refuses(() => samplesOf(body), reason, words));
  }

  it('is samples, rules or a PrometheusError, whatever JSON it is', () => {
    const shaped = fc.record(
      {
        status: fc.constantFrom('success', 'error'),
        data: fc.oneof(
          fc.jsonValue(),
          fc.record({ resultType: fc.constantFrom('vector', 'scalar', 'string', 'matrix'), result: fc.jsonValue() }),
          fc.record({ resultType: fc.constant('vector'), result: fc.array(fc.jsonValue()) }),
          fc.record({ groups: fc.array(fc.record({ file: fc.jsonValue(), rules: fc.array(fc.jsonValue()) })) }),
        ),
        warnings: fc.jsonValue(),
        infos: fc.jsonValue(),
      },
      { requiredKeys: ['status'] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), shaped), (body) => {
        for (const read of [() => samplesOf(body), () => seriesOf(body), () => alertingRulesOf(body, 'A')]) {
          try {
            read();
          } catch (error) {
            assert.ok(error instanceof PrometheusError, String(error));
            assert.ok(error.message.length < 1000);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("Prometheus' answer to a range query", () => {
  const matrix = (...result: unknown[]) => success({ resultType: 'matrix', result });

  it('is series of points, without those that it has no sample for', () => {
    const values = [
      [1700000000.5, '1'],
      [1700000060.5, 'NaN'],
    ];
    assert.deepEqual(seriesOf(matrix({ metric: { pod: 'a' }, values }, { metric: {}, values: [] })), [
      {
        labels: { pod: 'a' },
        points: [
          { at: 1700000000500, value: 1 },
          { at: 1700000060500, value: Number.NaN },
        ],
      },
      { labels: {}, points: [] },
    ]);
    assert.deepEqual(seriesOf(matrix()), []);
  });

  it('is refused in words where it has no numbers, is no range, or is a part only', () => {
    const both = { metric: {}, values: [[1, '1']], histograms: [[2, {}]] };
    refuses(() => seriesOf(matrix(both)), 'ExpressionRefused', /native histograms/);
    refuses(() => seriesOf(success(vector('1'))), 'ExpressionRefused', /no range vector but vector/);
    const partial = { status: 'success', data: { resultType: 'matrix', result: [] }, warnings: ['a store is away'] };
    refuses(() => seriesOf(partial), 'PartialData', /a store is away/);
  });
});

describe("Prometheus' answer about rules", () => {
  it('is those of the name, without labels that templates make', () => {
    const rule = { type: 'alerting', name: 'A', query: 'up == 0', labels: { severity: 'page', x: '{{ $labels.x }}' } };
    const rules = [rule, { ...rule, name: 'B' }, { type: 'recording', name: 'A', query: '1' }, null, 7];
    const body = success({ groups: [{ file: '/rules/shop.yaml', rules }, { rules: null }] });
    const expected = {
      name: 'A',
      expression: 'up == 0',
      labels: { severity: 'page' },
      templates: ['x'],
      file: '/rules/shop.yaml',
    };
    assert.deepEqual(alertingRulesOf(body, 'A'), [expected]);
    assert.deepEqual(alertingRulesOf(body, ''), [expected, { ...expected, name: 'B' }]);
  });

  it('says why a rule could not be evaluated', () => {
    const rule = { type: 'alerting', name: 'A', query: 'x', health: 'err', lastError: 'many-to-many' };
    const body = success({ groups: [{ file: 'a', rules: [rule, { ...rule, health: 'ok' }] }] });
    assert.deepEqual(
      alertingRulesOf(body, '').map(({ problem }) => problem),
      ['many-to-many', undefined],
    );
  });
});
