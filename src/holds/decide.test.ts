import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { HoldStatus, RollbackHold } from '../api/hold.ts';
import { type Decision, decide, type Facts } from './decide.ts';
import { newRollback } from './new-hold.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const time = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString();
const digest = (letter: string): string => `v1:${letter.repeat(64)}`;
const [GOOD, BAD, OTHER] = [digest('a'), digest('b'), digest('c')];
const made = newRollback({
  workload: { kind: 'Deployment', namespace: 'shop', name: 'web' },
  digest: BAD,
  target: { number: 1, sourceDigest: GOOD, snapshotRef: { name: 's' } },
  origin: 'Manual',
  message: '',
});
const hold = (status?: HoldStatus, generation = 1): RollbackHold => ({
  ...made,
  metadata: { ...made.metadata, generation },
  ...(status ? { status } : {}),
});
const held = (more: HoldStatus = {}): RollbackHold =>
  hold({ phase: 'Held', observedGeneration: 1, appliedTime: time(-3600), currentDigest: GOOD, ...more });
const facts = (running: string | undefined, more: Partial<Facts> = {}): Facts => ({
  running,
  isTarget: running === GOOD,
  isAsked: false,
  isPaused: false,
  now: NOW,
  ...more,
});
const rolledBack = (...seconds: number[]) => ({ reapplied: seconds.map((s) => ({ time: time(s) })) });

describe('what is done about a Hold', () => {
  const apply = { do: 'Apply', again: false } as const;
  const again = { do: 'Apply', again: true } as const;
  const contested: HoldStatus['conditions'] = [
    { type: 'Contested', status: 'True', reason: 'Contested', message: '', lastTransitionTime: time(-1) },
  ];
  const cases: [string, RollbackHold, Facts, Decision][] = [
    ['a new one, the rejected release runs', hold(), facts(BAD), apply],
    ['a new one, its target runs already: its configuration may not', hold(), facts(GOOD), apply],
    ['a new one, the workload is gone', hold(), facts(undefined), { do: 'Miss' }],
    ['a new one, a third release runs', hold(), facts(OTHER), { do: 'Rest' }],
    ['a new one, the workload is paused', hold(), facts(BAD, { isPaused: true }), { do: 'Pause' }],
    ['held, its target runs', held(), facts(GOOD), { do: 'Keep' }],
    ['held, its target runs under pins', held(), facts(OTHER, { isTarget: true }), { do: 'Keep' }],
    ['held, and paused since', held(), facts(GOOD, { isPaused: true }), { do: 'Keep' }],
    [
      'held, edited by hand while Git asks for the rejected one',
      held(),
      facts(OTHER, { isAsked: true }),
      { do: 'Keep' },
    ],
    ['held, another release came', held(), facts(OTHER), { do: 'Rest' }],
    ['held, and changed to another target', { ...held(), metadata: { generation: 2, name: 'h' } }, facts(BAD), apply],
    [
      'dormant, Git asks for the rejected one again',
      held({ phase: 'Dormant' }),
      facts(OTHER, { isAsked: true }),
      apply,
    ],
    ['dormant, and nobody asks', held({ phase: 'Dormant' }), facts(OTHER), { do: 'Rest' }],
    [
      'failed a moment ago',
      hold({ phase: 'Failed', observedGeneration: 1, currentDigest: BAD, nextAttemptTime: time(8) }),
      facts(BAD),
      { do: 'Wait', ms: 8000 },
    ],
    [
      'failed a moment ago, with another release',
      hold({ phase: 'Failed', observedGeneration: 1, currentDigest: OTHER, nextAttemptTime: time(8) }),
      facts(BAD),
      apply,
    ],
    [
      'failed, and its time has come',
      hold({ phase: 'Failed', observedGeneration: 1, currentDigest: BAD, nextAttemptTime: time(-1) }),
      facts(BAD),
      apply,
    ],
    ['held, the rejected release is back', held(), facts(BAD), again],
    ['dormant, the rejected release is back', held({ phase: 'Dormant' }), facts(BAD), again],
    ['back for the second time, soon', held(rolledBack(-4)), facts(BAD), { do: 'HoldOff', ms: 6000, contested: false }],
    ['back for the second time, later', held(rolledBack(-11)), facts(BAD), again],
    ['back for the third time', held(rolledBack(-60, -31)), facts(BAD), again],
    [
      'back after three times in ten minutes',
      held(rolledBack(-300, -200, -100)),
      facts(BAD),
      { do: 'HoldOff', ms: 500_000, contested: true },
    ],
    ['back after three times in longer', held(rolledBack(-700, -200, -100)), facts(BAD), again],
    ['contested, and ten minutes have passed', held({ conditions: contested, ...rolledBack(-601) }), facts(BAD), again],
    [
      'contested, and it came back at once',
      held({ conditions: contested, ...rolledBack(-700, -1) }),
      facts(BAD),
      { do: 'HoldOff', ms: 599_000, contested: true },
    ],
  ];
  for (const [what, of, known, wanted] of cases)
    it(`${what}: ${Object.values(wanted).join(' ')}`, () => assert.deepEqual(decide(of, known), wanted));
});
