import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { gitSync } from '../../../test/support/objects.ts';
import type { HookEntry } from '../../api/gitsync.ts';
import type { HookRun } from '../state/hook-run.ts';
import { divideHooks } from './hook.ts';
import { carriedOver, type Due, entriesOf, isAskedAgain, isDue, markOf, neverRun, newRun, withStaying } from './run.ts';

const due: Due = {
  revision: 'main@2',
  version: 'v2',
  content: 'c2',
  hooksContent: 'h1',
  hasWork: true,
  isHeld: false,
  isApplied: false,
};
const run = (state: HookRun['run']['state'], entries: readonly HookEntry[] = []): HookRun => ({
  run: {
    revision: 'main@1',
    state,
    id: 'v1',
    version: 'v1',
    content: 'c1',
    hooksContent: 'h1',
    isInstall: false,
    requestedAt: '',
  },
  entries,
});
const entry = (state: HookEntry['state']): HookEntry => ({ kind: 'Job', name: 'a', phase: 'PreSync', state });
const asked = (at: string) => {
  const sync = gitSync('app', undefined);
  return { ...sync, metadata: { ...sync.metadata, annotations: { 'metricops.dev/requested-at': at } } };
};

describe('hooks are due', () => {
  const before = run('Succeeded');

  it('for a version with other content that has something to apply', () => {
    assert.equal(isDue(before, due), true);
    assert.equal(isDue(before, { ...due, version: 'v1' }), false, 'a random render of the same version');
    assert.equal(isDue(before, { ...due, content: 'c1' }), false, 'a commit that changes nothing');
    assert.equal(isDue(before, { ...due, hasWork: false }), false, 'back to what is there');
  });

  it('for other hooks alone, but for a revision that is held', () => {
    const hooks = { ...due, hasWork: false, hooksContent: 'h2' };
    assert.equal(isDue(before, hooks), true);
    assert.equal(isDue(before, { ...hooks, isHeld: true }), false);
    assert.equal(isDue(before, { ...hooks, isHeld: true, hasWork: true }), true, 'the rest of the commit is applied');
  });

  it('for the first revision that is known, unless it was applied before', () => {
    assert.equal(isDue(null, due), true);
    assert.equal(isDue(null, { ...due, isApplied: true }), false);
  });

  it('again when a person asks after a failure, and only then', () => {
    const same = { ...due, version: 'v1' };
    assert.equal(isAskedAgain(run('Failed'), same, asked('now')), true);
    assert.equal(isAskedAgain(run('Succeeded'), same, asked('now')), false);
    assert.equal(isAskedAgain(run('Failed'), due, asked('now')), false, 'of another version');
    const { run: known } = run('Failed');
    assert.equal(isAskedAgain({ run: { ...known, requestedAt: 'now' }, entries: [] }, same, asked('now')), false);
    assert.equal(isAskedAgain(run('Failed'), { ...same, isHeld: true, hasWork: false }, asked('now')), false);
  });
});

describe('a run of hooks', () => {
  const job = (hook: string) => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { namespace: 'shop', name: 'migrate', annotations: { 'helm.sh/hook': hook } },
  });
  const phases = (hook: string, isInstall: boolean): string[] =>
    entriesOf(divideHooks([job(hook)], { helm: true }).hooks, ['PreSync', 'PostSync'], isInstall).map(
      ({ phase }) => phase,
    );

  it('has the hooks of Helm for an install, or for an upgrade', () => {
    assert.deepEqual(phases('pre-install,post-upgrade', true), ['PreSync']);
    assert.deepEqual(phases('pre-install,post-upgrade', false), ['PostSync']);
    assert.deepEqual(phases('pre-install,pre-upgrade', false), ['PreSync']);
  });

  it('goes on to name what an install made and an upgrade does not make again', () => {
    const { hooks } = divideHooks([job('pre-install')], { helm: true });
    const upgrade = { ...run('Running'), entries: [] };
    const made = { kind: 'Job', namespace: 'shop', name: 'migrate', phase: 'PreSync', state: 'Succeeded' } as const;
    assert.deepEqual(withStaying(upgrade, run('Succeeded', [made]), hooks).entries, [made]);
    assert.deepEqual(withStaying(upgrade, run('Failed', [{ ...made, state: 'Failed' }]), hooks).entries, []);
    assert.deepEqual(withStaying(upgrade, run('Succeeded', [made]), []).entries, [], 'it left Git');
    const again = { ...upgrade, entries: [{ ...made, state: 'Pending' as const }] };
    assert.deepEqual(withStaying(again, run('Succeeded', [made]), hooks).entries, again.entries);
  });

  it('marks what it makes with its own id, which a person’s request changes, and another commit does not', () => {
    const { hooks } = divideHooks([job('pre-upgrade')], { helm: true });
    const first = newRun(asked('now'), hooks, due);
    assert.deepEqual(newRun(asked('now'), hooks, due), first, 'the same after a crash');
    assert.notEqual(markOf(newRun(asked('later'), hooks, due, first), 'PreSync'), markOf(first, 'PreSync'));
    const carried = carriedOver(first, { ...due, version: 'v3' }, undefined);
    assert.equal(carried.run.version, 'v3');
    assert.equal(markOf(carried, 'PreSync'), markOf(first, 'PreSync'));
  });

  it('is given up for what was there before it, and goes on when its commit is back', () => {
    const running = run('Running', [entry('Running')]);
    const given = carriedOver(running, due, 'main@0');
    assert.equal(given.run.state, 'Failed');
    assert.equal(carriedOver(given, { ...due, version: 'v1' }, 'main@0').run.state, 'Running');
    const failed = run('Failed', [entry('Failed')]);
    assert.equal(carriedOver(failed, { ...due, version: 'v1' }, 'main@0').run.state, 'Failed');
  });

  it('goes on once its revision was applied: what runs is still to be checked', () => {
    const { run: next, entries } = carriedOver(run('Running', [entry('Succeeded')]), due, 'main@1');
    assert.deepEqual([next.state, next.version, entries], ['Running', 'v2', [entry('Succeeded')]]);
    const check = { ...entry('Running'), phase: 'PostSync' as const, startTime: '2026-01-01T00:00:00Z' };
    assert.equal(carriedOver(run('Running', [check]), due, undefined).run.state, 'Running', 'a check has begun');
    const other = carriedOver(run('Running', [entry('Running')]), due, 'main@1');
    assert.equal(other.run.state, 'Failed', 'of other values of the same commit');
  });

  it('of a revision that was applied before anybody knew of its hooks is what the next one is compared with', () => {
    const known = neverRun(asked(''), divideHooks([job('pre-upgrade')], { helm: true }).hooks, due);
    assert.deepEqual([known.run.state, known.entries], ['Succeeded', []]);
    assert.equal(isDue(known, { ...due, version: 'v3' }), false, 'other values, and the same objects');
    assert.equal(isDue(known, { ...due, version: 'v3', content: 'c3' }), true);
  });
});
