import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { planInput } from '../../../test/support/plan.ts';
import type { RollbackHold } from '../../api/hold.ts';
import { type KubeObject, keyOf, keyString } from '../../api/meta.ts';
import type { Snapshot } from '../../snapshot/index.ts';
import { plan } from './plan.ts';
import type { PlanInput } from './types.ts';

const digest = (letter: string): string => `v1:${letter.repeat(64)}`;
const BAD = digest('b');
const object = (kind: string, name: string, rest: object = {}, apiVersion = 'v1'): KubeObject => ({
  apiVersion,
  kind,
  metadata: { namespace: 'shop', name },
  ...rest,
});
const deployment = (name: string, image: string, labels: Record<string, string> = { app: name }): KubeObject =>
  object(
    'Deployment',
    name,
    { spec: { template: { metadata: { labels }, spec: { containers: [{ name: 'c', image }] } } } },
    'apps/v1',
  );
const id = (one: KubeObject): string => keyString(keyOf(one));
const held = (name: string, workload: KubeObject | undefined, scope: 'Workload' | 'GitSync' = 'Workload') => {
  const hold = {
    metadata: { namespace: 'shop', name: `hold-${name}` },
    spec: {
      workloadRef: { kind: 'Deployment', name },
      scope,
      rejectedDigests: [BAD],
      target: { release: 1, sourceDigest: digest('a'), snapshotRef: { name: 's' } },
    },
  } as RollbackHold;
  const target = workload && { workload, config: [], fieldManager: 'metricops/shop/all', sourceDigest: digest('a') };
  return { hold, target: target satisfies Snapshot | undefined };
};
const make = (rendered: KubeObject[], rest: Partial<PlanInput> = {}) =>
  plan(planInput({ rendered, digestsOf: () => ({ sourceDigest: BAD, references: [] }), ...rest }));
const imageOf = (result: ReturnType<typeof plan>, name: string): string | undefined =>
  /"image":"([^"]+)"/.exec(
    JSON.stringify(result.desired.find(({ object: { metadata } }) => metadata.name === name)),
  )?.[1];

describe('a plan under Holds', () => {
  it('goes back with each of two workloads whose Holds keep the whole sync as it is', () => {
    const rendered = [deployment('web', 'web:v2'), deployment('api', 'api:v2'), object('ConfigMap', 'other')];
    const holds = [
      held('web', deployment('web', 'web:v1'), 'GitSync'),
      held('api', deployment('api', 'api:v1'), 'GitSync'),
    ];
    const result = make(rendered, { holds });
    assert.deepEqual([imageOf(result, 'web'), imageOf(result, 'api')], ['web:v1', 'api:v1']);
    assert.deepEqual(
      result.keep.map(({ key }) => key),
      [id(object('ConfigMap', 'other'))],
    );
  });

  it('does not apply the new version of what would find no pod of the target', () => {
    const finder = object('Service', 'web', { spec: { selector: { tier: 'new' } } });
    const rendered = [deployment('web', 'web:v2', { app: 'web', tier: 'new' }), finder];
    const result = make(rendered, { holds: [held('web', deployment('web', 'web:v1'))] });
    assert.deepEqual(
      result.apply.map(({ key }) => key),
      [id(deployment('web', ''))],
    );
  });

  it('sends what another target says, and nothing while the target is the same', () => {
    const rendered = [deployment('web', 'web:v3')];
    const under = (image: string, applied = new Map<string, string>()) =>
      make(rendered, { holds: [held('web', deployment('web', image))], applied });
    const applied = new Map(under('web:v1').desired.map(({ key, hash }) => [key, hash]));
    assert.equal(under('web:v1', applied).apply.length, 0);
    assert.equal(under('web:v2', applied).apply.length, 1);
  });

  it('says on the Hold that the snapshot is not there', () => {
    const result = make([deployment('web', 'web:v2')], { holds: [held('web', undefined)] });
    assert.match(result.held[0]?.notes.join() ?? '', /snapshot to go back to is missing or damaged/);
  });

  it('asks for as many pods as the target does where Git says no number', () => {
    const bare = object('Deployment', 'web', {}, 'apps/v1');
    const result = make([bare], { holds: [held('web', deployment('web', 'web:v1'))] });
    assert.equal(imageOf(result, 'web'), 'web:v1');
  });
});

describe('a plan without Holds', () => {
  it('is no refusal where there is nothing yet, and keeps nothing where it refuses to delete everything', () => {
    assert.equal(make([]).emptyRefused, false);
    const refused = make([], { inventory: ['shop_x__ConfigMap'] });
    assert.deepEqual([refused.emptyRefused, refused.prune, refused.kept], [true, [], []]);
  });

  it('sends a workload again when what finds its pods finds them in another way, but for what is left to others', () => {
    const web = deployment('web', 'web:v1', { app: 'web', tier: 'front' });
    const finder = (selector: object, annotations = {}): KubeObject => {
      const service = object('Service', 'web', { spec: { selector } });
      return { ...service, metadata: { ...service.metadata, annotations } };
    };
    const sent = (before: KubeObject, after: KubeObject): string[] => {
      const applied = new Map(make([web, before]).desired.map(({ key, hash }) => [key, hash]));
      return make([web, after], { applied }).apply.map(({ key }) => key);
    };
    const [app, tier] = [{ app: 'web' }, { tier: 'front' }];
    assert.ok(sent(finder(app), finder(tier)).includes(id(web)));
    const others = { 'metricops.dev/apply': 'Ignore' };
    assert.ok(!sent(finder(app, others), finder(tier, others)).includes(id(web)));
  });
});
