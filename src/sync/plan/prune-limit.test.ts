import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { planInput } from '../../../test/support/plan.ts';
import { type KubeObject, keyOf, keyString, parseKey } from '../../api/meta.ts';
import { dividePrune } from './prune-limit.ts';
import type { PlanInput, PlannedObject } from './types.ts';

const [OLD, NEW] = ['7f2k9m4d6b', 'h5c8g2tt9k'];
const keys = (count: number, nameOf: (i: number) => string, rest: Partial<KubeObject> & { namespace?: string } = {}) =>
  Array.from({ length: count }, (_, i) => {
    const { namespace = 'shop', apiVersion = 'v1', kind = 'ConfigMap' } = rest;
    return keyString(keyOf({ apiVersion, kind, metadata: { namespace, name: nameOf(i) } }));
  });
const plain = (count: number) => keys(count, (i) => `tenant-${i}`);
const hashed = (count: number, hash: string | undefined, rest = {}) => keys(count, (i) => `tenant-${i}-${hash}`, rest);
const plannedOf = (key: string): PlannedObject => {
  const { kind, namespace = '', name } = parseKey(key);
  return { key, object: { apiVersion: 'v1', kind, metadata: { namespace, name } }, hash: '' };
};
/** How many may go of an inventory, when this is rendered. */
const pruned = (inventory: string[], rendered: string[], rest: Partial<PlanInput> = {}): number => {
  const desired = new Map(rendered.map((key) => [key, plannedOf(key)]));
  const gone = inventory.filter((key) => !desired.has(key));
  const objects = [...desired.values()].map(({ object }) => object);
  return dividePrune(gone, desired, [], planInput({ inventory, rendered: objects, ...rest })).prune.length;
};

describe('the limit of what one plan deletes', () => {
  it('counts from ten objects on: of nine, five may go', () => {
    assert.equal(pruned(plain(9), plain(4)), 5);
    assert.equal(pruned(plain(10), plain(4)), 0);
    assert.equal(pruned(plain(10), plain(5)), 5, 'half is not more than half');
  });

  it('counts no object whose successor has the same name with another hash, of any kind', () => {
    for (const kind of [{}, { apiVersion: 'apps/v1', kind: 'Deployment' }])
      assert.equal(pruned(hashed(12, OLD, kind), hashed(12, NEW, kind)), 12);
  });

  it('counts every object without a successor, though something else is new', () => {
    assert.equal(
      pruned(
        plain(12),
        keys(1, () => 'new'),
      ),
      0,
    );
    assert.equal(
      pruned(
        hashed(12, OLD),
        keys(1, () => `other-${NEW}`),
      ),
      0,
    );
  });

  it('counts an object whose like was there before: that is no successor', () => {
    const both = [...hashed(12, OLD), ...hashed(12, NEW)];
    assert.equal(pruned(both, hashed(12, NEW), { maxPrune: 40 }), 0);
  });

  it('counts an object whose like is in another namespace, or of another kind', () => {
    const namespace = (hash: string | undefined) => ({ namespace: `team-${hash}` });
    assert.equal(
      pruned(
        keys(12, (i) => `t-${i}`, namespace(OLD)),
        keys(12, (i) => `t-${i}`, namespace(NEW)),
      ),
      0,
    );
    assert.equal(pruned(hashed(12, OLD), hashed(12, NEW, { kind: 'Secret' })), 0);
  });
});
