import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isMeasured, type MeasuredObjective, objective as schema } from '../api/rollback-policy.ts';
import { eventsOf, eventsOfPods, meanLatencyOf } from './indicator.ts';
import { ExpressionError } from './promql.ts';
import { createSelectors } from './selectors.ts';

const objective = (indicator: object): MeasuredObjective => {
  const parsed = schema.parse({ name: 'speed', target: '99', indicator });
  assert.ok(isMeasured(parsed));
  return parsed;
};
const histogram = 'http_request_duration_seconds';
const latency = (rest: object = {}) => objective({ latency: { histogram, threshold: '0.3', ...rest } });

describe('an objective about latency', () => {
  it('counts requests that are in no bucket up to its threshold', () => {
    assert.deepEqual(eventsOf(latency({ matchLabels: { job: 'a"b' } })), {
      errors:
        'sum(rate(http_request_duration_seconds_count{job="a\\"b"}[$window])) - ' +
        'sum(rate(http_request_duration_seconds_bucket{job="a\\"b", le=~"0\\\\.3|3e-01"}[$window]))',
      total: 'sum(rate(http_request_duration_seconds_count{job="a\\"b"}[$window]))',
      podLabel: 'pod',
      slowerThan: '0.3 s',
    });
  });

  for (const [threshold, forms] of [
    ['1', ['1', '1.0', '1e+00']],
    ['0.30', ['0.3']],
    ['1000000', ['1000000', '1000000.0', '1e+06']],
    ['0.00005', ['5e-05', '0.00005']],
  ] as const)
    it(`finds the bound ${threshold} as servers and clients write it: ${forms.join(', ')}`, () => {
      const [, pattern] = /le=~("(?:[^"\\]|\\.)*")/.exec(eventsOf(latency({ threshold })).errors) ?? [];
      const whole = new RegExp(`^(?:${JSON.parse(pattern ?? '')})$`);
      assert.deepEqual(
        forms.filter((form) => !whole.test(form)),
        [],
      );
      assert.equal(whole.test('0x3'), false, 'a dot is a dot');
    });

  it('says the unit where the name of the histogram does', () => {
    const unit = (name: string) => eventsOf(latency({ histogram: name, threshold: '250' })).slowerThan;
    assert.deepEqual(['a_seconds', 'a_milliseconds', 'a_duration'].map(unit), ['250 s', '250 ms', '250']);
  });

  it('is asked of some pods only, in each selector, and so is the mean of each pod', () => {
    const selectors = createSelectors();
    const { errors, total } = eventsOfPods(latency(), 'web-1-.+', selectors);
    assert.equal(errors.match(/pod=~"web-1-\.\+"/g)?.length, 2);
    assert.equal(total, 'sum(rate(http_request_duration_seconds_count{pod=~"web-1-.+"}[$window]))');
    const { indicator } = latency({ podLabel: 'k8s.pod' });
    assert.ok(indicator.latency);
    assert.equal(
      meanLatencyOf(indicator.latency),
      'sum by ("k8s.pod") (rate(http_request_duration_seconds_sum[$window])) / ' +
        'sum by ("k8s.pod") (rate(http_request_duration_seconds_count[$window]))',
    );
  });

  it('is refused beside a ratio, and where neither is set', () => {
    const ratio = { errors: 'e[$window]', total: 't[$window]' };
    const one = { histogram, threshold: '1' };
    for (const indicator of [{}, { ratio, latency: one }])
      assert.throws(() => objective(indicator), /set exactly one of ratio and latency/);
    for (const threshold of ['0', '0.0', '-1', 'fast']) assert.throws(() => latency({ threshold }), /threshold/);
  });
});

describe('an expression with a range of its own', () => {
  const ratio = (errors: string, total = 'sum(rate(t[$window]))') => objective({ ratio: { errors, total } });

  for (const expression of ['sum(rate(e[5m]))', 'job:errors:rate5m', 'sum(rate(e[5m])) # $window', 'e{a="$window"}'])
    it(`is refused in words: a burn is counted over other ranges, too: ${expression}`, () =>
      assert.throws(
        () => eventsOf(ratio(expression)),
        (error: unknown) =>
          error instanceof ExpressionError &&
          /^indicator.ratio.errors of objective speed has no \$window: write it/.test(error.message),
      ));

  it('is refused in the total as well, and taken where $window stands beside it', () => {
    assert.throws(() => eventsOf(ratio('sum(rate(e[$window]))', 't')), /indicator.ratio.total of objective speed/);
    const weighted = 'sum(rate(e[$window])) * scalar(max_over_time(weight[1h]))';
    assert.equal(eventsOf(ratio(weighted)).errors, weighted);
  });
});
