import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { type Release, type ReleaseRecords, releaseHistorySpec } from '../api/release-history.ts';
import { MAX_RELEASES } from './evict.ts';
import { goodAt, type Judgements, type Observation, observe } from './history.ts';
import { selectLastGood } from './last-good.ts';

const START = Date.parse('2026-03-01T12:00:00Z');
const MINUTE = 60_000;
const at = (minutes: number): number => START + minutes * MINUTE;
const iso = (minutes: number): string => new Date(at(minutes)).toISOString();
const WORKLOAD = { kind: 'Deployment', name: 'web' };
const digest = (n: number): string => `v1:${n.toString(16).padStart(64, '0')}`;

const none: Judgements = {
  soakMs: 10 * MINUTE,
  rejected: new Map(),
  accepted: new Set(),
  suspected: new Map(),
  guilty: new Map(),
  targets: new Set(),
};
const seen = (n: number, change: Partial<Observation> = {}, release: Partial<Release> = {}): Observation => ({
  release: {
    sourceDigest: digest(n),
    workloadUID: 'uid',
    images: [{ container: 'web', image: `shop:v${n}`, tag: `v${n}` }],
    snapshotRef: { name: `snapshot-${n}` },
    ...release,
  },
  current: true,
  ready: false,
  ...change,
});

/** Steps of a story: [minute, observation?, judgements?]. */
const story = (...steps: [number, Observation | undefined, Partial<Judgements>?][]): ReleaseRecords => {
  let records: ReleaseRecords = {};
  for (const [minute, observation, judgements] of steps) {
    records = observe(records, observation, { ...none, ...judgements }, at(minute));
  }
  releaseHistorySpec.parse({ workloadRef: WORKLOAD, ...records });
  return records;
};
const find = (records: ReleaseRecords, n: number): Release => {
  const release = records.releases?.find((r) => r.sourceDigest === digest(n));
  assert.ok(release, `release ${n} is recorded`);
  return release;
};
const rejecting = (n: number, minute: number): Partial<Judgements> => ({
  rejected: new Map([[digest(n), { time: iso(minute), incident: 'incident' }]]),
});

describe('the history of a workload', () => {
  it('has one entry for a release, however many pods report it', () => {
    const records = story([0, seen(1)], [1, seen(1)], [2, seen(1, { ready: true })], [3, seen(1, { ready: true })]);
    assert.equal(records.releases?.length, 1);
    assert.deepEqual([find(records, 1).firstSeenTime, find(records, 1).readyTime], [iso(0), iso(2)]);
  });

  describe('begins where its template was written, though nobody recorded it then', () => {
    const late = (writtenTime: string) => story([0, seen(1)], [60, seen(2, { writtenTime })]);

    it('and the release before it ended there', () => {
      const records = late(iso(55));
      assert.deepEqual([find(records, 2).firstSeenTime, find(records, 1).supersededTime], [iso(55), iso(55)]);
    });

    for (const [what, time] of [
      ['not before the release that it follows', iso(-5)],
      ['not later than it was recorded, whatever the clock of the API server says', iso(65)],
      ['nor at a time that is none', 'soon'],
    ] as const) {
      it(what, () => assert.equal(find(late(time), 2).firstSeenTime, iso(60)));
    }

    it('and one that came back is no younger than that: an alert of its own is not from before it', () => {
      const back = (writtenTime: string) => story([0, seen(1)], [20, seen(2)], [60, seen(1, { writtenTime })]);
      const records = back(iso(55));
      assert.deepEqual([find(records, 1).restoredTime, find(records, 2).supersededTime], [iso(55), iso(55)]);
      const byConfiguration = back(iso(0));
      assert.deepEqual(
        [find(byConfiguration, 1).restoredTime, find(byConfiguration, 2).supersededTime],
        [iso(60), iso(60)],
        'the template was written before release 2, so something else brought it back',
      );
    });

    it('and the first release of all when it was recorded: what was there before may have run for years', () => {
      assert.equal(find(story([60, seen(1, { writtenTime: iso(0) })]), 1).firstSeenTime, iso(60));
    });
  });

  it('calls a release good after its soak time, counted from ready', () => {
    const early = story([0, seen(1)], [5, seen(1, { ready: true })], [14, seen(1, { ready: true })]);
    assert.equal(find(early, 1).outcome, 'Active');
    assert.equal(early.lastGoodRelease, undefined);
    assert.equal(goodAt(early, none), at(15));
    const soaked = story([0, seen(1)], [5, seen(1, { ready: true })], [15, undefined]);
    assert.deepEqual([find(soaked, 1).outcome, soaked.lastGoodRelease, find(soaked, 1).goodTime], ['Good', 1, iso(15)]);
    assert.equal(goodAt(soaked, none), undefined);
  });

  describe('a release that an incident found guilty', () => {
    const guilt = (closedTime: string | undefined): Partial<Judgements> => ({
      suspected: new Map([[digest(2), Number.POSITIVE_INFINITY]]),
      guilty: new Map([[digest(2), { closedTime }]]),
    });
    const two: [number, Observation | undefined][] = [
      [0, seen(1, { ready: true })],
      [10, undefined],
      [20, seen(2, { ready: true })],
      [30, undefined],
      [40, undefined],
    ];

    it('is good no more, and no rollback goes to it, whatever the mode was', () => {
      assert.equal(story(...two).lastGoodRelease, 2);
      const found = story(...two, [50, undefined, guilt(iso(50))]);
      assert.deepEqual([find(found, 2).outcome, found.lastGoodRelease], ['Guilty', 1]);
      const next = story(...two, [50, undefined, guilt(iso(50))], [60, seen(3)]);
      assert.equal(selectLastGood(next, { burnStart: at(60), suspect: 3 }).release?.number, 1);
      const ready = story([0, seen(2, { ready: true })], [5, undefined, guilt(iso(5))], [6, seen(3)]);
      assert.equal(
        selectLastGood(ready, { burnStart: at(6), suspect: 3 }).release,
        undefined,
        'nor where none is good',
      );
    });

    it('stays so when the incident has expired, and when it lands again', () => {
      const expired = story(
        ...two,
        [50, undefined, guilt(iso(50))],
        [60, seen(3)],
        [70, seen(2, { ready: true })],
        [99, undefined],
      );
      assert.deepEqual([find(expired, 2).outcome, find(expired, 2).restoredTime], ['Guilty', undefined]);
      assert.equal(expired.lastGoodRelease, 1);
      assert.equal(goodAt(expired, none), undefined);
    });

    it('is not while the incident is open and finds otherwise after all', () => {
      const open = story(...two, [50, undefined, guilt(undefined)]);
      assert.deepEqual([find(open, 2).outcome, find(open, 2).guiltyTime], ['Guilty', undefined]);
      assert.equal(story(...two, [50, undefined, guilt(undefined)], [51, undefined]).lastGoodRelease, 2);
    });

    it('is good again once a person accepts it', () => {
      const accepted = { accepted: new Set([digest(2)]) };
      const after = story(...two, [50, undefined, guilt(iso(50))], [60, undefined, accepted]);
      assert.deepEqual([find(after, 2).outcome, after.lastGoodRelease], ['Accepted', 2]);
    });

    it('is judged anew once a person lifted its Hold', () => {
      const rejected = { ...guilt(iso(50)), ...rejecting(2, 45) };
      const held = story(...two, [50, undefined, rejected]);
      assert.equal(find(held, 2).outcome, 'Rejected');
      const lifted: ReleaseRecords = {
        ...held,
        releases: held.releases?.map((r) => (r.number === 2 ? { ...r, liftedTime: iso(60) } : r)),
      };
      const after = observe(lifted, undefined, none, at(71));
      assert.equal(find(after, 2).outcome, 'Good');
    });
  });

  it('does not call good what an incident is about, and starts the soak again when it closes without a verdict', () => {
    const open = { suspected: new Map([[digest(1), Number.POSITIVE_INFINITY]]) };
    const closed = { suspected: new Map([[digest(1), at(30)]]) };
    const suspected = story([0, seen(1, { ready: true })], [20, undefined, open]);
    assert.equal(find(suspected, 1).goodTime, undefined);
    assert.equal(goodAt(suspected, { ...none, ...open }), undefined);
    const later = story([0, seen(1, { ready: true })], [20, undefined, open], [39, undefined, closed]);
    assert.equal(find(later, 1).goodTime, undefined);
    const good = story([0, seen(1, { ready: true })], [20, undefined, open], [40, undefined, closed]);
    assert.equal(find(good, 1).goodTime, iso(40));
  });

  it('shows the way of a rollback: superseded, rejected, restored, and the fix after it', () => {
    const bad = story([0, seen(1, { ready: true })], [60, undefined], [61, seen(2)], [62, seen(2, { ready: true })]);
    assert.deepEqual(
      [find(bad, 1).supersededTime, find(bad, 1).outcome, bad.currentRelease, bad.lastGoodRelease],
      [iso(61), 'Good', 2, 1],
    );
    const back = observe(observe(bad, undefined, { ...none, ...rejecting(2, 65) }, at(65)), seen(1), none, at(66));
    assert.deepEqual(
      [back.currentRelease, find(back, 1).restoredTime, find(back, 1).supersededTime],
      [1, iso(66), undefined],
    );
    assert.deepEqual(
      [find(back, 2).outcome, find(back, 2).rejectedTime, find(back, 2).incidentRef?.name],
      ['Rejected', iso(65), 'incident'],
    );
    assert.equal(back.releases?.length, 2, 'a release that returns is no new one');
    const fixed = observe(back, seen(3, { ready: true }), none, at(70));
    assert.deepEqual([fixed.currentRelease, find(fixed, 3).number, fixed.lastGoodRelease], [3, 3, 1]);
  });

  it('keeps a rejected release rejected when it lands again, even when its hold is gone', () => {
    const rejected = story(
      [0, seen(1, { ready: true })],
      [60, seen(2, { ready: true })],
      [65, undefined, rejecting(2, 65)],
      [66, seen(1)],
      [100, seen(2, { ready: true })],
      [500, seen(2, { ready: true })],
    );
    const { outcome, restoredTime, goodTime } = find(rejected, 2);
    assert.deepEqual([outcome, restoredTime, goodTime, rejected.currentRelease], ['Rejected', undefined, undefined, 2]);
    const accepted = observe(rejected, seen(2, { ready: true }), { ...none, accepted: new Set([digest(2)]) }, at(600));
    assert.equal(find(accepted, 2).outcome, 'Accepted');
    assert.equal(accepted.lastGoodRelease, 2);
    const held = { ...none, accepted: new Set([digest(2)]), ...rejecting(2, 700) };
    assert.equal(find(observe(accepted, undefined, held, at(700)), 2).outcome, 'Rejected', 'a hold has the last word');
  });

  it('lets a lifted release run again on probation: its soak time starts anew, and a second rejection is counted', () => {
    const rejected = story(
      [0, seen(1, { ready: true })],
      [60, seen(2, { ready: true })],
      [65, undefined, rejecting(2, 65)],
      [66, seen(1)],
    );
    const releases = rejected.releases?.map((r) => (r.number === 2 ? { ...r, liftedTime: iso(80) } : r)) ?? [];
    const back = observe({ ...rejected, releases }, seen(2, { ready: true }), none, at(81));
    const { outcome, restoredTime, rejectedCount } = find(back, 2);
    assert.deepEqual([outcome, restoredTime, rejectedCount], ['Active', undefined, 1], 'a lift is no rollback');
    assert.equal(find(observe(back, undefined, none, at(89)), 2).goodTime, undefined);
    assert.equal(find(observe(back, undefined, none, at(90)), 2).outcome, 'Good');
    const late = observe(back, undefined, { ...none, ...rejecting(2, 65) }, at(82));
    assert.equal(find(late, 2).rejectedCount, 1, 'the old Hold, not gone yet, is no new rejection');
    const again = observe(back, undefined, { ...none, ...rejecting(2, 85) }, at(85));
    assert.deepEqual(
      [find(again, 2).outcome, find(again, 2).rejectedCount, find(again, 2).rejectedTime],
      ['Rejected', 2, iso(85)],
    );
    assert.equal(
      find(observe(again, undefined, none, at(90)), 2).outcome,
      'Rejected',
      'a Hold that is lost is no lift',
    );
  });

  it('fills in what later reports know, and leaves what was recorded', () => {
    const images = [{ container: 'web', image: 'shop:v1', tag: 'v1', imageID: 'shop@sha256:aa' }];
    const other = [{ container: 'web', image: 'shop:v1', tag: 'v1', imageID: 'shop@sha256:bb' }];
    const records = story(
      [0, seen(1, {}, { commit: 'a'.repeat(40) })],
      [1, seen(1, {}, { images, revision: 'one', commit: 'b'.repeat(40) })],
      [2, seen(1, {}, { images: other, revision: 'restarted' })],
    );
    const release = find(records, 1);
    assert.equal(release.images[0]?.imageID, 'shop@sha256:aa', 'the image ID belongs to the release');
    assert.equal(release.commit, 'a'.repeat(40), 'the commit in which it appeared first');
    assert.equal(release.revision, 'restarted', 'a restart gives the same release another hash');
  });

  it('does not record an unknown release that is not the current one', () => {
    assert.deepEqual(
      story([0, seen(1)], [1, seen(2, { current: false })]).releases?.map((r) => r.number),
      [1],
    );
  });

  it('is bounded, and never evicts what a decision needs', () => {
    let records = story(
      [0, seen(1, { ready: true })],
      [20, undefined],
      [21, seen(2)],
      [22, undefined, rejecting(2, 22)],
    );
    const judgements = { ...none, targets: new Set([digest(3)]) };
    for (let n = 3; n < 200; n += 1) records = observe(records, seen(n), judgements, at(n + 20));
    assert.equal(records.releases?.length, MAX_RELEASES);
    assert.deepEqual(
      records.releases?.slice(-3).map((r) => r.number),
      [3, 2, 1],
      'hold target, rejected, last good',
    );
    assert.equal(records.currentRelease, 199);
  });
});

describe('the history, whatever happens', () => {
  interface Event {
    digest: number;
    current: boolean;
    ready: boolean;
    rejected: number[];
    accepted: number[];
    suspected: number[];
    minutes: number;
  }
  const some = fc.uniqueArray(fc.nat(130), { maxLength: 3 });
  const event: fc.Arbitrary<Event> = fc.record({
    digest: fc.nat(130),
    current: fc.boolean(),
    ready: fc.boolean(),
    rejected: some,
    accepted: some,
    suspected: some,
    minutes: fc.nat(30),
  });
  const judgementsOf = (e: Event, minute: number): Judgements => ({
    ...none,
    rejected: new Map(e.rejected.map((n) => [digest(n), { time: iso(minute) }])),
    accepted: new Set(e.accepted.map(digest)),
    suspected: new Map(e.suspected.map((n) => [digest(n), Number.POSITIVE_INFINITY])),
  });
  const run = (
    events: Event[],
    each: (before: ReleaseRecords, after: ReleaseRecords, e: Event, now: number) => void,
  ) => {
    let records: ReleaseRecords = {};
    let minute = 0;
    for (const e of events) {
      minute += e.minutes;
      const after = observe(records, seen(e.digest, e), judgementsOf(e, minute), at(minute));
      each(records, after, e, minute);
      records = after;
    }
    return records;
  };
  const events = fc.array(event, { maxLength: 150 });

  it('is valid, bounded, has each digest and number once, newest first', () => {
    const check = (list: Event[]): void => {
      run(list, (_before, after) => {
        const releases = after.releases ?? [];
        assert.ok(releases.length <= 100);
        assert.equal(new Set(releases.map((r) => r.sourceDigest)).size, releases.length);
        const numbers = releases.map((r) => r.number);
        assert.deepEqual(
          numbers,
          [...new Set(numbers)].sort((a, b) => b - a),
        );
        if (after.currentRelease !== undefined) assert.ok(numbers.includes(after.currentRelease));
        const lastGood = releases.find((r) => r.number === after.lastGoodRelease);
        if (after.lastGoodRelease !== undefined)
          assert.ok(lastGood?.goodTime !== undefined && lastGood.outcome !== 'Rejected');
      });
    };
    fc.assert(fc.property(events, check));
    releaseHistorySpec.parse({ workloadRef: WORKLOAD, ...run(fc.sample(events, 1)[0] ?? [], () => {}) });
  });

  it('is the same after the same report again', () => {
    fc.assert(
      fc.property(events, (list) => {
        run(list, (_before, after, e, minute) => {
          assert.deepEqual(observe(after, seen(e.digest, e), judgementsOf(e, minute), at(minute)), after);
        });
      }),
    );
  });

  it('does not depend on the order in which pods of one release report', () => {
    const report = fc.record({ revision: fc.boolean(), container: fc.constantFrom('web', 'log') });
    const images = (container: string): Release['images'] =>
      ['web', 'log'].map((c) => ({ container: c, image: `${c}:1`, ...(c === container ? { imageID: `${c}@1` } : {}) }));
    const reports = fc.array(report, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        reports.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([one, other]) => {
          const record = (list: typeof one): ReleaseRecords =>
            list.reduce<ReleaseRecords>(
              (records, r) =>
                observe(
                  records,
                  seen(1, {}, { images: images(r.container), ...(r.revision ? { revision: 'hash' } : {}) }),
                  none,
                  START,
                ),
              {},
            );
          assert.deepEqual(record(one), record(other));
        },
      ),
    );
  });

  it('never goes back to a rejected release, nor to the suspect', () => {
    fc.assert(
      fc.property(events, fc.nat(3000), (list, minute) => {
        const records = run(list, () => {});
        const target = selectLastGood(records, { burnStart: at(minute) });
        if (!target.release) return;
        assert.notEqual(target.release.number, records.currentRelease);
        assert.notEqual(target.release.outcome, 'Rejected');
        assert.ok(target.release.goodTime !== undefined || Date.parse(target.release.readyTime ?? '') < at(minute));
      }),
    );
  });
});

describe('the release that a rollback goes to', () => {
  const target = (records: ReleaseRecords, burn: number) => {
    const found = selectLastGood(records, { burnStart: at(burn) });
    return found.release ? [found.release.number, found.rule] : found.reason;
  };

  it('is the last good one', () => {
    const records = story(
      [0, seen(1, { ready: true })],
      [20, undefined],
      [30, seen(2, { ready: true })],
      [50, undefined],
      [60, seen(3, { ready: true })],
    );
    assert.deepEqual(target(records, 61), [2, 'Good']);
  });

  it('is never a rejected one, however good it was once', () => {
    const records = story(
      [0, seen(1, { ready: true })],
      [20, undefined],
      [30, seen(2, { ready: true })],
      [50, undefined],
      [60, undefined, rejecting(2, 60)],
      [61, seen(1, { ready: true })],
      [62, seen(3, { ready: true })],
    );
    assert.deepEqual(target(records, 63), [1, 'Good']);
  });

  it('is the newest that was ready before the burn where releases come faster than soak', () => {
    const records = story(
      [0, seen(1, { ready: true })],
      [3, seen(2, { ready: true })],
      [6, seen(3, { ready: true })],
      [9, seen(4, { ready: true })],
    );
    assert.deepEqual(target(records, 10), [3, 'ReadyBeforeBurn']);
    assert.deepEqual(target(records, 5), [2, 'ReadyBeforeBurn']);
    assert.equal(target(records, 0), 'NoGoodRelease');
  });

  it('is none, with the reason, where nothing can be gone back to', () => {
    assert.equal(target({}, 10), 'NoHistory');
    assert.equal(target(story([0, seen(1, { ready: true })]), 10), 'NoGoodRelease');
    const bare = seen(1, { ready: true });
    delete bare.release.snapshotRef;
    assert.equal(target(story([0, bare], [20, undefined], [30, seen(2)]), 31), 'SnapshotMissing');
  });
});
