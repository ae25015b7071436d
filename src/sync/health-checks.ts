import { createContext, Script } from 'node:vm';
import { type ASTNode, Environment, type ParseResult } from '@marcbachmann/cel-js';
import type { HealthCheck } from '../api/gitsync.ts';
import { groupOf, type KubeObject } from '../api/meta.ts';
import { healthOf, type Judgement, unsettled } from './health.ts';
import { current, failed, inProgress } from './health-rules.ts';

export interface HealthChecks {
  /** The first expression that is wrong, and why; undefined when all are fine. */
  problem: string | undefined;
  healthOf(object: KubeObject): Judgement;
}

/** The order of Flux, whose expressions these are: who is still at work has not failed, nor is he done. */
const ORDER = [
  ['inProgress', inProgress],
  ['failed', failed],
  ['current', () => current],
] as const satisfies [string, (message: string) => Judgement][];

interface Step {
  field: (typeof ORDER)[number][0];
  text: string;
  ask: ParseResult;
  verdict: (message: string) => Judgement;
}

interface Check {
  group: string;
  kind: string;
  steps: Step[];
  problem: string | undefined;
}

/**
 * Judges the kinds of `checks` by their expressions and all others by the built-in rules, also a kind whose
 * expressions are wrong. The version of a kind is not compared: the cluster serves an object in the one it prefers.
 */
export const compileHealthChecks = (checks: readonly HealthCheck[]): HealthChecks => {
  const compiled = checks.map(compile);
  return {
    problem: compiled.find((c) => c.problem !== undefined)?.problem,
    healthOf(object) {
      const group = groupOf(object.apiVersion);
      const check = compiled.find((c) => c.kind === object.kind && c.group === group);
      return check && check.problem === undefined
        ? (unsettled(object) ?? judge(check.steps, object))
        : healthOf(object);
    },
  };
};

const compile = (check: HealthCheck): Check => {
  const steps: Step[] = [];
  const { kind } = check;
  const group = groupOf(check.apiVersion);
  for (const [field, verdict] of ORDER) {
    const text = check[field];
    if (text === undefined) continue;
    const parsed = parse(text);
    if (typeof parsed === 'string')
      return { group, kind, steps: [], problem: `healthCheckExprs of ${kind}, ${field}: ${parsed}` };
    steps.push({ field, text, ask: parsed, verdict });
  }
  return { group, kind, steps, problem: undefined };
};

const VARIABLES = ['apiVersion', 'kind', 'metadata', 'spec', 'status', 'data'] as const;

const LIMITS = { maxAstNodes: 1000, maxDepth: 64, maxListElements: 128, maxCallArguments: 4 };

const ENVIRONMENT = VARIABLES.reduce(
  (environment, name) => environment.registerVariable(name, 'dyn'),
  new Environment({ enableOptionalTypes: true, limits: LIMITS }),
);

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

const judge = (steps: readonly Step[], object: KubeObject): Judgement => {
  let field: string = 'its check';
  try {
    return withinDeadline(() => {
      const variables = variablesOf(object);
      for (const step of steps) {
        field = step.field;
        const answer: unknown = step.ask(variables);
        if (typeof answer !== 'boolean') return inProgress(`${field} gives ${typeName(answer)}, not true or false`);
        if (answer) return step.verdict(`${field}: ${step.text.slice(0, MAX_MESSAGE)}`);
      }
      return inProgress('none of its health check expressions is true yet');
    });
  } catch (error) {
    // Mostly a field that its controller has not written yet.
    return inProgress(`${field} cannot be answered yet: ${firstLine(error)}`);
  }
};

const variablesOf = ({ metadata: { managedFields: _, ...metadata }, ...rest }: KubeObject): Record<string, unknown> => {
  const object: Record<string, unknown> = { ...rest, metadata };
  return Object.fromEntries(VARIABLES.map((name) => [name, celOf(object[name] ?? {}, MAX_DEPTH)]));
};

const MAX_DEPTH = 64;
/** Searching one text in another is one step, and takes as long as the product of their lengths. */
const MAX_TEXT = 4096;

/** JSON as CEL has it: whole numbers are ints. Maps, as a key of an object could be called `constructor`. */
const celOf = (value: unknown, depth: number): unknown => {
  if (depth === 0) throw new RangeError('the object is nested too deeply');
  if (typeof value === 'string') return value.slice(0, MAX_TEXT);
  if (Number.isSafeInteger(value)) return BigInt(value as number);
  if (Array.isArray(value)) return value.map((item) => celOf(item, depth - 1));
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key.slice(0, MAX_TEXT), celOf(item, depth - 1)]));
};

const typeName = (value: unknown): string => {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return 'an int';
  if (typeof value === 'number') return 'a double';
  if (typeof value === 'string') return 'a string';
  if (Array.isArray(value)) return 'a list';
  return value instanceof Map ? 'a map' : 'an object';
};

const MAX_MESSAGE = 200;

/** Not by instanceof: the error of a missed deadline is made in the sandbox, whose `Error` is another one. */
const firstLine = (error: unknown): string => {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return `it takes longer than ${DEADLINE_MS} ms`;
  return String(message ?? error)
    .split('\n', 1)
    .join()
    .slice(0, MAX_MESSAGE);
};

/** For all expressions of one object. They take microseconds unless they are meant to hurt. */
const DEADLINE_MS = 50;

const SANDBOX = createContext({ job: (): unknown => undefined });
const RUN = new Script('job()');

/** Nothing in the library counts steps, and a regular expression may try for years: the deadline of node:vm ends both. */
const withinDeadline = <T>(job: () => T): T => {
  SANDBOX.job = job;
  try {
    return RUN.runInContext(SANDBOX, { timeout: DEADLINE_MS });
  } finally {
    SANDBOX.job = undefined;
  }
};
