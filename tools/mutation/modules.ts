/** A part of the code that decides and does nothing else, with the unit tests that have to notice a change of it. */
export interface Module {
  name: string;
  folder: string;
  /** Files of the folder, without their ending. */
  sources: readonly string[];
  /**
   * The same, of `.test.ts`. Few, for they are loaded anew for each mutant that is evaluated once, with its file. So is
   * each that a test evaluates outside of `it`: there a test calls only what makes its objects.
   */
  tests: readonly string[];
}

/**
 * What is mutated: pure functions whose mistakes roll back the wrong release, or none. What waits, reads or writes
 * around them is shown by integration tests, which are too slow for this.
 */
export const MODULES: readonly Module[] = [
  {
    name: 'judge',
    folder: 'src/judge',
    sources: [
      'statistics',
      'comparison',
      'course',
      'segments',
      'onset',
      'ratio',
      'facts',
      'evidence',
      'releases-compared',
      'traffic',
      'around',
      'release-and-onset',
      'weigh',
      'replay',
      'verdict',
      'time',
      'judge',
      'by-indicator',
      'by-latency',
      'latency',
      'mann-whitney',
      'by-rule',
      'by-rollout',
      'restored',
      'earlier',
      'rise',
      'late-rise',
      'by-pod',
      'by-node',
      'places',
      'surroundings',
    ],
    tests: [
      'traffic',
      'around',
      'statistics',
      'comparison',
      'course',
      'segments',
      'ratio',
      'weigh',
      'replay',
      'verdict',
      'judge',
      'by-indicator',
      'by-latency',
      'mann-whitney',
      'by-rule',
      'by-rollout',
      'rollout',
      'restored',
      'earlier',
      'dependencies',
      'rise',
      'by-pod',
      'surroundings',
      'by-node',
      'places',
      'late-rise',
    ],
  },
  {
    name: 'step',
    folder: 'src/incident',
    sources: [
      'step',
      'judging',
      'rolling-back',
      'verifying',
      'misjudged',
      'image-not-pulled',
      'correction',
      'silenced',
      'decide-rollback',
      'limits',
      'rollbacks',
      'cooldown',
      'consent',
      'due',
      'hold-state',
      'actions',
      'budget',
      'ends',
      'move',
      'ways',
      'phases',
      'proposal',
      'timing',
    ],
    tests: [
      'limits',
      'consent',
      'step',
      'judging',
      'verifying',
      'misjudged',
      'image-not-pulled',
      'silenced',
      'decide-rollback',
      'hold-state',
      'actions',
      'budget',
      'ends',
      'move',
      'timing',
    ],
  },
  {
    name: 'place',
    folder: 'src/incident',
    sources: ['place', 'evidence', 'expiry', 'name', 'neighbours', 'measured-around', 'occurrence', 'stall'],
    tests: ['place', 'evidence', 'expiry', 'name', 'neighbours', 'measured-around', 'occurrence', 'stall'],
  },
  {
    name: 'event',
    folder: 'src/incident',
    sources: ['arbiter', 'graph', 'one-commit', 'decide-together', 'predecessors', 'successor', 'guilty-before'],
    tests: ['arbiter', 'graph', 'decide-together', 'guilty-before', 'predecessors', 'successor', 'look'],
  },
  {
    name: 'policy',
    folder: 'src/policy',
    sources: ['guard', 'labels', 'platform', 'schedule', 'freeze', 'wall-clock'],
    tests: ['guard', 'labels', 'platform', 'schedule', 'freeze'],
  },
  {
    name: 'match',
    folder: 'src/slo',
    sources: ['match', 'readiness', 'burn'],
    tests: ['match', 'readiness', 'burn'],
  },
  {
    name: 'last-good',
    folder: 'src/release',
    sources: ['last-good', 'burned', 'image-pull'],
    tests: ['history', 'last-good', 'rejection', 'evict', 'burned', 'image-pull'],
  },
  {
    name: 'history',
    folder: 'src/release',
    sources: ['history', 'rejection', 'evict'],
    tests: ['history', 'last-good', 'rejection', 'evict'],
  },
  {
    name: 'plan',
    folder: 'src/sync/plan',
    sources: ['plan', 'match-holds', 'substitute', 'leave-to-holds', 'prune-limit', 'kept', 'apply-order', 'hashes'],
    tests: ['plan', 'substitute', 'match-holds', 'prune-limit', 'kept', 'apply-order', 'hashes'],
  },
  {
    name: 'snapshot',
    folder: 'src/snapshot',
    sources: ['running', 'selectors', 'pin', 'memory'],
    tests: ['running', 'selectors', 'pin', 'memory'],
  },
  {
    name: 'holds',
    folder: 'src/holds',
    sources: ['decide', 'contest', 'rules', 'lift', 'target', 'status', 'new-hold', 'rollback-plan'],
    tests: ['decide', 'contest', 'rules', 'lift', 'target', 'status', 'new-hold', 'rollback-plan'],
  },
];

export const sourcesOf = ({ folder, sources }: Module): string[] => sources.map((name) => `${folder}/${name}.ts`);

export const testsOf = ({ folder, tests }: Module): string[] => tests.map((name) => `${folder}/${name}.test.ts`);
