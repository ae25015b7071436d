import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { GitSync, GitSyncSpec } from '../../api/gitsync.ts';
import { keyOfSync } from '../../api/gitsync-names.ts';
import { unrestrictedPolicy } from '../../api/platform-policy.ts';
import type { Plan } from '../plan/types.ts';
import { createHandover } from './handover.ts';

const URL = 'https://git.example.com/shop.git';
const KEY = 'shop_web_apps_Deployment';

const gitSync = (name: string, spec: Partial<GitSyncSpec> = {}, rest: Partial<GitSync> = {}): GitSync =>
  ({
    apiVersion: 'metricops.dev/v1alpha1',
    kind: 'GitSync',
    metadata: { namespace: 'shop', name },
    spec: {
      source: { git: { url: URL, ref: { branch: 'main' } } },
      timeout: '5m',
      dependsOn: [],
      ...spec,
    },
    ...rest,
  }) as GitSync;

const planOf = (...keys: string[]): Plan => ({
  desired: [],
  apply: [],
  keep: keys.map((key) => ({ key, reason: '' })),
  prune: [],
  kept: [],
  departures: new Map(),
  held: [],
  passed: [],
  emptyRefused: false,
});

const setup = (...syncs: GitSync[]) => {
  const told: string[] = [];
  let now = 0;
  const byKey = new Map(syncs.map((sync) => [keyOfSync(sync), sync]));
  const handover = createHandover({
    clock: { now: () => now, sleep: async () => {} },
    syncs: () => syncs,
    syncOf: (key) => byKey.get(key),
    sources: { head: () => undefined, holds: (_, inputs) => inputs.every(({ path, id }) => path === id) },
    policy: () => unrestrictedPolicy,
    onChange: (key) => told.push(key),
  });
  const at = (commit: string, content = commit) => ({ commit, inputs: [{ source: URL, path: 'now', id: content }] });
  return { handover, told, at, pass: (ms: number) => (now += ms) };
};

describe('the handover of an object', () => {
  const old = gitSync('old');
  const next = gitSync('next');

  it('waits for those of the same source that have not planned the commit, and hears when they have', () => {
    const { handover, told, at } = setup(old, next);
    handover.note(old, planOf(), at('c2'));
    assert.deepEqual(handover.awaited(old, 'c2', [KEY])?.names, ['shop/next']);
    assert.deepEqual(told, []);
    handover.note(next, planOf(KEY), at('c2'));
    assert.deepEqual(told, ['shop/old']);
    assert.equal(handover.awaited(old, 'c2', [KEY]), undefined);
    assert.equal(handover.wantedBy(old, KEY), next);
  });

  it('waits no longer than the timeout, counted for each set of objects', () => {
    const { handover, pass } = setup(old, next);
    assert.equal(handover.awaited(old, 'c2', [KEY])?.untilMs, 300_000);
    pass(200_000);
    assert.equal(handover.awaited(old, 'c3', [KEY])?.untilMs, 300_000);
    assert.equal(handover.awaited(old, 'c3', [KEY, 'more'])?.untilMs, 500_000);
    pass(300_000);
    assert.equal(handover.awaited(old, 'c3', [KEY, 'more']), undefined);
  });

  for (const [what, other] of [
    ['is suspended', gitSync('next', { suspend: true })],
    [
      'is being deleted',
      gitSync('next', {}, { metadata: { namespace: 'shop', name: 'next', deletionTimestamp: 'now' } }),
    ],
    ['follows another branch', gitSync('next', { source: { git: { url: URL, ref: { branch: 'next' } } } })],
    [
      'follows another repository',
      gitSync('next', { source: { git: { url: 'https://git.example.com/other.git', ref: { branch: 'main' } } } }),
    ],
    ['writes with other rights', gitSync('next', { serviceAccountName: 'deployer' })],
  ] as const) {
    it(`does not wait for one that ${what}`, () => {
      assert.equal(setup(old, other).handover.awaited(old, 'c2', [KEY]), undefined);
    });
  }

  it('does not wait for one that can not plan the commit, or whose files are as they were planned', () => {
    const stuck = setup(old, next);
    stuck.handover.stuck(next, 'c2');
    assert.equal(stuck.handover.awaited(old, 'c2', [KEY]), undefined);
    assert.ok(stuck.handover.awaited(old, 'c3', [KEY]));
    const same = setup(old, next);
    same.handover.note(next, planOf(), same.at('c1', 'now'));
    assert.equal(same.handover.awaited(old, 'c2', [KEY]), undefined);
  });

  it('waits for one of any source that was refused an object before this process began', () => {
    const condition = { type: 'Ready', status: 'False', reason: 'OwnedByAnother', message: '', lastTransitionTime: '' };
    const other = gitSync(
      'next',
      { source: { git: { url: 'https://git.example.com/other.git', ref: { branch: 'main' } } } },
      {
        status: { conditions: [condition] },
      } as Partial<GitSync>,
    );
    const { handover, at } = setup(old, other);
    assert.ok(handover.awaited(old, 'c2', [KEY]));
    handover.note(other, planOf(), at('d1'));
    assert.equal(handover.awaited(old, 'c2', [KEY]), undefined);
  });

  it('gives an object only when its owner has planned without it, and tells the one that asked', () => {
    const { handover, told, at } = setup(old, next);
    assert.equal(handover.mayTake(next, old, KEY), false);
    handover.note(old, planOf(KEY), at('c1'));
    assert.deepEqual(told, ['shop/next']);
    assert.equal(handover.mayTake(next, old, KEY), false);
    handover.note(old, planOf(), at('c2'));
    assert.deepEqual(told, ['shop/next', 'shop/next']);
    assert.equal(handover.mayTake(next, old, KEY), true);
  });

  it('gives nothing to one that writes with other rights, in another namespace under the same name', () => {
    const own = gitSync('old', { serviceAccountName: 'deployer' });
    const elsewhere = gitSync(
      'next',
      { serviceAccountName: 'deployer' },
      { metadata: { namespace: 'evil', name: 'next' } },
    );
    const { handover, at } = setup(own, elsewhere);
    handover.note(own, planOf(), at('c2'));
    handover.note(elsewhere, planOf(KEY), at('c2'));
    assert.equal(handover.mayTake(elsewhere, own, KEY), false);
    assert.equal(handover.wantedBy(own, KEY), undefined);
  });

  it('gives an object before its owner has planned, where the owner waits for the one that asks', () => {
    const middle = gitSync('middle', { dependsOn: [{ name: 'next' }] });
    const behind = gitSync('old', { dependsOn: [{ name: 'middle' }] });
    const { handover, at } = setup(behind, middle, next);
    handover.note(behind, planOf(KEY), at('c1', 'before'));
    handover.note(next, planOf(KEY), at('c2'));
    assert.equal(handover.mayTake(next, behind, KEY), true);
  });

  it('tells the one that wants an object when that is gone, whoever had it', () => {
    const { handover, told, at } = setup(old, next);
    handover.note(next, planOf(KEY), at('c2'));
    handover.freed('shop_other_apps_Deployment');
    assert.deepEqual(told, []);
    handover.freed(KEY);
    assert.deepEqual(told, ['shop/next']);
  });

  it('forgets what a GitSync wanted that is gone', () => {
    const { handover, at } = setup(old, next);
    handover.note(next, planOf(KEY), at('c2'));
    assert.equal(handover.wantedBy(old, KEY), next);
    handover.forget('shop/next');
    assert.equal(handover.wantedBy(old, KEY), undefined);
  });
});
