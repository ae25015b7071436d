import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createApiServer } from '../../test/support/api-server.ts';
import type { Hold, HoldStatus } from '../api/hold.ts';
import type { Occurrence } from '../api/occurrence.ts';
import { resources } from '../kube/index.ts';
import { newAcceptance, newRollback } from './new-hold.ts';
import { isLeft, type Outcome, overdueIn, saidOf, statusAfter, writeStatus } from './status.ts';

const BEGIN = Date.parse('2026-01-01T12:00:00Z');
const time = (seconds: number): string => new Date(BEGIN + seconds * 1000).toISOString();
const digest = (letter: string): string => `v1:${letter.repeat(64)}`;
const metadata = { name: 'h', namespace: 'shop', generation: 3, creationTimestamp: time(-10) };
const become = (status: HoldStatus | undefined, outcome: Partial<Outcome>, seconds = 0): HoldStatus =>
  statusAfter(
    { metadata, ...(status ? { status } : {}) },
    { reason: 'RolledBack', message: 'm', ...outcome },
    BEGIN + seconds * 1000,
  );
const statusOf = (status: HoldStatus | undefined, phase: HoldStatus['phase'], seconds: number): HoldStatus =>
  become(status, phase ? { phase } : {}, seconds);
const said = ({ conditions }: HoldStatus): Record<string, string> =>
  Object.fromEntries((conditions ?? []).map(({ type, status }) => [type, status]));
const conditionIn = ({ conditions }: HoldStatus, type: string) =>
  conditions
    ?.filter((condition) => condition.type === type)
    .map(({ status, reason, message }) => [status, reason, message]);

const workload = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const;
const rollback = newRollback({
  workload,
  digest: digest('b'),
  target: { number: 1, sourceDigest: digest('a'), snapshotRef: { name: 's' } },
  origin: 'Manual',
  message: '',
});
const hold = (status?: HoldStatus): Hold => ({ ...rollback, metadata, ...(status ? { status } : {}) });

describe('the status of a Hold', () => {
  const cases: [HoldStatus['phase'], Record<string, string>][] = [
    ['Pending', { Ready: 'False', Held: 'False', Stalled: 'False' }],
    ['Held', { Ready: 'True', Held: 'True', Stalled: 'False' }],
    ['Dormant', { Ready: 'True', Held: 'False', Stalled: 'False' }],
    ['Failed', { Ready: 'False', Held: 'False', Stalled: 'True' }],
    [undefined, { Ready: 'True' }],
  ];
  for (const [phase, conditions] of cases) {
    it(`has conditions that kubectl wait and kstatus understand: ${phase ?? 'no phase'}`, () => {
      const status = statusOf(undefined, phase, 0);
      assert.deepEqual(said(status), conditions);
      assert.equal(status.phase, phase);
      assert.equal(status.observedGeneration, 3);
    });
  }

  it('says since when it is applied, and since when it is dormant', () => {
    const held = statusOf(undefined, 'Held', 0);
    assert.equal(held.appliedTime, time(0));
    assert.equal(statusOf(held, 'Held', 5).appliedTime, time(0));
    const dormant = statusOf(held, 'Dormant', 10);
    assert.deepEqual([dormant.appliedTime, dormant.dormantTime], [time(0), time(10)]);
    assert.equal(statusOf(dormant, 'Dormant', 15).dormantTime, time(10));
    const again = statusOf(dormant, 'Held', 20);
    assert.deepEqual([again.appliedTime, again.dormantTime], [time(20), undefined]);
  });

  it('says of a target that was refused what runs, since when, how often, and when it is tried again', () => {
    const refused = { phase: 'Failed', digest: digest('b'), again: 2000, attempts: 1 } as const;
    const { conditions: _, ...first } = become(undefined, refused);
    assert.deepEqual(first, {
      phase: 'Failed',
      observedGeneration: 3,
      currentDigest: digest('b'),
      pendingTime: time(-10),
      nextAttemptTime: time(2),
      failedAttempts: 1,
    });
    const second = become(first, { ...refused, again: 4000, attempts: 2 }, 2);
    assert.deepEqual([second.pendingTime, second.nextAttemptTime, second.failedAttempts], [time(-10), time(6), 2]);
    const { conditions: __, ...held } = become(second, { phase: 'Held', digest: digest('a'), again: 60_000 }, 6);
    assert.deepEqual(held, {
      phase: 'Held',
      observedGeneration: 3,
      currentDigest: digest('a'),
      appliedTime: time(6),
    });
  });

  it('counts the time from when the target should be applied again, once it was', () => {
    const held = statusOf(undefined, 'Held', 0);
    assert.equal(statusOf(held, 'Pending', 100).pendingTime, time(100));
    assert.equal(statusOf(statusOf(held, 'Pending', 100), 'Failed', 110).pendingTime, time(100));
    const { creationTimestamp: _, ...young } = metadata;
    const outcome = { phase: 'Pending', reason: 'RolledBack', message: '' } as const;
    assert.equal(statusAfter({ metadata: young }, outcome, BEGIN).pendingTime, time(0));
  });

  it('has nothing but its conditions where an answer, which applies nothing, was accepted', () => {
    const answer = statusAfter({ metadata: { name: 'h' } }, { reason: 'Denied', message: 'no' }, BEGIN);
    const ready = { type: 'Ready', status: 'True', reason: 'Denied', message: 'no', lastTransitionTime: time(0) };
    assert.deepEqual(answer, { conditions: [ready] });
  });

  it('keeps what it knew where the outcome does not say it', () => {
    const held = become(undefined, { phase: 'Held', digest: digest('a'), reapplied: [{ time: time(0) }] });
    const { currentDigest, reapplied } = statusOf(held, 'Held', 5);
    assert.deepEqual([currentDigest, reapplied], [digest('a'), [{ time: time(0) }]]);
  });

  it('says when a rejected release that came back was rolled back again', () => {
    const reapplied = [{ time: time(5), fieldManager: 'helm' }];
    const again = become(statusOf(undefined, 'Held', 0), { phase: 'Held', reapplied }, 5);
    assert.deepEqual([again.appliedTime, again.reapplied], [time(5), reapplied]);
  });
});

describe('condition Overdue', () => {
  const pending = () => statusOf(undefined, 'Pending', -10);

  it('comes five minutes after the target should have been applied, with the reason of the delay', () => {
    assert.deepEqual(conditionIn(statusOf(pending(), 'Failed', 289), 'Overdue'), []);
    assert.deepEqual(conditionIn(become(pending(), { phase: 'Failed', message: 'too old' }, 290), 'Overdue'), [
      ['True', 'RollbackOverdue', `the target should be applied since ${time(-10)}: too old`],
    ]);
  });

  it('is False once the target is applied, and is not there where it never was late', () => {
    const overdue = statusOf(pending(), 'Failed', 290);
    const held = { phase: 'Held', message: 'applied' } as const;
    assert.deepEqual(conditionIn(become(overdue, held, 300), 'Overdue'), [['False', 'RolledBack', 'applied']]);
    assert.deepEqual(conditionIn(become(pending(), held, 300), 'Overdue'), []);
  });

  it('is due in the rest of the five minutes, at once after them, and never for who has it or waits for nothing', () => {
    assert.equal(overdueIn({ pendingTime: time(-10) }, BEGIN), 290_000);
    assert.equal(overdueIn({ pendingTime: time(-400) }, BEGIN), 0);
    assert.equal(overdueIn({ ...pending(), conditions: [] }, BEGIN), 290_000);
    assert.equal(overdueIn(statusOf(pending(), 'Failed', 290), BEGIN + 291_000), undefined);
    assert.equal(overdueIn(statusOf(pending(), 'Held', 0), BEGIN), undefined);
  });
});

describe('condition Contested', () => {
  const held = () => statusOf(undefined, 'Held', 0);
  const contested = () => become(held(), { phase: 'Held', contested: true });

  it('comes when somebody else keeps applying the rejected release', () => {
    assert.deepEqual(conditionIn(held(), 'Contested'), []);
    assert.deepEqual(conditionIn(contested(), 'Contested'), [['True', 'RolledBack', 'm']]);
  });

  it('is False when that ended, stays until then, and is not there where it never was so', () => {
    assert.equal(said(become(contested(), { phase: 'Held', contested: false })).Contested, 'False');
    assert.equal(said(become(contested(), { phase: 'Held' })).Contested, 'True');
    for (const before of [undefined, {}, held()])
      assert.deepEqual(conditionIn(become(before, { phase: 'Held', contested: false }), 'Contested'), []);
  });
});

describe('the objects of a target', () => {
  for (const [what, status, left] of [
    ['a new Hold', undefined, true],
    ['a Hold whose target is not applied', { phase: 'Failed', observedGeneration: 3 }, true],
    ['a Hold that was changed since its target was applied', { phase: 'Held', observedGeneration: 2 }, true],
    ['a Hold whose target is applied', { phase: 'Held', observedGeneration: 3 }, false],
  ] as [string, HoldStatus | undefined, boolean][])
    it(`are ${left ? 'left to' : 'no longer left to'} the queue of the Holds: ${what}`, () =>
      assert.equal(isLeft(hold(status)), left));
});

describe('a report of a Hold', () => {
  const phases = ['Pending', 'Held', 'Dormant', 'Failed'] as const;
  const inPhase = (phase: HoldStatus['phase']): Hold => hold(phase && { phase });

  it('warns while a release is kept out, or should be and is not; it only mentions a Hold that is dormant', () => {
    const said = phases.map((phase) => saidOf(hold(), { phase, reason: 'Dormant', message: 'm' })?.severity);
    assert.deepEqual(said, [undefined, 'warning', 'info', 'warning']);
  });

  it('names the release that runs instead', () => {
    const held = saidOf(hold(), { phase: 'Held', reason: 'RolledBack', message: 'm' });
    assert.deepEqual(held, { severity: 'warning', reason: 'ReleaseHeld', message: 'm', release: 1 });
    const failed = saidOf(hold(), { phase: 'Failed', reason: 'HoldFailed', message: 'too old' });
    assert.deepEqual(failed, { severity: 'warning', reason: 'HoldFailed', message: 'too old' });
  });

  it('comes once in a phase, and never of an answer, which has none', () => {
    const again = phases.map((phase) => saidOf(inPhase(phase), { phase, reason: 'Dormant', message: 'm' }));
    assert.deepEqual(again, [undefined, undefined, undefined, undefined]);
    for (const before of [
      hold(),
      hold({ phase: 'Held' }),
      newAcceptance({ workload, digest: digest('b'), message: '' }),
    ])
      assert.equal(saidOf(before, { reason: 'Denied', message: 'm' }), undefined);
  });

  it('comes again when the rejected release came back and was rolled back again', () => {
    const outcome = { phase: 'Held', reason: 'RolledBack', message: 'm', reapplied: [{ time: time(0) }] } as const;
    assert.equal(saidOf(inPhase('Held'), { ...outcome, reapplied: [...outcome.reapplied] })?.reason, 'ReleaseHeld');
  });
});

describe('the status that is written', () => {
  const start = async () => {
    const server = createApiServer({ namespaces: ['shop'], now: () => BEGIN });
    const { client } = server;
    let now = BEGIN;
    let stored = await client.create<Hold>(resources.holds, rollback);
    const occurrences: Occurrence[] = [];
    const ports = {
      client,
      clock: { now: () => now, sleep: async () => {} },
      occurred: (occurrence: Occurrence) => void occurrences.push(occurrence),
      onWritten: (hold: Hold) => {
        stored = hold;
      },
    };
    return {
      requests: server.requests,
      said: () => occurrences.splice(0).map(({ regarding, reason, message }) => [regarding.kind, reason, message]),
      name: stored.metadata.name,
      live: () => server.get(resources.holds, 'shop', stored.metadata.name) as Hold,
      /** The Hold as onWritten got it last. */
      stored: () => stored,
      write: (outcome: Partial<Outcome>, seconds = 0) => {
        now = BEGIN + seconds * 1000;
        return writeStatus(stored, { reason: 'RolledBack', message: 'm', ...outcome }, ports);
      },
    };
  };
  const refused = { phase: 'Failed', reason: 'HoldFailed', message: 'too old', again: 1000, attempts: 1 } as const;

  it('is stored, and loses what is no longer so', async () => {
    const { write, live, stored } = await start();
    await write(refused);
    assert.deepEqual([live().status?.phase, live().status?.failedAttempts], ['Failed', 1]);
    assert.deepEqual(stored(), live());
    await write({ phase: 'Held' }, 1);
    const { conditions: _, ...held } = live().status ?? {};
    assert.deepEqual(held, { phase: 'Held', observedGeneration: 1, appliedTime: time(1) });
    await write({ phase: 'Dormant' }, 2);
    await write({ phase: 'Held' }, 3);
    assert.equal(live().status?.dormantTime, undefined);
  });

  it('is reported on the Hold when its phase changed', async () => {
    const { write, said, name } = await start();
    await write(refused);
    assert.deepEqual(said(), [['Hold', 'HoldFailed', `Hold ${name}: too old`]]);
    await write({ ...refused, attempts: 2 }, 1);
    assert.deepEqual(said(), []);
    await write({ phase: 'Pending' }, 2);
    assert.deepEqual(said(), []);
    await write({ phase: 'Held' }, 3);
    assert.deepEqual(said(), [['Hold', 'ReleaseHeld', `Hold ${name}: m`]]);
  });

  it('costs no request and no report where nothing changed', async () => {
    const { write, said, requests } = await start();
    await write({ phase: 'Held' });
    assert.equal(said().length, 1);
    const before = requests.length;
    await write({ phase: 'Held' });
    assert.deepEqual([requests.length, said()], [before, []]);
  });

  it('is reported once when the target is overdue', async () => {
    const { write, said, name, stored } = await start();
    await write({ phase: 'Pending' });
    assert.deepEqual(said(), []);
    await write({ phase: 'Pending' }, 300);
    const overdue = `Hold ${name}: the target should be applied since ${stored().metadata.creationTimestamp}: m`;
    assert.deepEqual(said(), [['Hold', 'RollbackOverdue', overdue]]);
    await write({ phase: 'Pending', message: 'other' }, 301);
    assert.deepEqual(said(), []);
  });
});
