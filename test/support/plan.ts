import type { PlanInput } from '../../src/sync/plan/types.ts';

/** What a plan starts from where nothing was applied before and nothing is held; each workload has the same digest. */
export const planInput = (input: Partial<PlanInput> = {}): PlanInput => ({
  rendered: [],
  digestsOf: () => ({ sourceDigest: `v1:${'0'.repeat(64)}`, references: [] }),
  hashOf: (object) => JSON.stringify(object),
  holds: [],
  companions: new Map(),
  applied: new Map(),
  drifted: new Set(),
  inventory: [],
  settled: new Set(),
  departures: new Map(),
  prune: true,
  allowEmpty: false,
  maxPrune: 50,
  confirmed: undefined,
  ...input,
});
