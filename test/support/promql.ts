import fc from 'fast-check';

const value = fc.constantFrom('"5.."', '"500"', '"}"', "'a\\'{'", '`"[`', '""', '".+"', '"$window"', '"\\\\"');
const space = fc.constantFrom('', ' ', '\n', ' # {a="b"}\n');
const duration = fc.constantFrom('$window', '1m', '90s');
const operator = fc.constantFrom('+', '/', '- on(pod, code, le) ', '> bool ', '<', 'and', 'or', 'unless', '== ', '^');
const joined = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> => fc.tuple(...parts).map((p) => p.join(''));
const one = (...texts: string[]): fc.Arbitrary<string> => fc.constantFrom(...texts);

/**
 * Expressions over metrics x, y, a:b and some whose names are words of PromQL; most of them have a value.
 *
 * @param quoted with names in quotes, which Prometheus takes since 3.0
 */
export const expressionsOf = ({ quoted }: { quoted: boolean }): fc.Arbitrary<string> => {
  const label = one('code', 'pod', 'le', ...(quoted ? ['"utf8.label"'] : []));
  const matcher = joined(label, one('=', '!=', '=~', '!~'), value, space);
  const matchers = fc
    .tuple(fc.array(matcher, { maxLength: 2 }), fc.boolean(), space)
    .map(([m, comma, s]) => `{${s}${m.join(',')}${comma && m.length > 0 ? ',' : ''}${s}}`);
  const name = one('x', 'y', 'a:b', 'rate', 'sum', 'by', 'start', 'info', 'step');
  const quotedName = one('{"utf8.metric"}', '{"utf8.metric", code="500"}', '{code="500","utf8.metric",}');
  const selector = fc.oneof(name, joined(name, space, matchers), ...(quoted ? [quotedName] : []));
  const range = joined(selector, space, one('['), duration, space, one('', ':', ':30s'), one(']'));
  const overTime = one('rate', 'increase', 'max_over_time', 'count_over_time', 'absent_over_time');
  const aggregation = one('sum (', 'max by (pod) (', 'count without (le) (', 'topk by (code) (1, ');
  return fc.letrec<{ expression: string }>((tie) => {
    const inner = tie('expression');
    return {
      expression: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        selector,
        joined(overTime, one('('), range, one(')', ' offset 1m)', ' @ end())')),
        joined(selector, one(' offset $window', ' @ end()')),
        joined(one('('), inner, one(')'), space, operator, one(' ('), inner, one(')')),
        joined(aggregation, inner, one(')')),
        joined(one('label_replace('), inner, one(', "pod", "$1", "code", "(.*)")')),
        joined(one('max_over_time(('), inner, one(')[$window:30s])')),
        joined(one('-('), inner, one(') or vector(0)')),
        joined(one('absent('), inner, one(')')),
      ),
    };
  }).expression;
};
