import type { Edit } from '../support/mutate.ts';
import type { Invariant, Liveness } from './invariants.ts';
import type { Scenario } from './scenario.ts';

/** A guard taken out, and what the search has to say of it. */
export interface Mutant {
  words: string;
  edits: readonly Edit[];
  /** Any of them: the shortest trace decides. */
  breaks: readonly (Invariant | Liveness)[];
  /** How much may happen: what is not needed to notice it only costs time. */
  scenario: Scenario;
}

const none = { faults: 0, commits: 0, words: 0, jumps: 0, deliveries: 0 };
const scenario = (budget: Partial<Scenario['budget']>, guardrails: Scenario['guardrails'] = {}): Scenario => ({
  name: 'a mutant',
  isOfGit: true,
  guardrails: { mode: 'Auto', soak: '5m', verifyTimeout: '5m', cooldown: '10m', maxPerHour: 2, ...guardrails },
  budget: { ...none, ...budget },
});

export const mutants: readonly Mutant[] = [
  {
    words: 'a Hold that is there already is not seen, and made again under another name',
    edits: [
      {
        file: 'src/incident/rolling-back.ts',
        search: 'if (hold) return follow(',
        replace: 'if (false) return follow(',
      },
      {
        file: 'src/holds/create-hold.ts',
        search: 'if (other && !isSpent(other, hold)) return { hold: other, created: false };',
        replace: `if (other) return createHold({ ...hold, metadata: { ...hold.metadata, name: hold.metadata.name + 'x' } }, client);`,
      },
    ],
    breaks: ['an incident rolls back once'],
    scenario: scenario({}),
  },
  {
    words: 'a Hold that was lifted before it was noted is made again',
    edits: [
      {
        file: 'src/incident/rolling-back.ts',
        search: 'if (isLiftedSince(observed, enteredPhase(incident.status ?? {})))',
        replace: 'if (false)',
      },
    ],
    breaks: [`a person's word wins`],
    scenario: scenario({ words: 1 }),
  },
  {
    words: 'the mode Approve is not asked for',
    edits: [
      {
        file: 'src/incident/consent.ts',
        search: `if (policy.mode === 'Approve')`,
        replace: 'if (false)',
      },
    ],
    breaks: ['no rollback that is not allowed'],
    scenario: scenario({ deliveries: 1 }, { mode: 'Approve' }),
  },
  {
    words: 'rollbacks in the hour are not counted',
    edits: [
      {
        file: 'src/incident/decide-rollback.ts',
        search: 'if (lastHour.length >= policy.maxPerHour)',
        replace: 'if (false)',
      },
    ],
    breaks: ['no rollback that is not allowed'],
    scenario: { ...scenario({ deliveries: 1 }, { cooldown: '1m', maxPerHour: 1 }), again: true },
  },
  {
    words: 'a cool-down is not waited for',
    edits: [
      {
        file: 'src/incident/decide-rollback.ts',
        search: 'if (cooldown && now < cooldown.until)',
        replace: 'if (false)',
      },
    ],
    breaks: ['no rollback that is not allowed'],
    scenario: { ...scenario({ deliveries: 1 }), again: true },
  },
  {
    words: 'a pause is not asked for',
    edits: [{ file: 'src/incident/judging.ts', search: 'if (observed.paused)', replace: 'if (false)' }],
    breaks: ['no rollback that is not allowed'],
    scenario: scenario({ deliveries: 1, words: 1 }),
  },
  {
    words: 'whatever rings is guilty',
    edits: [
      { file: 'src/judge/weigh.ts', search: 'if (early)', replace: 'if (false)' },
      { file: 'src/judge/weigh.ts', search: 'if (score >= minScore)', replace: 'if (true)' },
    ],
    breaks: ['no rollback of what does not burn'],
    scenario: scenario({ commits: 1, deliveries: 1 }),
  },
  {
    words: 'a plan takes no notice of Holds',
    edits: [
      {
        file: 'src/sync/plan/match-holds.ts',
        search: 'else if (rejects(hold, digest)) held.push',
        replace: 'else if (false) held.push',
      },
      {
        file: 'src/sync/apply/apply-one.ts',
        search: 'if (digests && ports.isRejectedNow(object, digests.sourceDigest))',
        replace: 'if (false)',
      },
    ],
    breaks: ['nothing held is applied'],
    scenario: scenario({}),
  },
  {
    words: 'a Hold keeps out whatever comes',
    edits: [
      {
        file: 'src/sync/plan/match-holds.ts',
        search: 'else if (rejects(hold, digest)) held.push',
        replace: 'else if (true) held.push',
      },
    ],
    breaks: ['every fix lands'],
    scenario: scenario({ commits: 1 }),
  },
  {
    words: 'a Hold freezes all of its GitSync',
    edits: [
      {
        file: 'src/sync/plan/substitute.ts',
        search: `hold.spec.scope === 'GitSync';`,
        replace: 'true;',
      },
    ],
    breaks: ['nothing else is kept back'],
    scenario: scenario({ commits: 1 }),
  },
  {
    words: 'recovery is not noticed',
    edits: [{ file: 'src/incident/verifying.ts', search: 'if (restored && burning === false)', replace: 'if (false)' }],
    breaks: ['an incident whose alerts ended is closed'],
    scenario: scenario({}),
  },
  {
    words: 'the Hold of a decision is not created',
    edits: [{ file: 'src/incident/actions.ts', search: 'createHold && proposal &&', replace: 'false && proposal &&' }],
    breaks: ['what burns is rolled back', 'an incident whose alerts ended is closed'],
    scenario: scenario({}),
  },
  {
    words: 'a decision whose leader died before it created the Hold is not taken up',
    edits: [
      {
        file: 'src/incident/rolling-back.ts',
        search: 'return { status: { proposal, ...status }, createHold: true, again: REQUEUE_MS };',
        replace: 'return { status: { proposal, ...status }, createHold: false, again: REQUEUE_MS };',
      },
      {
        file: 'src/incident/rolling-back.ts',
        search: `reason: 'HoldFailed', message, createHold: true });`,
        replace: `reason: 'HoldFailed', message });`,
      },
    ],
    breaks: ['what burns is rolled back', 'an incident whose alerts ended is closed'],
    scenario: scenario({ faults: 1 }),
  },
];
