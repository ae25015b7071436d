import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { API_VERSION, annotations, labels } from '../../api/annotations.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { Release, ReleaseHistory, ReleaseRecords } from '../../api/release-history.ts';
import { selectLastGood } from '../../release/index.ts';
import { runningRelease } from '../../snapshot/index.ts';
import { planRollback, refuseIrreversible } from './plan-rollback.ts';

const digest = (n: number): string => `v1:${String(n).repeat(64)}`;

const release = (number: number, more: Partial<Release> = {}): Release => ({
  number,
  sourceDigest: digest(number),
  workloadUID: 'uid',
  images: [],
  snapshotRef: { name: `s-${number}` },
  firstSeenTime: '2026-01-01T00:00:00Z',
  outcome: 'Superseded',
  ...more,
});

const history = (records: ReleaseRecords): ReleaseHistory => ({
  apiVersion: API_VERSION,
  kind: 'ReleaseHistory',
  metadata: { name: 'deployment-web', namespace: 'shop' },
  spec: { workloadRef: { kind: 'Deployment', name: 'web' }, ...records },
});

const workload = (n: number): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'shop',
    labels: { [labels.sync]: 'shop.all' },
    annotations: { [annotations.sourceDigest]: digest(n) },
    managedFields: [
      { manager: 'metricops/shop/all', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:template': { 'f:spec': {} } } } },
    ],
  },
});

const GOOD = { goodTime: '2026-01-01T01:00:00Z', outcome: 'Good' } as const;
const three = history({ currentRelease: 3, lastGoodRelease: 2, releases: [release(3), release(2, GOOD), release(1)] });

describe('planRollback', () => {
  it('keeps the current release out and goes to the last good one', () => {
    const plan = planRollback(undefined, three, undefined);
    assert.equal(plan.rejected, digest(3));
    assert.equal(plan.target.number, 2);
  });

  it('goes to the release that was asked for', () => {
    assert.equal(planRollback(undefined, three, 1).target.number, 1);
  });

  it('believes the workload before the history: a release whose pods have not reported yet is the one to reject', () => {
    const plan = planRollback(workload(4), three, undefined);
    assert.equal(plan.rejected, digest(4));
    assert.equal(plan.from, undefined);
    assert.equal(plan.target.number, 2);
  });

  it('reads the live template of a workload that no GitSync applies', () => {
    const template = { spec: { containers: [{ name: 'web', image: 'web:3' }] } };
    const live = { ...workload(3), metadata: { name: 'web' }, spec: { template } };
    const before = history({
      lastGoodRelease: 1,
      currentRelease: 1,
      releases: [release(1, { ...GOOD, sourceDigest: `live1:${'a'.repeat(64)}` })],
    });
    const plan = planRollback(live, before, undefined);
    assert.match(plan.rejected, /^live[0-9]+:/);
    assert.equal(plan.target.number, 1);
  });

  it('goes past the last good release when that is the one that runs, but never to a rejected one', () => {
    const good = { goodTime: '2026-01-01T01:00:00Z' };
    const releases = [release(3), release(2, { ...good, outcome: 'Rejected' }), release(1, good)];
    const plan = planRollback(undefined, history({ currentRelease: 3, lastGoodRelease: 3, releases }), undefined);
    assert.equal(plan.target.number, 1);
  });

  it('goes past a release whose pods can not start, and says so where there is no other', () => {
    const good = { goodTime: '2026-01-01T01:00:00Z' };
    const records = history({ currentRelease: 3, releases: [release(3), release(2, good), release(1, good)] });
    const why = 'its pods need ServiceAccount shop/web, which does not exist';
    assert.equal(planRollback(undefined, records, undefined, { unfit: new Map([[2, why]]) }).target.number, 1);
    const none = new Map([2, 1].map((number) => [number, why]));
    assert.throws(
      () => planRollback(undefined, records, undefined, { unfit: none }),
      /Release 2 was good, but its pods need/,
    );
  });

  it('goes where an incident would: never to a release that was found guilty', () => {
    const releases = [release(3), release(2, { ...GOOD, outcome: 'Guilty' }), release(1, GOOD)];
    const records = { currentRelease: 3, lastGoodRelease: 1, releases };
    const chosen = planRollback(undefined, history(records), undefined).target.number;
    assert.equal(chosen, selectLastGood(records, { burnStart: Number.POSITIVE_INFINITY, suspect: 3 }).release?.number);
    assert.equal(chosen, 1);
  });

  it('names what runs as a Hold and a history do, also after an edit by hand and of a copied manifest', () => {
    const template = { metadata: {}, spec: { containers: [{ name: 'web', image: 'web:3' }] } };
    const edited: KubeObject = { ...workload(3), spec: { template } };
    const byHand = {
      manager: 'kubectl-edit',
      time: '2026-01-01T00:00:00Z',
      fieldsV1: { 'f:spec': { 'f:template': { 'f:spec': {} } } },
    };
    const [ours] = edited.metadata.managedFields ?? [];
    edited.metadata.managedFields = [{ ...(ours as object), time: '2025-01-01T00:00:00Z' }, byHand];
    const copied: KubeObject = { ...edited, metadata: { ...edited.metadata, managedFields: [byHand] } };
    for (const object of [edited, copied]) {
      const plan = planRollback(object, three, undefined);
      assert.equal(plan.rejected, runningRelease(object).digest);
      assert.match(plan.rejected, /^live1:/);
    }
  });

  const refusals: [string, ReleaseHistory, number | undefined, RegExp][] = [
    ['no good release', history({ currentRelease: 1, releases: [release(1)] }), undefined, /No earlier release/],
    ['no such release', three, 9, /There is no release 9/],
    ['the release that runs', three, 3, /Release 3 is what runs now/],
    [
      'a release without a snapshot',
      history({
        currentRelease: 2,
        releases: [release(2), release(1, { snapshotRef: undefined })],
      }),
      1,
      /was not recorded, so it can't be applied again/,
    ],
    ['nothing current', history({ releases: [release(1)] }), undefined, /Nothing says which release runs now/],
  ];
  for (const [what, from, to, words] of refusals) {
    it(`refuses ${what}, and says why`, () => {
      assert.throws(() => planRollback(undefined, from, to), words);
    });
  }
});

describe('metricops rollback without --force', () => {
  it('goes behind no irreversible release, and says what would stay', () => {
    const migrated = release(3, { irreversible: 'PreSync hook Job migrate' });
    const { releases = [] } = three.spec;
    const plan = planRollback(undefined, three, 2);
    assert.doesNotThrow(() => refuseIrreversible(plan, releases));
    const words = 'Release 3 is irreversible: PreSync hook Job migrate. What it changed stays when release 2 runs.';
    assert.throws(() => refuseIrreversible(plan, [migrated, ...releases.slice(1)]), { message: words });
  });
});
