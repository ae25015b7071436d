import type { ParseResult } from '@marcbachmann/cel-js';
import type { HealthCheck } from '../api/gitsync.ts';
import { groupOf, type KubeObject } from '../api/meta.ts';
import { compiledOf, firstLine, MAX_MESSAGE } from './cel-parse.ts';
import { typeName, variablesOf } from './cel-values.ts';
import { current, failed, inProgress, type Judgement } from './rules.ts';

/** The order of Flux, whose expressions these are: who is still at work has not failed, nor is he done. */
const ORDER = [
  ['inProgress', inProgress],
  ['failed', failed],
  ['current', () => current],
] as const satisfies [string, (message: string) => Judgement][];

interface Expression {
  field: (typeof ORDER)[number][0];
  text: string;
  ask: ParseResult;
  verdict: (message: string) => Judgement;
}

export interface Check {
  group: string;
  kind: string;
  steps: Expression[];
  problem: string | undefined;
}

export const compileCheck = (check: HealthCheck): Check => {
  const steps: Expression[] = [];
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

/** `asking` says which of the expressions is being asked: whoever ends this in the middle can name it. */
export const judgeBy = (steps: readonly Expression[], object: KubeObject, asking: { field: string }): Judgement => {
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
