import { createContext, Script } from 'node:vm';
import { type ASTNode, Environment, type ParseResult } from '@marcbachmann/cel-js';
import type { HealthCheck } from '../api/gitsync.ts';
import { groupOf, type KubeObject } from '../api/meta.ts';
import { healthOf, type Judgement, unsettled } from './health.ts';
import { current, failed, inProgress } from './rules.ts';

export interface HealthChecks {
  /** The first expression that is wrong, and why; undefined when all are fine. */
  problem: string | undefined;
  healthOf(object: KubeObject): Judgement;
  /** Of the first objects, in their order: as many as could be asked while `mayGoOn`, one at least. */
  healthOfAll(objects: readonly KubeObject[], mayGoOn: () => boolean): Judgement[];
}

/** Whether one of the checks is for objects like this one. The version of a kind is not compared. */
export const isChecked = (checks: readonly HealthCheck[], { apiVersion, kind }: KubeObject): boolean =>
  checks.some((check) => check.kind === kind && groupOf(check.apiVersion) === groupOf(apiVersion));

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
  const asking = { field: '' };
  const ask = (object: KubeObject): Judgement => {
    const group = groupOf(object.apiVersion);
    const check = compiled.find((c) => c.kind === object.kind && c.group === group);
    return check && check.problem === undefined
      ? (unsettled(object) ?? judge(check.steps, object, asking))
      : healthOf(object);
  };
  const askAlone = (object: KubeObject): Judgement => {
    try {
      return withinDeadline(() => ask(object));
    } catch (error) {
      if (!isTimeout(error)) throw error;
      return failed(`${asking.field} takes longer than ${DEADLINE_MS} ms of CPU time`);
    }
  };
  return {
    problem: compiled.find((c) => c.problem !== undefined)?.problem,
    healthOf: askAlone,
    healthOfAll(objects, mayGoOn) {
      const judged: Judgement[] = [];
      for (let next = objects[0]; next && (judged.length === 0 || mayGoOn()); next = objects[judged.length]) {
        if (!withoutTimeout(() => askSome(objects, judged, ask))) judged.push(askAlone(objects[judged.length] ?? next));
      }
      return judged;
    },
  };
};

/** A deadline costs a tenth of a millisecond to set, a simple expression a hundredth: several are asked in one. */
const TOGETHER_MS = 5;

const askSome = (objects: readonly KubeObject[], judged: Judgement[], ask: (object: KubeObject) => Judgement): void => {
  const until = performance.now() + TOGETHER_MS;
  for (let next = objects[judged.length]; next && performance.now() < until; next = objects[judged.length]) {
    judged.push(ask(next));
  }
};

/** False when one of them misses the deadline: it is asked again, alone. */
const withoutTimeout = (job: () => void): boolean => {
  try {
    withinDeadline(job);
    return true;
  } catch (error) {
    if (!isTimeout(error)) throw error;
    return false;
  }
};

const compile = (check: HealthCheck): Check => {
  const steps: Step[] = [];
  const { kind } = check;
  const group = groupOf(check.apiVersion);
  for (const [field, verdict] of ORDER) {
    const text = check[field];
    if (text === undefined) continue;
    const parsed = compiledOf(text);
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

/** Expressions that were compiled, the one asked for last at the end: a check asks for its own again with each change. */
const COMPILED = new Map<string, ParseResult | string>();
const MAX_COMPILED = 1_000;

const compiledOf = (text: string): ParseResult | string => {
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

/** `asking` says which of the expressions is being asked: whoever ends this in the middle can name it. */
const judge = (steps: readonly Step[], object: KubeObject, asking: { field: string }): Judgement => {
  asking.field = 'its check';
  try {
    const variables = variablesOf(object);
    for (const step of steps) {
      asking.field = step.field;
      const answer: unknown = step.ask(variables);
      if (typeof answer !== 'boolean') return inProgress(`${step.field} gives ${typeName(answer)}, not true or false`);
      if (answer) return step.verdict(`${step.field}: ${step.text.slice(0, MAX_MESSAGE)}`);
    }
    return inProgress('none of its health check expressions is true yet');
  } catch (error) {
    // Mostly a field that its controller has not written yet. A missed deadline is not caught in here.
    return inProgress(`${asking.field} cannot be answered yet: ${firstLine(error)}`);
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

const firstLine = (error: unknown): string =>
  String((Object(error) as { message?: unknown }).message ?? error)
    .split('\n', 1)
    .join()
    .slice(0, MAX_MESSAGE);

/** Not by instanceof: the error of a missed deadline is made in the sandbox, whose `Error` is another one. */
const isTimeout = (error: unknown): boolean =>
  (Object(error) as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';

/** For all expressions of one object. They take microseconds unless they are meant to hurt. */
const DEADLINE_MS = 50;

const SANDBOX = createContext({ job: (): unknown => undefined });
const RUN = new Script('job()');

/** A throttled container, or a busy machine, lets time pass in which nothing was asked: then it is asked again. */
const TRIES = 20;

/** Of this thread, in milliseconds. */
export const cpuTime = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

/** Nothing in the library counts steps, and a regular expression may try for years: the deadline of node:vm ends both. */
const withinDeadline = <T>(job: () => T): T => {
  const began = cpuTime();
  for (let tries = 1; ; tries += 1) {
    SANDBOX.job = job;
    try {
      return RUN.runInContext(SANDBOX, { timeout: DEADLINE_MS }) as T;
    } catch (error) {
      const worked = cpuTime() - began >= DEADLINE_MS / 2;
      if (!isTimeout(error) || worked || tries >= TRIES) throw error;
    } finally {
      SANDBOX.job = undefined;
    }
  }
};
