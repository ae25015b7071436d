import { round } from './statistics.ts';

/** Milliseconds from the alert until somebody who watches the API server has seen each. */
export interface Timing {
  /** The alert was answered with 200: the incident is stored. */
  stored: number;
  /** The incident says that it rolls back: Prometheus was asked before. */
  decided: number;
  hold: number;
  applied: number;
  ready: number;
}

export interface Rollback extends Timing {
  name: string;
  /** Milliseconds that Prometheus itself took for queries and rules meanwhile. */
  prometheus: number;
  /** How long who waited for a core meanwhile, in words. */
  waits: string;
  /** Who had a core meanwhile, in words. */
  runs: string;
  /** What the incident said while nothing was decided. */
  undecided: readonly string[];
}

const STAGES: readonly [stage: string, from: keyof Timing | undefined, to: keyof Timing][] = [
  ['alert → incident stored', undefined, 'stored'],
  ['→ Prometheus asked, decided', 'stored', 'decided'],
  ['→ Hold', 'decided', 'hold'],
  ['→ applied', 'hold', 'applied'],
];

/**
 * Where the slowest rollbacks spent the time until they were applied: a line for each, slowest first. Stages are as a
 * watch shows them, so that one which is seen before the stage ahead of it took no time of its own.
 */
export const slowest = (rollbacks: readonly Rollback[], count = 3): string[] =>
  rollbacks
    .toSorted((a, b) => b.applied - a.applied)
    .slice(0, count)
    .map((rollback) => {
      const stages = STAGES.map(([stage, from, to]) => {
        const took = rollback[to] - (from === undefined ? 0 : rollback[from]);
        return `${stage} ${round(Math.max(0, took), 0)} ms`;
      });
      return `${rollback.name}: ${round(rollback.applied, 0)} ms: ${stages.join(', ')} (of it in Prometheus ${round(rollback.prometheus, 0)} ms; waited for a core: ${rollback.waits}; had one: ${rollback.runs})${whyNot(rollback)}`;
    });

const whyNot = ({ undecided }: Rollback): string =>
  undecided.length === 0 ? '' : `; undecided: ${undecided.join('; ')}`;
