import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { gitSync } from '../../../test/support/objects.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { Plan } from '../plan/types.ts';
import { newSyncState } from '../state/sync-state.ts';
import { dueOf } from './due.ts';
import { versionIn } from './run.ts';

const object: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'shop', name: 'one' } };
const plan = (changed: Partial<Plan>): Plan => ({
  ...{ desired: [], apply: [], keep: [], prune: [], kept: [], departures: new Map(), held: [], passed: [] },
  emptyRefused: false,
  ...changed,
});
const withWork = plan({ apply: [{ key: 'one', object, hash: '2' }] });
const app = gitSync('app', undefined);
const applied = { ...app, status: { ...app.status, lastAppliedRevision: 'main@c1' } };
const due = (sync: typeof app, state: Parameters<typeof dueOf>[1] = newSyncState(), made = withWork, commit = 'c1') =>
  dueOf(
    sync,
    state,
    { commit, revision: `main@${commit}`, objects: [object], hooks: [], plan: made },
    { of: () => 'h' },
  );

describe('a revision before its hooks', () => {
  /** A commit after it changed no file of this GitSync. */
  const planned = { commit: 'c0', version: versionIn(applied, newSyncState(), 'c0') };
  const other = { ...applied, spec: { ...applied.spec, path: 'other' } };

  it('was applied before where the commit is, with the same spec and values: what is to be done is drift', () => {
    const state = { ...newSyncState(), planned };
    assert.equal(due(applied, state).isApplied, true);
    assert.equal(due(applied, state, withWork, 'c2').isApplied, false, 'another commit');
    assert.equal(due(other, state).isApplied, false, 'another spec');
    assert.equal(due(other, state, plan({})).isApplied, true, 'another spec that changes nothing');
  });

  it('was applied before, by what its status says after a restart', () => {
    const said = {
      ...applied,
      status: { ...applied.status, appliedVersion: versionIn(applied, newSyncState(), 'c1') },
    };
    assert.equal(due(said).isApplied, true);
    assert.equal(due({ ...said, spec: other.spec }).isApplied, false, 'another spec');
    const variables = { values: new Map(), digest: 'another' };
    assert.equal(due(said, { ...newSyncState(), variables }).isApplied, false, 'another value');
    assert.equal(due(applied).isApplied, true, 'by a version that did not say it');
  });

  it('has work to delete only what was applied until then', () => {
    const left = plan({ prune: ['kept'] });
    const saying = (sent?: string) => ({
      ...applied,
      status: { ...applied.status, inventory: { entries: [{ id: 'kept', v: 'v1', ...(sent && { sent }) }] } },
    });
    assert.equal(due(saying(), newSyncState(), left).hasWork, false);
    assert.equal(due(saying('digest'), newSyncState(), left).hasWork, true, 'after a restart');
  });
});
