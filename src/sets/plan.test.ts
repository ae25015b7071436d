import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { annotations, labels } from '../api/annotations.ts';
import { type GitSync, gitSyncSpec } from '../api/gitsync.ts';
import { type GitSyncSet, gitSyncSetSpec } from '../api/gitsyncset.ts';
import { generate } from './generate.ts';
import { planSet } from './plan.ts';
import type { GeneratedSync, SetPlan } from './types.ts';

const url = 'https://git.example.com/mono.git';

const setOf = (entries: readonly string[], spec: object = {}, notes: Record<string, string> = {}): GitSyncSet => ({
  apiVersion: 'metricops.dev/v1alpha1',
  kind: 'GitSyncSet',
  metadata: { namespace: 'shop', name: 'all', uid: 'set-uid', annotations: notes },
  spec: gitSyncSetSpec.parse({
    generators: [{ list: entries.map((name) => ({ name })) }],
    template: {
      metadata: { name: '{{name}}', labels: { tier: 'app' } },
      spec: { source: { git: { url } }, path: '{{name}}' },
    },
    ...spec,
  }),
});
const generated = (set: GitSyncSet) => generate(set, { found: [], systemNamespace: 'metricops-system' });
/** As the API server has it after an apply: with defaults, and the server's own metadata. */
const stored = (sync: GeneratedSync): GitSync => ({
  ...sync,
  metadata: { ...sync.metadata, uid: `uid-${sync.metadata.name}`, resourceVersion: '1' },
  spec: gitSyncSpec.parse(sync.spec),
});
const liveOf = (...names: string[]): GitSync[] => generated(setOf(names)).syncs.map(stored);
const planned = (set: GitSyncSet, live: readonly GitSync[]): SetPlan => planSet(set, generated(set), live);
const letters = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `app-${i + from}`);
const summary = ({ writes, deletes, problems }: SetPlan) => ({
  create: writes.filter((w) => !w.live).map((w) => w.sync.metadata.name),
  update: writes.filter((w) => w.live).map((w) => w.sync.metadata.name),
  delete: deletes.map((d) => d.metadata.name),
  problems: problems.map((p) => p.reason),
});
const nothing = { create: [], update: [], delete: [], problems: [] };

describe('the plan of a GitSyncSet', () => {
  it('creates what is new, deletes what is no longer generated, and leaves the rest', () => {
    assert.deepEqual(summary(planned(setOf(['a', 'b', 'c']), liveOf('a', 'b', 'x'))), {
      ...nothing,
      create: ['c'],
      delete: ['x'],
    });
  });

  it('is empty when nothing changed, in spite of defaults and of what people added', () => {
    const [a] = liveOf('a');
    assert.ok(a);
    const touched: GitSync = {
      ...a,
      metadata: { ...a.metadata, annotations: { ...a.metadata.annotations, note: 'mine' } },
      spec: { ...a.spec, suspend: true },
    };
    assert.deepEqual(summary(planned(setOf(['a']), [touched])), nothing);
  });

  it('puts back what the template says, and updates when the template changes', () => {
    const [a] = liveOf('a');
    assert.ok(a);
    const changes: GitSync[] = [
      { ...a, spec: { ...a.spec, path: 'elsewhere' } },
      { ...a, metadata: { ...a.metadata, labels: { ...a.metadata.labels, tier: 'base' } } },
      { ...a, metadata: { ...a.metadata, annotations: {} } },
    ];
    for (const changed of changes) assert.deepEqual(summary(planned(setOf(['a']), [changed])).update, ['a']);
    const fewer = { template: { metadata: { name: '{{name}}' }, spec: { source: { git: { url } } } } };
    assert.deepEqual(summary(planned(setOf(['a'], fewer), [a])).update, ['a'], 'a field less is a change, too');
  });

  it('takes no GitSync of somebody else, and deletes none', () => {
    const live = liveOf('a', 'b', 'c').map((s) => ({
      ...s,
      metadata: { ...s.metadata, ownerReferences: [], labels: {} },
    }));
    const owner = { apiVersion: 'v1', kind: 'GitSyncSet', name: 'other', uid: 'other-uid', controller: true };
    const [a, b, c] = live;
    assert.ok(a && b && c);
    const theirs = { ...b, metadata: { ...b.metadata, ownerReferences: [owner] } };
    const plan = planned(setOf(['a', 'b']), [a, theirs, c]);
    assert.deepEqual(summary(plan), { ...nothing, problems: ['OwnedByAnother', 'OwnedByAnother'] });
    assert.match(plan.problems[0]?.message ?? '', /GitSync shop\/a was not made by this GitSyncSet/);
    assert.match(plan.problems[1]?.message ?? '', /GitSync shop\/b belongs to GitSyncSet other/);
  });

  it('knows its own by their labels where they lost their owner', () => {
    const [a] = liveOf('a');
    assert.ok(a);
    const orphan = { ...a, metadata: { ...a.metadata, ownerReferences: [] } };
    assert.deepEqual(summary(planned(setOf(['a']), [orphan])).update, ['a']);
    const elsewhere = {
      ...orphan,
      metadata: { ...orphan.metadata, labels: { ...a.metadata.labels, [labels.syncSetNamespace]: 'other' } },
    };
    assert.deepEqual(summary(planned(setOf(['a']), [elsewhere])).problems, ['OwnedByAnother']);
  });

  it('with updatePolicy CreateUpdate deletes nothing, with CreateOnly changes nothing either', () => {
    const live = liveOf('a', 'x').map((s) => ({ ...s, spec: { ...s.spec, path: 'elsewhere' } }));
    assert.deepEqual(summary(planned(setOf(['a', 'b'], { updatePolicy: 'CreateUpdate' }), live)), {
      ...nothing,
      create: ['b'],
      update: ['a'],
    });
    assert.deepEqual(summary(planned(setOf(['a', 'b'], { updatePolicy: 'CreateOnly' }), live)), {
      ...nothing,
      create: ['b'],
    });
  });

  it('lets one that is being deleted go, and makes it again afterwards', () => {
    const [a] = liveOf('a');
    assert.ok(a);
    const going = {
      ...a,
      metadata: { ...a.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', annotations: {} },
    };
    assert.deepEqual(summary(planned(setOf(['a']), [going])), nothing);
    assert.deepEqual(summary(planned(setOf(['b']), [going])), { ...nothing, create: ['b'] });
  });

  it('deletes nothing that a problem is about', () => {
    const set = setOf(['A', 'a', 'b']);
    assert.deepEqual(summary(planned(set, liveOf('a', 'b', 'x'))), {
      ...nothing,
      delete: ['x'],
      problems: ['NameCollision'],
    });
    const nameless = setOf(['b', '***']);
    assert.deepEqual(summary(planned(nameless, liveOf('a', 'b'))), { ...nothing, problems: ['InvalidTemplate'] });
  });

  describe('when many would go', () => {
    const mass = (own: number, kept: number, spec: object = {}, notes: Record<string, string> = {}) =>
      summary(planned(setOf(letters(kept), spec, notes), liveOf(...letters(own))));

    it('refuses more than half of them', () => {
      assert.equal(mass(20, 10).delete.length, 10);
      assert.deepEqual(mass(20, 9), { ...nothing, problems: ['MassDeletionRefused'] });
    });

    it('does not mind five', () => {
      assert.equal(mass(6, 1).delete.length, 5);
      assert.deepEqual(mass(7, 1).problems, ['MassDeletionRefused']);
    });

    it('obeys maxDelete', () => {
      assert.deepEqual(mass(20, 18, { maxDelete: 1 }).problems, ['MassDeletionRefused']);
      assert.equal(mass(20, 2, { maxDelete: 18 }).delete.length, 18);
    });

    it('does it when a person says so', () => {
      assert.equal(mass(20, 1, {}, { [annotations.allowMassDelete]: 'true' }).delete.length, 19);
    });

    it('creates nothing either: half of twice as many would pass for few', () => {
      const renamed = setOf(letters(20, 100));
      assert.deepEqual(summary(planned(renamed, liveOf(...letters(20)))), {
        ...nothing,
        problems: ['MassDeletionRefused'],
      });
    });

    it('never deletes all of them because nothing is generated', () => {
      for (const own of [1, 20]) {
        const notes = { [annotations.allowMassDelete]: 'true' };
        assert.deepEqual(mass(own, 0, { maxDelete: 100 }, notes), { ...nothing, problems: ['NothingGenerated'] });
      }
      assert.deepEqual(mass(0, 0), nothing);
    });
  });
});
