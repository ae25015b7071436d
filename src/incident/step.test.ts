import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { Hold } from '../api/hold.ts';
import type { Incident, Verdict } from '../api/incident.ts';
import type { Release } from '../api/release-history.ts';
import { guardrails } from '../api/rollback-policy.ts';
import { isClosed, JUDGE_FOR_MS, type Observation, step } from './step.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const digest = (n: number): string => `v1:${String(n).repeat(64)}`;
const release = (number: number, rest: Partial<Omit<Release, 'snapshot'>> = {}): Release & { snapshot: string } => ({
  number,
  sourceDigest: digest(number),
  workloadUID: 'u',
  images: [],
  snapshot: `s${number}`,
  firstSeenTime: '2026-01-01T11:00:00Z',
  outcome: 'Active',
  ...rest,
});
const verdict = (result: Verdict['result'], reason = 'ErrorRateIncreased'): Verdict => ({
  result,
  reason,
  message: 'because',
  time: '2026-01-01T12:00:00Z',
});
const incident = (status?: Incident['status']): Incident => ({
  apiVersion: 'metricops.dev/v1alpha1',
  kind: 'Incident',
  metadata: { name: 'i', namespace: 'shop', generation: 1 },
  spec: {
    workloadRef: { kind: 'Deployment', name: 'web' },
    suspect: { number: 2, sourceDigest: digest(2) },
    evidence: [],
  },
  ...(status ? { status } : {}),
});
const observe = (rest: Partial<Observation> = {}): Observation => ({
  history: { currentRelease: 2, releases: [release(2), release(1)] },
  policy: guardrails.parse({ mode: 'Auto' }),
  verdict: verdict('Guilty'),
  caution: undefined,
  target: { release: release(1) },
  hold: undefined,
  heldByOther: false,
  paused: false,
  otherTool: undefined,
  rollbacks: [],
  restored: false,
  burning: true,
  firing: true,
  opened: NOW - 1000,
  ...rest,
});
const hold = (phase?: 'Pending' | 'Held' | 'Lifted' | 'Failed'): Hold =>
  ({
    metadata: { name: 'h', namespace: 'shop' },
    ...(phase ? { status: { phase, appliedTime: '2026-01-01T12:00:01Z' } } : {}),
  }) as Hold;
const phaseAfter = (rest: Partial<Observation>, status?: Incident['status']): string | undefined =>
  step(incident(status), observe(rest), NOW).status.phase;

describe('step', () => {
  it('writes its intent and its target before the Hold', () => {
    const result = step(incident(), observe(), NOW);
    assert.equal(result.status.phase, 'RollingBack');
    assert.equal(result.status.target?.number, 1);
    assert.equal(result.writeHold, true);
  });

  for (const [what, rest, phase, reason] of [
    [
      'dismisses what another release superseded',
      { history: { currentRelease: 3, releases: [release(3), release(2)] } },
      'Dismissed',
      'Superseded',
    ],
    ['dismisses what is held already', { heldByOther: true }, 'Dismissed', 'AlreadyHeld'],
    ['escalates without a history', { history: undefined }, 'Escalated', 'NoHistory'],
    [
      'escalates with a single release',
      { target: { release: undefined, reason: 'NoGoodRelease', message: 'none' } },
      'Escalated',
      'NoGoodRelease',
    ],
    [
      'never rolls back a rollback',
      { history: { currentRelease: 2, releases: [release(2, { restoredTime: '2026-01-01T11:30:00Z' })] } },
      'Escalated',
      'RollbackOfRollback',
    ],
    [
      'leaves an accepted release alone',
      { history: { currentRelease: 2, releases: [release(2, { outcome: 'Accepted' })] } },
      'Observed',
      'ReleaseAccepted',
    ],
    [
      'only says what it would do in DryRun',
      { policy: guardrails.parse({ mode: 'DryRun' }) },
      'Observed',
      'ModeDryRun',
    ],
    ['does nothing in Off', { policy: guardrails.parse({ mode: 'Off' }) }, 'Observed', 'ModeOff'],
    ['asks a person in Approve', { policy: guardrails.parse({ mode: 'Approve' }) }, 'Judging', 'AwaitingApproval'],
    [
      'asks a person where the rule is not one of its namespace',
      { caution: 'the rule…' },
      'Judging',
      'AwaitingApproval',
    ],
    ['leaves a paused workload alone', { paused: true }, 'Escalated', 'Paused'],
    ['leaves what Flux would undo', { otherTool: 'Flux' }, 'Observed', 'OwnedByOtherTool'],
    [
      'stops after three rollbacks an hour',
      { rollbacks: [1, 2, 3].map((m) => NOW - m * 900_000) },
      'Escalated',
      'TooManyRollbacks',
    ],
    ['waits for its cool-down', { rollbacks: [NOW - 60_000] }, 'Judging', 'CoolDown'],
    [
      'waits for a cool-down that no calendar has',
      { rollbacks: [NOW - 60_000], policy: guardrails.parse({ mode: 'Auto', cooldown: '99999999999999d' }) },
      'Judging',
      'CoolDown',
    ],
    ['acts after its cool-down', { rollbacks: [NOW - 660_000] }, 'RollingBack', 'ErrorRateIncreased'],
    ['asks again while there is no data', { verdict: verdict('Inconclusive', 'NoData') }, 'Judging', 'NoData'],
    [
      'asks a person when there never was data',
      { verdict: verdict('Inconclusive', 'NoData'), opened: NOW - JUDGE_FOR_MS },
      'Escalated',
      'NoData',
    ],
    [
      'dismisses an alert that ended without data',
      { verdict: verdict('Inconclusive', 'NoData'), firing: false },
      'Dismissed',
      'NoData',
    ],
    [
      'looks again before it believes in innocence',
      { verdict: verdict('NotGuilty', 'NotBurning') },
      'Judging',
      'NotBurning',
    ],
    [
      'dismisses the innocent',
      { verdict: verdict('NotGuilty', 'NoDifference'), opened: NOW - 120_000 },
      'Dismissed',
      'NoDifference',
    ],
  ] as [string, Partial<Observation>, string, string][]) {
    it(what, () => {
      const { status, writeHold } = step(incident(), observe(rest), NOW);
      assert.equal(status.phase, phase);
      assert.match(status.message ?? '', new RegExp(`^${reason}: `));
      assert.equal(writeHold, phase === 'RollingBack');
    });
  }

  it('writes the Hold again after a crash, and goes on when it is obeyed', () => {
    const started = step(incident(), observe(), NOW).status;
    assert.equal(step(incident(started), observe(), NOW).writeHold, true);
    assert.equal(step(incident(started), observe({ hold: hold() }), NOW).writeHold, false);
    assert.equal(phaseAfter({ hold: hold('Held') }, started), 'Verifying');
    assert.equal(phaseAfter({ hold: hold('Failed') }, started), 'Escalated');
    assert.equal(phaseAfter({ hold: hold('Lifted') }, started), 'Dismissed');
    assert.equal(phaseAfter({ heldByOther: true }, started), 'Dismissed', 'somebody else was faster');
  });

  it('has recovered when the pods are back and the burn ended; no data is not recovery', () => {
    const started = { phase: 'Verifying', rolledBackTime: '2026-01-01T11:59:00Z' } as const;
    assert.equal(phaseAfter({ restored: true, burning: false }, started), 'Recovered');
    assert.equal(phaseAfter({ restored: true, burning: undefined }, started), 'Verifying');
    assert.equal(phaseAfter({ restored: false, burning: false }, started), 'Verifying');
    const late = { ...started, rolledBackTime: '2026-01-01T11:00:00Z' };
    assert.equal(phaseAfter({ restored: true, burning: true }, late), 'NotRecovered');
  });

  it('ends, and never moves again once it is closed', () => {
    const any = fc.record({
      verdict: fc.constantFrom(
        verdict('Guilty'),
        verdict('NotGuilty', 'NotBurning'),
        verdict('Inconclusive', 'NoData'),
      ),
      firing: fc.boolean(),
      heldByOther: fc.boolean(),
      restored: fc.boolean(),
      burning: fc.constantFrom(true, false, undefined),
      holdPhase: fc.constantFrom(undefined, 'Pending', 'Held', 'Failed', 'Lifted'),
    });
    fc.assert(
      fc.property(fc.array(any, { minLength: 1, maxLength: 20 }), (observations) => {
        let current = incident();
        let closed: string | undefined;
        for (const [i, { holdPhase, ...rest }] of observations.entries()) {
          const seen = observe({ ...rest, ...(holdPhase ? { hold: hold(holdPhase as 'Held') } : {}) });
          const { status } = step(current, seen, NOW + i * 1000);
          if (closed !== undefined) assert.equal(status.phase, closed);
          current = incident(status);
          if (isClosed(current)) closed = status.phase;
        }
      }),
    );
  });

  it('asks for exactly one Hold, whatever step a crash takes back', () => {
    // Explores every interleaving of: status written or lost, Hold written or lost, Hold obeyed.
    const explore = (status: Incident['status'], held: Hold | undefined, holds: number, depth: number): void => {
      assert.ok(holds <= 1);
      if (depth === 0) return;
      const next = step(
        incident(status),
        observe({ hold: held, restored: held?.status?.phase === 'Held', burning: false }),
        NOW,
      );
      explore(status, held, holds, depth - 1); // crashed before the status was written
      const wrote = next.writeHold && held === undefined;
      explore(next.status, held, holds, depth - 1); // crashed between status and Hold
      explore(next.status, wrote ? hold() : held, holds + (wrote ? 1 : 0), depth - 1);
      if (held) explore(next.status, hold('Held'), holds, depth - 1); // the lane obeyed
    };
    explore(undefined, undefined, 0, 8);
  });
});
