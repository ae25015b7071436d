import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import type { Sample, Series } from '../../src/slo/index.ts';
import { type Counter, firstFrom } from './counters.ts';

type Labels = Readonly<Record<string, string>>;
interface Element {
  labels: Labels;
  value: number;
}
/** A scalar, or an instant vector. */
type Value = number | readonly Element[];
/** Milliseconds; `windowMs` where the expression was compiled without its window. */
type Evaluate = (at: number, windowMs: number) => Value;

export interface Database {
  query(expression: string, at: number): Sample[];
  queryRange(expression: string, range: { start: number; end: number; step: number }): Series[];
}

const NONE: Labels = {};
const WINDOW = /\[(?:\d+(?:ms|[smhd]))+\]/g;
/** Nobody asks for that. */
const ANY_WINDOW = '[99999d]';
const ANY_WINDOW_MS = 99_999 * 86_400_000;
const strict = parser.configure({ strict: true });

/** An expression as the grammar reads it. Throws where it is none. */
export type Parse = (expression: string) => Tree;

/** So many of them: the rules of all services are fewer, the expressions of the pods of all releases are not. */
const REMEMBERED = 500;

/** The rules of one incident are those of the next. */
export const createParse = (): Parse => {
  const known = new Map<string, Tree>();
  return (expression) => {
    const tree = known.get(expression) ?? strict.parse(expression);
    if (known.size < REMEMBERED) known.set(expression, tree);
    return tree;
  };
};

/**
 * Answers the part of PromQL that objectives and burn-rate rules use, as Prometheus does: rate and increase of counters,
 * sum, arithmetic and comparison, and, or, unless, vector. Throws for anything else.
 */
export const createDatabase = (counters: readonly Counter[], parse: Parse = createParse()): Database => {
  const known = new Map<string, (at: number) => Value>();
  const compile = (expression: string): ((at: number) => Value) => {
    const evaluate = known.get(expression) ?? withoutWindow(expression);
    known.set(expression, evaluate);
    return evaluate;
  };
  const compiled = new Map<string, Evaluate>();
  /** Windows change from one look to the next, expressions do not: one that has a single window is compiled without it. */
  const withoutWindow = (expression: string): ((at: number) => Value) => {
    const windows = new Set(expression.match(WINDOW));
    const [only] = windows;
    const isOne = windows.size === 1 && only !== undefined;
    const text = isOne ? expression.replaceAll(only, ANY_WINDOW) : expression;
    const evaluate = compiled.get(text) ?? evaluatorOf(text, counters, parse);
    compiled.set(text, evaluate);
    const windowMs = isOne ? durationOf(only) : 0;
    return (at) => evaluate(at, windowMs);
  };
  return {
    query: (expression, at) =>
      vectorOf(compile(expression)(at)).map(({ labels, value }) => ({ labels: { ...labels }, value })),
    queryRange(expression, { start, end, step }) {
      const evaluate = compile(expression);
      const found = new Map<string, Series>();
      for (let at = start; at <= end + 0.5; at += step)
        for (const { labels, value } of vectorOf(evaluate(at))) {
          const key = keyOf(labels);
          const series = found.get(key) ?? { labels: { ...labels }, points: [] };
          found.set(key, series);
          series.points.push({ at, value });
        }
      return [...found.values()];
    },
  };
};

const vectorOf = (value: Value): readonly Element[] => (typeof value === 'number' ? [{ labels: NONE, value }] : value);

const evaluatorOf = (text: string, counters: readonly Counter[], parse: Parse): Evaluate => {
  const textOf = ({ from, to }: SyntaxNode): string => text.slice(from, to);
  const childrenOf = (node: SyntaxNode): SyntaxNode[] => {
    const found: SyntaxNode[] = [];
    for (let child = node.firstChild; child; child = child.nextSibling)
      if (child.name !== 'LineComment') found.push(child);
    return found;
  };
  const refuse = (node: SyntaxNode): never => {
    throw new Error(`the simulator evaluates no ${node.name}: ${textOf(node)}`);
  };
  const countersOf = (selector: SyntaxNode): Counter[] => {
    const name = selector.getChild('Identifier');
    const matchers = selector.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
    const tests = matchers.map((matcher) => {
      const [label, operator, value] = childrenOf(matcher) as [SyntaxNode, SyntaxNode, SyntaxNode];
      return testOf(textOf(label), textOf(operator), stringOf(textOf(value)));
    });
    return counters.filter(
      ({ labels }) => (!name || labels.__name__ === textOf(name)) && tests.every((test) => test(labels)),
    );
  };
  /** undefined: it is no rate or increase of counters. */
  const ratesOf = (node: SyntaxNode): Rates | undefined => {
    const name = node.name === 'FunctionCall' ? textOf(node.firstChild as SyntaxNode) : '';
    const argument = node.getChild('FunctionCallBody')?.firstChild;
    if ((name !== 'rate' && name !== 'increase') || argument?.name !== 'MatrixSelector') return undefined;
    const [selector, range] = childrenOf(argument) as [SyntaxNode, SyntaxNode];
    const windowMs = durationOf(textOf(range));
    return {
      of: countersOf(selector),
      windowMs: windowMs === ANY_WINDOW_MS ? undefined : windowMs,
      isRate: name === 'rate',
    };
  };
  const call = (node: SyntaxNode): Evaluate => {
    const rates = ratesOf(node);
    if (rates) return vectorOfRates(rates);
    const argument = node.getChild('FunctionCallBody')?.firstChild;
    if (textOf(node.firstChild as SyntaxNode) !== 'vector' || !argument) return refuse(node);
    const value = compile(argument);
    return (at, windowMs) => vectorOf(value(at, windowMs));
  };
  const aggregate = (node: SyntaxNode): Evaluate => {
    const modifier = node.getChild('AggregateModifier');
    const argument = node.getChild('FunctionCallBody')?.firstChild;
    if (textOf(node.firstChild as SyntaxNode) !== 'sum' || !argument || modifier?.getChild('Without'))
      return refuse(node);
    const by = modifier?.getChild('GroupingLabels')?.getChildren('LabelName').map(textOf) ?? [];
    const rates = ratesOf(argument);
    if (by.length > 0) return sumBy(compile(argument), by);
    return rates ? sumOfRates(rates) : sumOfAll(compile(argument));
  };
  const binary = (node: SyntaxNode): Evaluate => {
    const children = childrenOf(node);
    if (children.length !== 3) return refuse(node);
    const [left, operator, right] = children as [SyntaxNode, SyntaxNode, SyntaxNode];
    const evaluate = binaryOf(textOf(operator));
    const [a, b] = [compile(left), compile(right)];
    if (!evaluate) return refuse(node);
    // Most alerting expressions have no left side most of the time.
    if (textOf(operator) === 'and')
      return (at, windowMs) => {
        const found = vectorOf(a(at, windowMs));
        return found.length === 0 ? found : evaluate(found, b(at, windowMs));
      };
    return (at, windowMs) => evaluate(a(at, windowMs), b(at, windowMs));
  };
  const number = (node: SyntaxNode): Evaluate => {
    const value = Number(textOf(node));
    return () => value;
  };
  const inner = (node: SyntaxNode): Evaluate => compile(childrenOf(node)[0] as SyntaxNode);
  const compilers: Partial<Record<string, (node: SyntaxNode) => Evaluate>> = {
    PromQL: inner,
    ParenExpr: inner,
    NumberDurationLiteral: number,
    FunctionCall: call,
    AggregateExpr: aggregate,
    BinaryExpr: binary,
  };
  const compile = (node: SyntaxNode): Evaluate => (compilers[node.name] ?? refuse)(node);
  return compile(parse(text).topNode);
};

interface Rates {
  of: readonly Counter[];
  /** undefined: the one that is asked for. */
  windowMs: number | undefined;
  isRate: boolean;
}

const vectorOfRates = ({ of, windowMs: own, isRate }: Rates): Evaluate => {
  const chosen = of.map((counter) => ({ counter, labels: withoutName(counter.labels) }));
  return (at, asked) => {
    const windowMs = own ?? asked;
    const factor = isRate ? 1000 / windowMs : 1;
    return chosen.flatMap(({ counter, labels }) => {
      const value = increaseOf(counter, at, windowMs);
      return value === undefined ? [] : [{ labels, value: value * factor }];
    });
  };
};

/** What nearly every query asks for: no element is made of what is added up anyway. */
const sumOfRates =
  ({ of, windowMs: own, isRate }: Rates): Evaluate =>
  (at, asked) => {
    const windowMs = own ?? asked;
    const factor = isRate ? 1000 / windowMs : 1;
    let sum: number | undefined;
    for (const counter of of) {
      const value = increaseOf(counter, at, windowMs);
      if (value !== undefined) sum = (sum ?? 0) + value * factor;
    }
    return sum === undefined ? [] : [{ labels: NONE, value: sum }];
  };

const sumOfAll =
  (evaluate: Evaluate): Evaluate =>
  (at, windowMs) => {
    const elements = vectorOf(evaluate(at, windowMs));
    if (elements.length === 0) return elements;
    let sum = 0;
    for (const { value } of elements) sum += value;
    return [{ labels: NONE, value: sum }];
  };

const sumBy =
  (evaluate: Evaluate, by: readonly string[]): Evaluate =>
  (at, windowMs) => {
    const elements = vectorOf(evaluate(at, windowMs));
    if (elements.length === 0) return [];
    const sums = new Map<string, { labels: Labels; value: number }>();
    for (const { labels, value } of elements) {
      const kept = Object.fromEntries(by.flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]]])));
      const key = keyOf(kept);
      const sum = sums.get(key);
      if (sum) sum.value += value;
      else sums.set(key, { labels: kept, value });
    }
    return [...sums.values()];
  };

const ARITHMETIC: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};
const COMPARISONS: Record<string, (a: number, b: number) => boolean> = {
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
};

const binaryOf = (operator: string): ((a: Value, b: Value) => Value) | undefined => {
  const arithmetic = ARITHMETIC[operator];
  if (arithmetic) return (a, b) => join(a, b, (x, y) => arithmetic(x, y));
  const comparison = COMPARISONS[operator];
  if (comparison) return (a, b) => join(a, b, (x, y) => (comparison(x, y) ? x : undefined));
  const has = (vector: Value, key: string): boolean => vectorOf(vector).some(({ labels }) => keyOf(labels) === key);
  if (operator === 'and') return (a, b) => vectorOf(a).filter(({ labels }) => has(b, keyOf(labels)));
  if (operator === 'unless') return (a, b) => vectorOf(a).filter(({ labels }) => !has(b, keyOf(labels)));
  if (operator === 'or')
    return (a, b) => [...vectorOf(a), ...vectorOf(b).filter(({ labels }) => !has(a, keyOf(labels)))];
  return undefined;
};

/** One to one, by all labels. undefined: there is no element. */
const join = (a: Value, b: Value, evaluate: (x: number, y: number) => number | undefined): Value => {
  if (typeof a === 'number' && typeof b === 'number') return evaluate(a, b) ?? [];
  const made = (labels: Labels, value: number | undefined): Element[] =>
    value === undefined ? [] : [{ labels, value }];
  if (typeof a === 'number') return vectorOf(b).flatMap(({ labels, value }) => made(labels, evaluate(a, value)));
  if (typeof b === 'number') return a.flatMap(({ labels, value }) => made(labels, evaluate(value, b)));
  return a.flatMap(({ labels, value }) => {
    const other = b.find((one) => keyOf(one.labels) === keyOf(labels));
    return other ? made(labels, evaluate(value, other.value)) : [];
  });
};

/** How much a counter rose in the time before `at`, extrapolated as Prometheus does; undefined without two samples. */
const increaseOf = ({ times, values, risen, closest }: Counter, at: number, windowMs: number): number | undefined => {
  // Who is scraped less often than that has no two samples in any window.
  if (closest > windowMs + 1) return undefined;
  const start = at - windowMs;
  if (times.length < 2 || (times[times.length - 1] as number) < start || (times[0] as number) > at) return undefined;
  const first = firstFrom(times, start);
  const last = firstFrom(times, at + 0.5) - 1;
  if (last <= first) return undefined;
  const increase = (risen[last] as number) - (risen[first] as number);
  const sampled = (times[last] as number) - (times[first] as number);
  const average = sampled / (last - first);
  let toStart = (times[first] as number) - start;
  const toEnd = at - (times[last] as number);
  // A counter is never below zero: it began no earlier than that.
  if (increase > 0) toStart = Math.min(toStart, sampled * ((values[first] as number) / increase));
  if (toStart >= average * 1.1) toStart = average / 2;
  const reach = sampled + toStart + (toEnd >= average * 1.1 ? average / 2 : toEnd);
  return (increase * reach) / sampled;
};

const testOf = (label: string, operator: string, value: string): ((labels: Labels) => boolean) => {
  const pattern = operator.endsWith('~') ? new RegExp(`^(?:${value})$`, 's') : undefined;
  const equals = (labels: Labels): boolean => {
    const found = labels[label] ?? '';
    return pattern ? pattern.test(found) : found === value;
  };
  return operator.startsWith('!') ? (labels) => !equals(labels) : equals;
};

const stringOf = (literal: string): string =>
  literal.startsWith('`') ? literal.slice(1, -1) : literal.slice(1, -1).replaceAll(/\\(.)/g, '$1');

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const durationOf = (text: string): number =>
  [...text.matchAll(/(\d+)(ms|[smhd])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0),
    0,
  );

const withoutName = ({ __name__, ...labels }: Labels): Labels => labels;
const keyOf = (labels: Labels): string => {
  if (labels === NONE) return '';
  const names = Object.keys(labels);
  return names.length === 0 ? '' : JSON.stringify(names.sort().map((name) => [name, labels[name]]));
};
