import type { Guardrails } from '../../src/api/rollback-policy.ts';
import type { Budget } from './state.ts';

/** What a search begins with, and how much may happen in it. */
export interface Scenario {
  name: string;
  /** Of a GitSync, or applied by CI with kubectl. */
  isOfGit: boolean;
  guardrails: Partial<Guardrails>;
  budget: Budget;
  /** The story goes on after the rollback: soon another release burns. */
  again?: boolean;
}

const budget: Budget = { faults: 1, commits: 1, words: 1, jumps: 2, deliveries: 3 };
const auto: Partial<Guardrails> = { mode: 'Auto', soak: '5m', verifyTimeout: '5m', cooldown: '10m', maxPerHour: 2 };

export const scenarios: readonly Scenario[] = [
  { name: 'a GitSync, mode Auto', isOfGit: true, guardrails: auto, budget },
  { name: 'a GitSync, mode Approve', isOfGit: true, guardrails: { ...auto, mode: 'Approve' }, budget },
  {
    name: 'a GitSync, one rollback an hour',
    isOfGit: true,
    guardrails: { ...auto, cooldown: '1m', maxPerHour: 1 },
    budget: { ...budget, commits: 2, words: 0 },
    again: true,
  },
  { name: 'kubectl apply, mode Auto', isOfGit: false, guardrails: auto, budget },
];
