import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type KubeObject, keyOf, keyString } from '../api/meta.ts';
import type { Snapshot } from '../snapshot/index.ts';
import { type Newest, planRollback } from './rollback-plan.ts';

const NAMESPACE = 'shop';
const configMap = (name: string, value: string, annotations?: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: NAMESPACE, name, ...(annotations ? { annotations } : {}) },
  data: { value },
});
const deployment = (name: string, labels: Record<string, string>, port = 'http'): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: NAMESPACE, name },
  spec: {
    template: {
      metadata: { labels },
      spec: {
        containers: [
          { name: 'c', image: 'shop:v1', ports: [{ name: port }], envFrom: [{ configMapRef: { name: 'settings' } }] },
        ],
      },
    },
  },
});
const service = (
  selector: Record<string, string>,
  { port = 80, targetPort = 'http' as string | number, name = 'web', annotations = {} as Record<string, string> } = {},
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: NAMESPACE, name, annotations },
  spec: { selector, ports: [{ port, targetPort }] },
});

const good = deployment('web', { app: 'web' });
const bad = deployment('web', { app: 'web-v2' });
const target: Snapshot = {
  workload: good,
  config: [configMap('settings', '1')],
  selectors: [service({ app: 'web' })],
  fieldManager: 'metricops/shop/app',
  sourceDigest: `v1:${'a'.repeat(64)}`,
};
const chosen = { snapshotRef: { name: 'deployment-web-1' } };
const planned = (objects: KubeObject[], rest: Partial<Newest> = {}) =>
  planRollback(chosen, target, {
    rejected: bad,
    objects: new Map(objects.map((object) => [keyString(keyOf(object)), object])),
    workloads: [],
    ...rest,
  });

describe('which objects a rollback applies', () => {
  it('says of the workload which snapshot it runs, with as many pods as Git asks for', () => {
    const { workload } = planned([], { replicas: 7 });
    assert.equal(workload.metadata.annotations?.['metricops.dev/snapshot'], 'deployment-web-1');
    assert.equal((workload.spec as { replicas: number }).replicas, 7);
    assert.ok(!('replicas' in (planned([]).workload.spec as object)));
  });

  for (const [what, now, back] of [
    ['selects the new pods only', [service({ app: 'web-v2' })], true],
    ['is gone', [], true],
    [
      'leads to a port by a name that the old pods do not have',
      [service({ app: 'web' }, { targetPort: 'grpc' })],
      true,
    ],
    ['still selects the old pods', [service({ app: 'web' })], false],
    ['has another port, and still selects them', [service({ app: 'web' }, { port: 8080, targetPort: 8080 })], false],
    ['is paused', [service({ app: 'web-v2' }, { annotations: { 'metricops.dev/pause': 'true' } })], false],
    ['is left to others', [service({ app: 'web-v2' }, { annotations: { 'metricops.dev/apply': 'Ignore' } })], false],
  ] as const) {
    it(`${back ? 'brings a Service back' : 'leaves a Service at its newest version'} that ${what}`, () => {
      const { selectors, notes } = planned([...now, configMap('settings', '1')]);
      assert.deepEqual(selectors, back ? target.selectors : []);
      assert.equal(notes.length, back ? 1 : 0);
    });
  }

  it('says why a Service comes back', () => {
    const settings = configMap('settings', '1');
    assert.deepEqual(planned([settings, service({ app: 'web-v2' })]).notes, [
      'Service shop/web is held with it: its new version would not select the held pods',
    ]);
    assert.deepEqual(planned([settings]).notes, [
      'Service shop/web is held with it: it was removed, and found the held pods',
    ]);
  });

  it('leaves a Service at its newest version that never led to a port of the old pods', () => {
    const dead = service({ app: 'web' }, { targetPort: 'metrics' });
    const { selectors } = planRollback(
      chosen,
      { ...target, selectors: [dead] },
      { rejected: bad, objects: new Map([[keyString(keyOf(dead)), dead]]), workloads: [] },
    );
    assert.deepEqual(selectors, []);
  });

  it('keeps one out that finds only the new pods, and that the old release did not have', () => {
    const fresh = service({ app: 'web-v2' }, { name: 'web-v2' });
    const { keep, notes } = planned([fresh, service({ app: 'web' }), service({ app: 'api' }, { name: 'api' })]);
    assert.deepEqual(keep, [fresh]);
    assert.match(notes.join(), /Service shop\/web-v2 is held with it: its new version would not select the held pods/);
  });

  describe('with a binding that named the account of the old pods', () => {
    const ours = { kind: 'ServiceAccount', namespace: NAMESPACE, name: 'default' };
    const [api, eve] = ['api', 'eve'].map((name) => ({ ...ours, name }));
    const binding = (subjects: unknown[] | undefined, role = 'reader'): KubeObject => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { namespace: NAMESPACE, name: 'web' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role },
      subjects,
    });
    const back = (...now: KubeObject[]) =>
      planRollback(
        chosen,
        { ...target, selectors: [binding([ours, eve])] },
        { rejected: bad, objects: new Map(now.map((object) => [keyString(keyOf(object)), object])), workloads: [] },
      );
    const subjects = (now: KubeObject[]) => back(...now).selectors.map((object) => object.subjects);

    it('gives the account its role again where it lost it, beside whom the newest version names, and nobody else', () => {
      assert.deepEqual(subjects([binding([api])]), [[api, ours]]);
      assert.deepEqual(subjects([binding(undefined)]), [[ours]]);
      assert.deepEqual(subjects([]), [[ours]]);
      assert.match(
        back(binding([api])).notes.join(),
        /RoleBinding shop\/web is held with it: it names ServiceAccount shop\/default again/,
      );
    });

    it('leaves it at its newest version where that still names the account, or a group that it is in', () => {
      const group = { kind: 'Group', name: 'system:serviceaccounts' };
      for (const now of [[api, ours], [group]]) assert.deepEqual(subjects([binding(now)]), []);
    });

    it('leaves one that has another role now, and says so: a binding can not be given another role', () => {
      const { selectors, notes } = back(binding([api], 'writer'));
      assert.deepEqual(selectors, []);
      assert.deepEqual(notes, [
        'RoleBinding shop/web has another role now, and does not name ServiceAccount shop/default',
      ]);
    });

    it('keeps no binding out that only the new pods have: it takes nothing from the old ones', () => {
      const pods = { template: { metadata: { labels: {} }, spec: { serviceAccountName: 'api' } } };
      const rejected = { ...bad, spec: pods };
      const objects = new Map([[keyString(keyOf(binding([api]))), binding([api])]]);
      const { keep } = planRollback(chosen, { ...target, selectors: [] }, { rejected, objects, workloads: [] });
      assert.deepEqual(keep, []);
    });
  });

  it('names who else reads the configuration that goes back, and only where it differs', () => {
    const other: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace: NAMESPACE, name: 'log' },
    };
    const workloads = [good, deployment('api', { app: 'api' }), other];
    const found = [service({ app: 'web' })];
    const notes = (now: KubeObject[]): string[] => planned([...found, ...now], { workloads }).notes;
    const words = ['ConfigMap shop/settings is held with it, and also used by Deployment shop/api'];
    assert.deepEqual(notes([configMap('settings', '2')]), words);
    assert.deepEqual(notes([]), words);
    assert.deepEqual(notes([configMap('settings', '1', { note: 'as the API server has it' })]), []);
    assert.deepEqual(planned([configMap('settings', '2')], { workloads }).configuration, target.config);
  });

  it('leaves a paused ConfigMap alone', () => {
    const paused = configMap('settings', '2', { 'metricops.dev/pause': 'true' });
    assert.deepEqual(planned([paused]).configuration, []);
  });

  it('brings nothing back but workload and configuration from a snapshot of an earlier version', () => {
    const { selectors: _, ...older } = target;
    const { selectors, configuration } = planRollback(chosen, older, {
      rejected: bad,
      objects: new Map(),
      workloads: [],
    });
    assert.deepEqual(selectors, []);
    assert.equal(configuration.length, 1);
  });
});
