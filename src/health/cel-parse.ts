import { type ASTNode, Environment, type ParseResult } from '@marcbachmann/cel-js';
import { VARIABLES } from './cel-values.ts';

const LIMITS = { maxAstNodes: 1000, maxDepth: 64, maxListElements: 128, maxCallArguments: 4 };

const ENVIRONMENT = VARIABLES.reduce(
  (environment, name) => environment.registerVariable(name, 'dyn'),
  new Environment({ enableOptionalTypes: true, limits: LIMITS }),
);

/** Expressions that were compiled, the one asked for last at the end: a check asks for its own again with each change. */
const COMPILED = new Map<string, ParseResult | string>();
const MAX_COMPILED = 1_000;

/** The compiled expression, or what is wrong with it. */
export const compiledOf = (text: string): ParseResult | string => {
  const compiled = COMPILED.get(text) ?? parse(text);
  COMPILED.delete(text);
  COMPILED.set(text, compiled);
  const [oldest] = COMPILED.keys();
  if (COMPILED.size > MAX_COMPILED && oldest !== undefined) COMPILED.delete(oldest);
  return compiled;
};

/** The compiled expression, or what is wrong with it. Without a deadline: what is not refused takes a few milliseconds. */
const parse = (text: string): ParseResult | string => {
  try {
    const parsed = ENVIRONMENT.parse(text);
    const refused = refusalOf(parsed.ast);
    if (refused !== undefined) return refused;
    const { valid, type, error } = parsed.check();
    if (!valid) return firstLine(error);
    return type === 'bool' || type === 'dyn' ? parsed : `it gives ${type}, not true or false`;
  } catch (error) {
    return firstLine(error);
  }
};

/** What a question about an object takes. Left out is what makes values bigger (join, bytes, cel.bind), or is not needed. */
const FUNCTIONS = new Set(
  [
    'has size all exists exists_one map filter type dyn bool int uint double string timestamp duration',
    'startsWith endsWith contains matches indexOf lastIndexOf substring split trim lowerAscii upperAscii',
    'of none or orValue hasValue value',
  ].flatMap((names) => names.split(' ')),
);

/** `[x].map(a, a + a).map(b, b + b)` and so on doubles a value with each `+`. Three are enough for adding up four counts. */
const MAX_PLUS = 3;

/** Compiling a regular expression is one step too: a long one of many `{1000}` takes seconds. */
const MAX_PATTERN = 256;
const isShortText = (node: ASTNode | undefined): boolean =>
  node?.op === 'value' && typeof node.args === 'string' && node.args.length <= MAX_PATTERN;

/**
 * Why an expression is not run though it is valid. The deadline cannot stop everything: it interrupts between steps,
 * not in the middle of one, so that no step may be given something huge. A map literal does it to the type checker:
 * `[x].map(a, {a: a})` doubles the name of the type.
 */
const refusalOf = (ast: ASTNode): string | undefined => {
  let plus = 0;
  for (const node of nodesOf(ast)) {
    if (node.op === 'map') return 'map literals are not available';
    if ((node.op === 'call' || node.op === 'rcall') && !FUNCTIONS.has(node.args[0]))
      return `function ${node.args[0]} is not available`;
    if (node.op === 'rcall' && node.args[0] === 'matches' && !isShortText(node.args[2][0]))
      return `matches takes a text of at most ${MAX_PATTERN} characters, written out`;
    if (node.op === '+' && ++plus > MAX_PLUS) return `more than ${MAX_PLUS} times +`;
  }
  return undefined;
};

const nodesOf = (part: unknown): ASTNode[] => {
  if (Array.isArray(part)) return part.flatMap(nodesOf);
  return isNode(part) ? [part, ...nodesOf(part.args)] : [];
};

const isNode = (part: unknown): part is ASTNode => typeof part === 'object' && part !== null && 'op' in part;

export const MAX_MESSAGE = 200;

/** Of an error, cut to a length that fits into a condition. */
export const firstLine = (error: unknown): string =>
  String((Object(error) as { message?: unknown }).message ?? error)
    .split('\n', 1)
    .join()
    .slice(0, MAX_MESSAGE);
