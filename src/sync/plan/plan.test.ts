import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { planInput } from '../../../test/support/plan.ts';
import type { RollbackHold } from '../../api/hold.ts';
import { type KubeObject, keyOf, keyString } from '../../api/meta.ts';
import { digestsOf, hashOf, type Snapshot } from '../../snapshot/index.ts';
import { plan } from './plan.ts';
import type { PlanInput } from './types.ts';

const KEY = Buffer.from('key');
const configMap = (name: string, value = '1'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'shop', name },
  data: { value },
});
const deployment = (
  name: string,
  image: string,
  config = 'settings',
  labels: Record<string, string> = { app: name },
): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'shop', name },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels },
      spec: { containers: [{ name: 'c', image, envFrom: [{ configMapRef: { name: config } }] }] },
    },
  },
});
const service = (name: string, selector: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name },
  spec: { selector },
});
const id = (o: KubeObject): string => keyString(keyOf(o));
const digest = (o: KubeObject, rendered: KubeObject[]): string => digestsOf(o, rendered, KEY).sourceDigest;
const snapshot = (workload: KubeObject, config: KubeObject[]): Snapshot => {
  const { replicas: _, ...spec } = workload.spec as Record<string, unknown>;
  return {
    workload: { ...workload, spec },
    config,
    fieldManager: 'metricops/shop/shop',
    sourceDigest: digest(workload, config),
  };
};
const holdOn = (
  name: string,
  rejected: string[],
  target: Snapshot,
  scope: 'Workload' | 'GitSync' = 'Workload',
): RollbackHold => ({
  apiVersion: 'metricops.dev/v1alpha1',
  kind: 'Hold',
  metadata: { namespace: 'shop', name: 'h' },
  spec: {
    workloadRef: { kind: 'Deployment', name },
    action: 'Rollback',
    scope,
    rejectedDigests: rejected,
    target: { release: 1, sourceDigest: target.sourceDigest, snapshotRef: { name: 's' } },
    origin: 'Incident',
  },
});
const make = (rendered: KubeObject[], rest: Partial<PlanInput> = {}) =>
  plan(planInput({ rendered, digestsOf: (w) => digestsOf(w, rendered, KEY), hashOf, ...rest }));
const find = (result: ReturnType<typeof plan>, object: KubeObject): KubeObject | undefined =>
  result.desired.find((d) => d.key === id(object))?.object;

describe('plan', () => {
  const good = deployment('web', 'shop:v1');
  const bad = deployment('web', 'shop:v2');
  const settings = configMap('settings');
  const other = configMap('other');
  const target = snapshot(good, [settings]);
  const holds = [{ hold: holdOn('web', [digest(bad, [settings])], target), target }];

  it('applies what is new, sends nothing for what is there, puts back what drifted', () => {
    const rendered = [settings, good];
    const applied = new Map(make(rendered).desired.map((d) => [d.key, d.hash]));
    assert.equal(make(rendered).apply.length, 2);
    assert.equal(make(rendered, { applied }).apply.length, 0);
    assert.deepEqual(
      make(rendered, { applied, drifted: new Set([id(good)]) }).apply.map((o) => o.key),
      [id(good)],
    );
  });

  it('sends the workload again when only its configuration changed: it is a new release', () => {
    const applied = new Map(make([settings, good]).desired.map((d) => [d.key, d.hash]));
    assert.deepEqual(
      make([configMap('settings', '2'), good], { applied })
        .apply.map((o) => o.key)
        .sort(),
      [id(good), id(settings)].sort(),
    );
  });

  it('prunes what left Git, unless told not to, or everything would go', () => {
    const inventory = [id(settings), id(other)];
    assert.deepEqual(make([settings], { inventory }).prune, [id(other)]);
    assert.deepEqual(make([settings], { inventory, prune: false }).prune, []);
    assert.equal(make([], { inventory }).emptyRefused, true);
    assert.deepEqual(make([], { inventory }).prune, []);
    assert.deepEqual(make([], { inventory, allowEmpty: true }).prune, inventory);
  });

  it('keeps what left Git while the whole sync is held', () => {
    const whole = { hold: holdOn('web', [digest(bad, [settings])], target, 'GitSync'), target };
    const inventory = [id(good), id(settings), id(other)];
    const { prune, kept } = make([settings, bad], { holds: [whole], inventory });
    assert.deepEqual(prune, []);
    assert.deepEqual(
      kept.map(({ key, reason }) => [key, reason]),
      [[id(other), 'ReleaseHeld']],
    );
    assert.deepEqual(make([settings, bad], { holds, inventory }).prune, [id(other)]);
  });

  describe('of a render that lost much', () => {
    const many = (count: number, suffix = ''): KubeObject[] =>
      Array.from({ length: count }, (_, i) => configMap(`tenant-${i}${suffix}`));
    const inventory = many(12).map(id);
    const lost = (left: KubeObject[], rest: Partial<PlanInput> = {}) => make(left, { inventory, ...rest });

    for (const [what, left, rest, pruned] of [
      ['half', many(6), {}, 6],
      ['more than half', many(5), {}, 0],
      ['more than half of a few', many(4), { inventory: many(9).map(id) }, 5],
      ['less than it may', many(1), { maxPrune: 100 }, 11],
      ['one where none may go', many(11), { maxPrune: 0 }, 0],
      ['all, where that is allowed', [], { allowEmpty: true }, 12],
      ['what stays for another reason', many(5), { settled: new Set([id(configMap('tenant-11'))]) }, 7],
    ] as const) {
      it(`deletes ${pruned} when it lost ${what}`, () => {
        const { prune, kept, apply } = lost([...left], rest);
        assert.equal(prune.length, pruned);
        assert.deepEqual(
          kept.map(({ reason }) => reason),
          pruned > 0 ? [] : kept.map(() => 'PruneLimitExceeded'),
        );
        assert.equal(apply.length, left.length);
      });
    }

    it('deletes what a person confirmed, and asks again when something else would go', () => {
      const { confirm } = lost(many(5));
      assert.match(confirm ?? '', /^\w{10}$/);
      assert.equal(lost(many(5), { confirmed: confirm }).prune.length, 7);
      assert.equal(lost(many(4), { confirmed: confirm }).prune.length, 0);
    });

    it('does not count a name with the hash of its content where another one follows', () => {
      const versions = many(8, '-7f2k9m4d6b');
      const rest = many(4);
      const next = many(8, '-h5c8g2tt9k');
      assert.equal(make([...rest, ...next], { inventory: [...versions, ...rest].map(id) }).prune.length, 8);
      assert.equal(make(rest, { inventory: [...versions, ...rest].map(id) }).prune.length, 0);
    });
  });

  it('puts the target in place of a rejected release, with the replicas that Git wants now, and applies the rest', () => {
    const result = make([settings, bad, other], { holds });
    assert.match(JSON.stringify(find(result, bad)), /"replicas":3/);
    assert.match(JSON.stringify(find(result, bad)), /shop:v1/);
    assert.ok(find(result, other));
    assert.equal(result.held.length, 1);
  });

  it('lets a fixed release through, and one of a later commit that leaves the bad part as it is not', () => {
    const fixed = make([settings, deployment('web', 'shop:v3')], { holds });
    assert.equal(fixed.held.length, 0);
    assert.equal(fixed.passed.length, 1);
    assert.equal(make([settings, bad, configMap('later')], { holds }).held.length, 1);
  });

  it('brings back the ConfigMap that the good release needs, when the bad commit renamed it, and does not prune it', () => {
    const renamed = deployment('web', 'shop:v2', 'settings-v2');
    const rendered = [configMap('settings-v2'), renamed];
    const hold = holdOn('web', [digest(renamed, rendered)], target);
    const result = make(rendered, { holds: [{ hold, target }], inventory: [id(settings), id(good)] });
    assert.ok(find(result, settings));
    assert.deepEqual(result.prune, []);
  });

  it('restores the content of a ConfigMap that made the release bad, and says who else uses it', () => {
    const broken = configMap('settings', 'broken');
    const api = deployment('api', 'api:v1');
    const rendered = [broken, good, api];
    const hold = holdOn('web', [digest(good, rendered)], target);
    const result = make(rendered, { holds: [{ hold, target }] });
    assert.deepEqual(find(result, settings)?.data, { value: '1' });
    assert.match(result.held[0]?.notes.join() ?? '', /ConfigMap shop\/settings .* Deployment shop\/api/);
  });

  it('holds a Service whose new version would lose the held pods', () => {
    const relabelled = deployment('web', 'shop:v2', 'settings', { app: 'web', tier: 'new' });
    const rendered = [settings, relabelled, service('web', { tier: 'new' }), service('stays', { app: 'web' })];
    const hold = holdOn('web', [digest(relabelled, rendered)], target);
    const result = make(rendered, { holds: [{ hold, target }], inventory: [id(service('web', {}))] });
    assert.deepEqual(
      result.keep.map((k) => k.key),
      [id(service('web', {}))],
    );
    assert.ok(find(result, service('stays', {})));
    assert.deepEqual(result.prune, []);
  });

  it('brings the Service of the snapshot back that the rejected release changed with its labels, or removed', () => {
    const relabelled = deployment('web', 'shop:v2', 'settings', { app: 'web-v2' });
    const old = service('web', { app: 'web' });
    const recorded = { ...target, selectors: [old] };
    for (const rendered of [
      [settings, relabelled, service('web', { app: 'web-v2' })],
      [settings, relabelled],
    ]) {
      const hold = holdOn('web', [digest(relabelled, rendered)], recorded);
      const result = make(rendered, { holds: [{ hold, target: recorded }], inventory: [id(old)] });
      assert.deepEqual(find(result, old), old);
      assert.deepEqual(result.prune, []);
      assert.match(result.held[0]?.notes.join() ?? '', /^Service shop\/web is held with it/);
    }
  });

  it('leaves a Service at its newest version that still finds the held pods', () => {
    const hold = holdOn('web', [digest(bad, [settings])], target);
    const recorded = { ...target, selectors: [service('web', { app: 'web' })] };
    const newest = { ...service('web', { app: 'web' }), spec: { selector: { app: 'web' }, ports: [{ port: 8080 }] } };
    const result = make([settings, bad, newest], { holds: [{ hold, target: recorded }] });
    assert.deepEqual(find(result, newest), newest);
    assert.deepEqual(result.held[0]?.notes, []);
  });

  it('stops at no Service with selector: null beside a held workload', () => {
    const odd = { ...service('odd', {}), spec: { selector: null } };
    const result = make([settings, bad, odd], { holds });
    assert.ok(find(result, odd));
    assert.equal(result.held.length, 1);
  });

  it('sends the workload again when something else finds its pods, so that its snapshot names it', () => {
    const rendered = [settings, good, service('web', { app: 'web' })];
    const applied = new Map(make(rendered).desired.map((d) => [d.key, d.hash]));
    const sent = (found: KubeObject): string[] => make([settings, good, found], { applied }).apply.map((o) => o.key);
    const ports = { ...service('web', { app: 'web' }), spec: { selector: { app: 'web' }, ports: [{ port: 8080 }] } };
    assert.deepEqual(sent(ports), [id(ports)]);
    assert.deepEqual(sent(service('web', { app: 'other' })).toSorted(), [id(good), id(ports)].toSorted());
  });

  describe('of a workload that has another name in Git', () => {
    const moved = { ...bad, metadata: { namespace: 'shop', name: 'web-v2' } };
    const elsewhere = { ...bad, metadata: { namespace: 'other', name: 'web' } };
    const inventory = [id(good), id(settings)];

    it('keeps a rejected release out under the new name, and the target under the old one', () => {
      const result = make([settings, moved], { holds, inventory });
      assert.equal(find(result, moved), undefined);
      assert.match(JSON.stringify(find(result, good)), /shop:v1/);
      assert.deepEqual(result.prune, []);
      assert.match(result.held[0]?.notes.join() ?? '', /Deployment shop\/web-v2 is the rejected release under another/);
    });

    it('keeps it out in another namespace, with configuration of the same content', () => {
      const there = { ...settings, metadata: { namespace: 'other', name: 'settings' } };
      const result = make([there, elsewhere], { holds, inventory });
      assert.equal(find(result, elsewhere), undefined);
      assert.ok(find(result, there));
      assert.deepEqual(find(result, settings), settings);
      assert.deepEqual(result.prune, []);
    });

    it('leaves one alone that runs the same under a name of its own since before', () => {
      const result = make([settings, moved], { holds, inventory: [...inventory, id(moved)] });
      assert.ok(find(result, moved));
      assert.deepEqual(result.prune, [id(good)]);
    });

    it('lets a fix under a new name pass', () => {
      const fixed = { ...deployment('web', 'shop:v3'), metadata: { namespace: 'shop', name: 'web-v2' } };
      const result = make([settings, fixed], { holds, inventory });
      assert.ok(find(result, fixed));
      assert.deepEqual(result.departures, new Map([[id(good), [id(fixed)]]]));
    });

    it('names what came with the commit, and what came with those since, as what may take its place', () => {
      const candidates = (input: Partial<PlanInput>) => make([settings, moved], input).departures.get(id(good));
      assert.deepEqual(candidates({ inventory }), [id(moved)]);
      assert.equal(candidates({ inventory: [...inventory, id(moved)] }), undefined);
      const departures = new Map([[id(good), [id(elsewhere)]]]);
      assert.deepEqual(candidates({ inventory, departures }), [id(elsewhere), id(moved)]);
    });
  });

  it('keeps everything else as it is under scope Sync', () => {
    const hold = holdOn('web', [digest(bad, [settings])], target, 'GitSync');
    const result = make([settings, bad, other], { holds: [{ hold, target }] });
    assert.deepEqual(result.desired.map((d) => d.key).sort(), [id(good), id(settings)].sort());
    assert.deepEqual(
      result.keep.map((k) => k.key),
      [id(other)],
    );
  });

  it('takes the other workloads back to what they were at the commit of the target, under scope GitSync', () => {
    const worker = (image: string): KubeObject => deployment('worker', image, 'queue');
    const jobs = deployment('jobs', 'jobs:v2', 'other');
    const before = snapshot(worker('worker:v1'), [configMap('queue', 'old')]);
    const hold = holdOn('web', [digest(bad, [settings])], target, 'GitSync');
    const companions = new Map([
      ['shop/h', new Map([[id(worker('')), { snapshotRef: { name: 'worker-1' }, snapshot: before }]])],
    ]);
    const rendered = [settings, bad, worker('worker:v2'), configMap('queue', 'new'), jobs];
    const result = make(rendered, { holds: [{ hold, target }], companions });
    assert.match(JSON.stringify(find(result, worker(''))), /worker:v1/);
    assert.equal(find(result, worker(''))?.metadata.annotations?.['metricops.dev/snapshot'], 'worker-1');
    assert.deepEqual(find(result, configMap('queue'))?.data, { value: 'old' });
    assert.equal(find(result, jobs), undefined);
    assert.deepEqual(
      result.keep.map((k) => k.key),
      [id(jobs)],
    );
    const words = result.held[0]?.notes.join('; ') ?? '';
    assert.match(words, /Deployment shop\/worker went back to what the commit of that release had/);
    assert.match(words, /Deployment shop\/jobs stays as it is/);
  });

  it('leaves what has a Hold of its own to that one, beside one with scope GitSync', () => {
    const api = deployment('api', 'api:v2');
    const own = snapshot(deployment('api', 'api:v1'), [settings]);
    const rendered = [settings, bad, api];
    const whole = { hold: holdOn('web', [digest(bad, [settings])], target, 'GitSync'), target };
    const single = { hold: holdOn('api', [digest(api, rendered)], own), target: own };
    for (const both of [
      [whole, single],
      [single, whole],
      [whole, { ...single, hold: { ...single.hold, spec: { ...single.hold.spec, scope: 'GitSync' as const } } }],
    ]) {
      const result = make(rendered, { holds: both });
      assert.match(JSON.stringify(find(result, good)), /shop:v1/);
      assert.match(JSON.stringify(find(result, api)), /api:v1/);
    }
  });

  it('leaves what a Hold is still to apply to the queue of the Holds: nothing of its target, and nothing rejected', () => {
    const left = holds.map((entry) => ({ ...entry, left: true }));
    const result = make([settings, bad, other], { holds: left });
    assert.deepEqual(
      result.desired.map((d) => d.key),
      [id(other)],
    );
    assert.deepEqual(result.keep.map((k) => k.key).sort(), [id(bad), id(settings)].sort());
    assert.deepEqual(result.prune, []);
    assert.match(result.held[0]?.notes.join() ?? '', /the rollback is not applied yet/);
  });

  it('leaves a workload alone whose snapshot is gone, and the configuration that it reads, rather than applying what was rejected', () => {
    const [entry] = holds;
    const result = make([settings, bad], { holds: entry ? [{ hold: entry.hold, target: undefined }] : [] });
    assert.equal(find(result, bad), undefined);
    assert.deepEqual(
      result.keep.map((k) => k.key),
      [id(bad), id(settings)],
    );
  });

  it('never asks for a rejected digest, whatever is rendered, held and known', () => {
    const image = fc.constantFrom('shop:v1', 'shop:v2', 'shop:v3');
    const value = fc.constantFrom('1', '2');
    fc.assert(
      fc.property(
        image,
        value,
        fc.uniqueArray(fc.tuple(image, value), { maxLength: 4 }),
        fc.boolean(),
        (img, val, rejected, sync) => {
          const rendered = [configMap('settings', val), deployment('web', img)];
          const bads = rejected.map(([i, v]) => digest(deployment('web', i), [configMap('settings', v)]));
          const goodIsBad = bads.includes(target.sourceDigest);
          fc.pre(bads.length > 0 && !goodIsBad);
          const result = make(rendered, {
            holds: [{ hold: holdOn('web', bads, target, sync ? 'GitSync' : 'Workload'), target }],
          });
          const wanted = find(result, good);
          assert.ok(wanted);
          const config = result.desired.map((d) => d.object).filter((o) => o.kind === 'ConfigMap');
          assert.ok(!bads.includes(digest(wanted, config)));
        },
      ),
    );
  });
});
