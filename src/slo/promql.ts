import { parser } from '@prometheus-io/lezer-promql';
import { STRING_OR_COMMENT, withWindow } from './expression.ts';

/** The expression can't be asked of some pods only. The message says why, for the person who wrote it. */
export class ExpressionError extends Error {
  override name = 'ExpressionError';
}

/** Where a matcher goes: behind a name without braces, or behind an opening brace, as the first of some or the only one. */
export interface Place {
  at: number;
  form: 'alone' | 'first' | 'only';
}

/**
 * What a parse may cost: some ten milliseconds at worst. Brackets in brackets and rows of signs are what makes it slow,
 * and what nobody writes.
 */
const MAX_LENGTH = 4096;
const MAX_DEPTH = 64;
const MAX_OPERATORS = 256;

/** Without error recovery: half an expression is none. */
const strict = parser.configure({ strict: true });
/** As long as `$window`, so that places stay where they are: 100000s. */
const ANY_WINDOW_MS = 100_000_000;

/** Where a matcher goes in each vector selector, in their order. Throws ExpressionError. */
export const placesOf = (expression: string): readonly Place[] => {
  const places: Place[] = [];
  read(expression).iterate({
    enter({ name, from, to, node }) {
      refuse[name]?.(expression.slice(from, to), from);
      if (name !== 'VectorSelector') return;
      const matchers = node.getChild('LabelMatchers');
      if (matchers) places.push({ at: matchers.from + 1, form: matchers.firstChild ? 'first' : 'only' });
      else places.push({ at: to, form: 'alone' });
    },
  });
  if (places.length === 0) throw new ExpressionError('it reads no metric');
  return places;
};

/** Text that goes into an expression, and where. */
export interface Insertion {
  at: number;
  text: string;
}

/**
 * What goes into an expression so that each `sum` in it keeps a label. Throws ExpressionError where the parts would not
 * add up to the whole: other aggregations, and sides that are matched by labels of their own.
 *
 * @param label as it is written in PromQL
 */
export const groupingsOf = (expression: string, label: string): readonly Insertion[] => {
  const insertions: Insertion[] = [];
  const textOf = ({ from, to }: { from: number; to: number }): string => expression.slice(from, to);
  read(expression).iterate({
    enter({ name, node }) {
      if (name === 'MatchingModifierClause')
        throw new ExpressionError(`${textOf(node)} matches by labels: its sides can't be asked of each pod`);
      const operator = name === 'AggregateExpr' ? node.getChild('AggregateOp') : null;
      if (!operator) return;
      if (textOf(operator).toLowerCase() !== 'sum')
        throw new ExpressionError(`${textOf(operator)} of all pods is no sum of what each pod did`);
      const modifier = node.getChild('AggregateModifier');
      const labels = modifier?.getChild('GroupingLabels');
      if (!modifier || !labels) {
        insertions.push({ at: operator.to, text: ` by (${label}) ` });
        return;
      }
      const names = [...labels.getChildren('LabelName'), ...labels.getChildren('QuotedLabelName')].map(textOf);
      if (modifier.getChild('By') && !names.includes(label))
        insertions.push({ at: labels.from + 1, text: names.length > 0 ? `${label}, ` : label });
      if (modifier.getChild('Without') && names.includes(label))
        throw new ExpressionError(`${textOf(modifier)} drops the label of the pod`);
    },
  });
  return insertions.toSorted((a, b) => a.at - b.at);
};

/** What the grammar takes, and what can't be asked of some pods: by the names of its nodes. */
const refuse: Partial<Record<string, (text: string, from: number) => void>> = {
  MatrixSelector(text) {
    const [name] = /^"[^"]*"|^'[^']*'|^`[^`]*`/.exec(text) ?? [];
    if (name !== undefined) throw new ExpressionError(`write {${name}}: a quoted name stands in braces`);
  },
  StringLiteral(text, from) {
    if (text.length < 2 || text.at(-1) !== text[0])
      throw new ExpressionError(`the string at character ${from + 1} has no end; close it with ${text[0]}`);
  },
  Info(_, from) {
    const what = `info() at character ${from + 1} reads metrics of its own`;
    throw new ExpressionError(`${what}, which have no label of the pod; write the labels into the selectors instead`);
  },
};

/** The expression as the grammar reads it; with every character where it was. */
const read = (expression: string): ReturnType<typeof strict.parse> => {
  if (expression.length > MAX_LENGTH)
    throw new ExpressionError(`it has ${expression.length} characters; up to ${MAX_LENGTH} are read`);
  // Prometheus ends a comment at a carriage return, this grammar does not: what one skips the other would run.
  if (expression.includes('\r')) throw new ExpressionError('it has a carriage return; end lines with a line feed');
  const { depth, operators } = sizeOf(expression);
  if (depth > MAX_DEPTH)
    throw new ExpressionError(`its brackets are nested ${depth} deep; up to ${MAX_DEPTH} are read`);
  if (operators > MAX_OPERATORS)
    throw new ExpressionError(`it has ${operators} signs and operators; up to ${MAX_OPERATORS} are read`);
  return parse(withWindow(expression, ANY_WINDOW_MS), expression);
};

const parse = (text: string, expression: string): ReturnType<typeof strict.parse> => {
  try {
    return strict.parse(text);
  } catch (cause) {
    const at = Number(/(\d+)$/.exec(cause instanceof Error ? cause.message : '')?.[1] ?? 0);
    const rest = expression.slice(at);
    const there = rest === '' ? 'where it ends' : `at ${JSON.stringify(rest.slice(0, 20))}`;
    const hint = rest.startsWith('$') ? '; write $window for the range' : '';
    throw new ExpressionError(`it is no PromQL from character ${at + 1} on, ${there}${hint}`, { cause });
  }
};

/** How many brackets are open at a time, at most, and how many characters are (part of) operators. */
const sizeOf = (expression: string): { depth: number; operators: number } => {
  let open = 0;
  let depth = 0;
  let operators = 0;
  for (const character of expression.replaceAll(new RegExp(STRING_OR_COMMENT, 'g'), '')) {
    if ('([{'.includes(character)) depth = Math.max(depth, ++open);
    else if (')]}'.includes(character)) open -= 1;
    else if ('+-*/%^<>=!~@'.includes(character)) operators += 1;
  }
  return { depth, operators };
};
