import { digestOf } from '../manifests.ts';
import { type Outcome, outcomeOf } from '../outcome.ts';
import { createRandom } from '../random.ts';
import type { Rollback } from '../rollback.ts';
import { runShipped } from '../shipped.ts';
import type { Given } from './given.ts';

export interface Tried {
  name: string;
  /** In words: what was done, and what had to be. */
  decision: string;
  expected: string;
  outcome: Outcome;
  right: boolean;
  /** From the first alert, or the first failing pod, to the decision. */
  decisionSeconds: number | undefined;
  /** What the incidents said at the end. */
  words: readonly string[];
}

/** Lets the code as it ships decide an incident. The same seed draws the same numbers. */
export const tryOut = async (given: Given, seed: number): Promise<Tried> => {
  const { name, world } = given;
  const random = createRandom(seed);
  const counters = given.counters(random.fork());
  const { rollback, alerts, evidenceAt, words } = await runShipped(world, counters, random.fork());
  const outcome = outcomeOf(world, rollback);
  const began = Math.min(evidenceAt ?? Number.POSITIVE_INFINITY, ...alerts.map(({ at }) => at));
  const { guilt } = world;
  return {
    name,
    decision: rollback ? wordsOf(rollback, given) : 'no rollback',
    expected: guilt
      ? `rollback of ${guilt.service} ${guilt.releases.map((n) => given.releaseName(guilt.service, n)).join(', ')}`
      : 'no rollback',
    outcome,
    right: outcome === 'right' || outcome === 'leftAlone',
    decisionSeconds: rollback && Math.round((rollback.at - began) / 1000),
    words,
  };
};

const wordsOf = ({ service, rejected, target }: Rollback, { world, releaseName }: Given): string => {
  const releases = world.services.find(({ name }) => name === service)?.releases ?? [];
  const called = (digest: string): string => {
    const release = releases.find((one) => digestOf(service, one) === digest);
    return release ? releaseName(service, release.number) : digest;
  };
  return `rollback of ${service} ${rejected.map(called).join(', ')} to ${called(target)}`;
};

/** For people: a line for each, and why where it is wrong. */
export const tableOfTried = (all: readonly Tried[]): string => {
  const widest = (of: (one: Tried) => string): number => Math.max(...all.map((one) => of(one).length)) + 2;
  const [name, decision, expected] = [
    widest((one) => one.name),
    widest((one) => one.decision),
    widest((one) => one.expected),
  ];
  const lines = all.flatMap((one) => [
    `${one.right ? 'right' : 'WRONG'}  ${one.name.padEnd(name)}${one.decision.padEnd(decision)}${`expected ${one.expected}`.padEnd(expected + 9)}${one.decisionSeconds === undefined ? '' : `after ${one.decisionSeconds} s`}`.trimEnd(),
    ...(one.right ? [] : one.words.map((words) => `       ${words}`)),
  ]);
  const right = all.filter((one) => one.right).length;
  return [...lines, `${right} of ${all.length} right`, ''].join('\n');
};
