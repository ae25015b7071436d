import assert from 'node:assert/strict';
import { parser } from '@prometheus-io/lezer-promql';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { expressionsOf } from '../../test/support/promql.ts';
import { withWindow } from './expression.ts';
import { ExpressionError } from './promql.ts';
import { createSelectors } from './selectors.ts';

const PATTERN = 'a\\.b-.+';
const MATCHER = 'pod=~"a\\\\.b-.+"';
const restrict = (expression: string): string => createSelectors().restrict(expression, 'pod', PATTERN);

/** The text of each vector selector, by a parse of its own. */
const selectorsIn = (expression: string): string[] => {
  const text = withWindow(expression, 90_000);
  const found: string[] = [];
  parser
    .configure({ strict: true })
    .parse(text)
    .iterate({
      enter: ({ name, from, to }) => void (name === 'VectorSelector' && found.push(text.slice(from, to))),
    });
  return found;
};

/** Without empty braces, which are as good as none. */
const withoutBraces = (text: string): string => text.replaceAll('{}', '');

describe('an expression asked of the pods of one release', () => {
  for (const [what, before, after] of [
    ['no matcher', 'sum(rate(x[$window]))', 'sum(rate(x{M}[$window]))'],
    ['matchers', 'sum(rate(x{code=~"5.."}[$window]))', 'sum(rate(x{M,code=~"5.."}[$window]))'],
    ['no matcher in braces', 'rate(x{}[$window])', 'rate(x{M}[$window])'],
    ['braces in strings', 'rate(x{path="/{id}"}[$window])', 'rate(x{M,path="/{id}"}[$window])'],
    ['spaces', 'rate(x { a="b" } [ $window ])', 'rate(x {M, a="b" } [ $window ])'],
    ['backticks', 'rate(x{path=~`/[}]"`}[$window])', 'rate(x{M,path=~`/[}]"`}[$window])'],
    ['a subquery', 'max_over_time(rate(x[1m])[$window:30s])', 'max_over_time(rate(x{M}[1m])[$window:30s])'],
    ['a subquery of the default step', 'sum_over_time(x[$window:])', 'sum_over_time(x{M}[$window:])'],
    ['offset and @', 'rate(x[$window] offset $window @ end())', 'rate(x{M}[$window] offset $window @ end())'],
    ['a quoted name', 'rate({"utf8.metric", a="b"}[$window])', 'rate({M,"utf8.metric", a="b"}[$window])'],
    ['two metrics', 'rate(x[$window]) / rate(y{},[$window])', undefined],
    ['instant selectors too', 'x and on() y{a="b",}', 'x{M} and on() y{M,a="b",}'],
    ['comments', 'x{ # {y}\n a="b"} # z', 'x{M, # {y}\n a="b"} # z'],
    ['or with a number', 'rate(x[$window]) or vector(0)', 'rate(x{M}[$window]) or vector(0)'],
    [
      'label_replace',
      'label_replace(x, "pod", "$1", "instance", "(.*)")',
      'label_replace(x{M}, "pod", "$1", "instance", "(.*)")',
    ],
    [
      'a classic histogram',
      'histogram_quantile(0.9, sum by (le) (rate(x_bucket[$window])))',
      'histogram_quantile(0.9, sum by (le) (rate(x_bucket{M}[$window])))',
    ],
    ['a native histogram', 'histogram_count(rate(x[$window]))', 'histogram_count(rate(x{M}[$window]))'],
    ['many-to-one', 'x * on (a) group_left (b) y', 'x{M} * on (a) group_left (b) y{M}'],
    ['a metric called info', 'info', 'info{M}'],
    ['$window in a string', 'x{a="$window"}[$window]', 'x{M,a="$window"}[$window]'],
    ['a keyword as a metric', 'sum by (pod) (start) + sum', 'sum by (pod) (start{M}) + sum{M}'],
    ['an own matcher of that label', 'x{pod=~"web-.*"}', 'x{M,pod=~"web-.*"}'],
  ] as const) {
    it(`has the matcher in every selector: ${what}`, () => {
      if (after === undefined) assert.throws(() => restrict(before), ExpressionError);
      else assert.equal(restrict(before), after.replaceAll('M', MATCHER));
    });
  }

  it('quotes a label that is no plain word', () => {
    const { restrict: with_ } = createSelectors();
    assert.equal(with_('x', 'k8s.pod.name', 'a'), 'x{"k8s.pod.name"=~"a"}');
    assert.equal(with_('x', 'p"} or y{z', 'a'), 'x{"p\\"} or y{z"=~"a"}');
  });

  for (const [what, expression, words] of [
    ['nothing', '', /no PromQL/],
    ['half of it', 'sum(rate(x[5m])', /no PromQL from character 16 on, where it ends/],
    ['two of them', 'x y', /no PromQL from character 3/],
    [
      'a placeholder of another tool',
      'rate(x[$__rate_interval])',
      /character 8 on, at "\$__rate_interval\]\)"; write \$window/,
    ],
    ['a name in quotes without braces', 'rate("utf8.metric"[$window])', /write \{"utf8.metric"\}/],
    ['a string without an end', 'x{a="b\n}', /string at character 5 has no end; close it with "/],
    ['half a string', 'label_replace(x, "a', /character 20 on, where it ends/],
    ['metrics that it does not name', 'info(rate(x[5m]), {a="b"})', /info\(\) at character 1 reads metrics of its own/],
    ['no metric', 'vector(1)', /reads no metric/],
    ['what only Prometheus would see', 'x # \r + y', /carriage return/],
    ['too long a text', `x{a="${'b'.repeat(5000)}"}`, /5007 characters/],
    ['too many brackets', `${'('.repeat(100)}x${')'.repeat(100)}`, /100 deep/],
    ['too many signs', `${'-'.repeat(300)}x`, /300 signs/],
  ] as const) {
    it(`is refused in words: ${what}`, () => {
      const selectors = createSelectors();
      for (let time = 1; time <= 2; time += 1)
        assert.throws(
          () => selectors.restrict(expression, 'pod', PATTERN),
          (error) => error instanceof ExpressionError && words.test(error.message),
        );
    });
  }

  it('has the matcher in every selector, whatever the expression', () => {
    fc.assert(
      fc.property(expressionsOf({ quoted: true }), (text) => {
        const wanted = selectorsIn(text);
        const restricted = restrict(text);
        const found = selectorsIn(restricted);
        assert.equal(found.length, wanted.length);
        const without = restricted.replaceAll(`${MATCHER},`, '').replaceAll(MATCHER, '');
        assert.equal(withoutBraces(without), withoutBraces(text), 'nothing else changed');
        for (const one of found) assert.match(one, /^[a-z_:]*\s*(#.*\n)?\s*\{pod=~"a\\\\\.b-\.\+"[,}\s]/);
      }),
    );
  });

  it('is restricted or refused, never anything else, whatever the text', () => {
    const pieces = [
      'x',
      '{',
      '}',
      '[',
      ']',
      '(',
      ')',
      '"',
      '`',
      "'",
      ',',
      '=',
      '=~',
      '-',
      '#',
      '\n',
      '$window',
      ':',
      '@',
    ];
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.constantFrom(...pieces)).map((p) => p.join('')),
        ),
        (text) => {
          let restricted: string;
          try {
            restricted = restrict(text);
          } catch (error) {
            assert.ok(error instanceof ExpressionError, String(error));
            return;
          }
          for (const one of selectorsIn(restricted)) assert.ok(one.includes(MATCHER), restricted);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('an expression asked of each pod', () => {
  const split = (expression: string, label = 'pod'): string => createSelectors().split(expression, label);

  for (const [what, before, after] of [
    ['a sum', 'sum(rate(x[$window]))', 'sum by (pod) (rate(x[$window]))'],
    ['a sum by labels', 'sum by (code) (rate(x[5m]))', 'sum by (pod, code) (rate(x[5m]))'],
    ['a sum by none', 'sum by () (rate(x[5m]))', 'sum by (pod) (rate(x[5m]))'],
    ['labels behind the sum', 'sum(rate(x[5m])) by (code)', 'sum(rate(x[5m])) by (pod, code)'],
    ['a sum by the label', 'sum by (pod) (rate(x[$window]))', 'sum by (pod) (rate(x[$window]))'],
    ['a sum without others', 'sum without (code) (rate(x[5m]))', 'sum without (code) (rate(x[5m]))'],
    ['no aggregation', 'rate(x[$window])', 'rate(x[$window])'],
    ['sums of sums', 'sum(sum by (code) (x)) - sum(y)', 'sum by (pod) (sum by (pod, code) (x)) - sum by (pod) (y)'],
    ['a comment', 'sum(x) # sum(y)', 'sum by (pod) (x) # sum(y)'],
  ] as const)
    it(`keeps its label in each sum: ${what}`, () => assert.equal(split(before), `sum by (pod) (${after}\n)`));

  it('quotes a label that is no plain word', () =>
    assert.equal(split('sum(x)', 'k8s.pod'), 'sum by ("k8s.pod") (sum by ("k8s.pod") (x)\n)'));

  for (const [what, expression, words] of [
    ['another aggregation', 'avg(rate(x[5m]))', /avg of all pods is no sum/],
    ['sides matched by labels', 'sum(x) / on () sum(y)', /on \(\) matches by labels/],
    ['a sum without the label', 'sum without (pod) (x)', /drops the label/],
    ['half of it', 'sum(x', /no PromQL/],
  ] as const)
    it(`is refused where pods do not add up: ${what}`, () =>
      assert.throws(
        () => split(expression),
        (error) => error instanceof ExpressionError && words.test(error.message),
      ));
});
