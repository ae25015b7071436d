import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type HostileObject, hostileObjects } from '../../test/support/hostile-objects.ts';
import { planInput } from '../../test/support/plan.ts';
import type { RollbackHold } from '../api/hold.ts';
import type { KubeObject } from '../api/meta.ts';
import { compileHealthChecks } from '../health/cel.ts';
import { healthOf } from '../health/health.ts';
import { otherToolOf } from '../holds/index.ts';
import { isOtherThan } from '../sets/changes.ts';
import { isOwn } from '../sets/ownership.ts';
import { digestsOf, hashOf, runningRelease, type Snapshot } from '../snapshot/index.ts';
import { differenceOf } from '../ssa/diff.ts';
import { migrated, withoutHandEdits } from '../ssa/managed-fields.ts';
import { markOf, trimManagedFields } from '../ssa/marks.ts';
import { withoutIgnored } from '../ssa/release-fields.ts';
import { appliedOwnerOf } from './objects/owned-objects.ts';
import { waveOf } from './plan/apply-order.ts';
import { plan } from './plan/plan.ts';
import type { PlanInput } from './plan/types.ts';

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const US = { manager: 'metricops/shop/app', apiVersion: 'apps/v1' };
const healthy: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'shop', name: 'held', labels: { app: 'web' } },
  spec: { template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } } },
};

/** A plan in which a Deployment beside the odd object is held, so that every guard and user of it is looked for. */
const planBeside = (object: KubeObject): PlanInput => {
  const rendered = [healthy, object];
  const digests = digestsOf(healthy, rendered, KEY);
  const hold = {
    metadata: { namespace: 'shop', name: 'h' },
    spec: {
      workloadRef: { kind: 'Deployment', name: 'held' },
      rejectedDigests: [digests.sourceDigest],
      target: { snapshotRef: { name: 's' } },
    },
  } as unknown as RollbackHold;
  const target = {
    workload: { ...healthy, spec: { template: { metadata: { labels: { app: 'old' } } } } },
    config: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'shop', name: 'settings' } }],
    selectors: [{ ...object, metadata: { ...object.metadata, namespace: 'shop' } }],
  } as unknown as Snapshot;
  const digestsIn = (workload: KubeObject) => digestsOf(workload, rendered, KEY);
  return planInput({ rendered, digestsOf: digestsIn, hashOf, holds: [{ hold, target }] });
};

const set = { apiVersion: 'x', kind: 'GitSyncSet', metadata: { namespace: 'shop', name: 'all', uid: 'u' } };
const EXPRESSION = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  current: 'status.conditions.all(c, c.status == "True")',
};

/** What reads objects that others write. */
const READERS: Record<string, (object: KubeObject) => unknown> = {
  'a plan beside a hold': (object) => plan(planBeside(object)),
  'the rules of health': healthOf,
  'an expression of health': compileHealthChecks([EXPRESSION]).healthOf,
  'the difference to what is applied': (object) => [
    differenceOf(object, healthy, 'us'),
    differenceOf(healthy, object, 'us'),
  ],
  'the fields left to others': (object) =>
    withoutIgnored(
      healthy,
      object,
      { fields: ['/spec/replicas', '/spec/template/spec/containers/*/image'], managers: ['x', 'kubectl-edit'] },
      'us',
    ),
  'the fields of ours left to others': (object) =>
    withoutIgnored(object, healthy, { fields: ['/spec/replicas', '/metadata/labels/app'], managers: ['x'] }, 'us'),
  'taking over from another tool': (object) => [
    migrated(object, { from: () => true, to: US }),
    withoutHandEdits(object, US),
    otherToolOf(object),
  ],
  'the mark of what we applied': (object) => markOf(object, 'shop.app'),
  'the owner': (object) => [appliedOwnerOf(object), appliedOwnerOf(trimManagedFields(structuredClone(object)))],
  'the wave': waveOf,
  'the digest of what runs': runningRelease,
  'the owner among sets': (object) => [isOwn(set as never, object), isOtherThan(object, healthy)],
};

describe('objects as nobody should write them', () => {
  const failuresOf = (read: (object: KubeObject) => unknown, rows: readonly HostileObject[]): string[] =>
    rows.flatMap(({ what, object }) => {
      try {
        read(structuredClone(object));
        return [];
      } catch (error) {
        return [`${what}: ${error}`];
      }
    });

  const rows = hostileObjects();
  for (const [what, read] of Object.entries(READERS)) {
    it(`are no obstacle to ${what}`, () => {
      const failures = failuresOf(read, rows);
      assert.deepEqual(failures.slice(0, 20), [], `${failures.length} of ${rows.length}`);
    });
  }
});
