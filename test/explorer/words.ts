import type { Found } from './explore.ts';

/** Every violation with the shortest way to it, for people. */
export const wordsOf = (all: readonly Found[]): string =>
  all
    .flatMap(({ scenario, violations }) =>
      violations.map(({ invariant, words, trace }) =>
        [`${scenario}: ${invariant}: ${words}`, ...trace.map((step, i) => `  ${i + 1}. ${step}`)].join('\n'),
      ),
    )
    .join('\n\n');

export const sumOf = (all: readonly Found[], what: 'states' | 'moves' | 'endings'): number =>
  all.reduce((sum, found) => sum + found[what], 0);
