import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { SYSTEM_NAMESPACE } from '../../src/api/annotations.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { Hold } from '../../src/api/hold.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { type KubeClient, type ResourceType, resources } from '../../src/kube/index.ts';
import { controllerClient } from '../support/account.ts';
import { runCli } from '../support/cli.ts';
import type { ControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, holdBack, imageOf, useSync, yaml } from '../support/sync.ts';
import { newKind, removeKind } from '../support/widgets.ts';

const roles: ResourceType = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  namespaced: true,
};
const role = (name: string, verbs = ['get']): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name },
  rules: [{ apiGroups: [''], resources: ['configmaps'], verbs }],
});
const rulesOf = (object: KubeObject | undefined): unknown =>
  (object?.rules as { verbs: string[] }[] | undefined)?.[0]?.verbs;
const drifted = (sync: GitSync): string =>
  sync.status?.conditions?.find(({ type }) => type === 'Drifted')?.message ?? '';
const AS_DEPLOYER = { serviceAccountName: 'deployer', interval: '5s' };

/** A namespace with a ServiceAccount `deployer` that may write these, and grant what it has itself. */
const team = async (plane: ControlPlane, rules: object[]): Promise<string> => {
  const ns = await plane.namespace('team');
  const metadata = { name: 'deployer', namespace: ns };
  const own = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules };
  const subjects = [{ kind: 'ServiceAccount', name: 'deployer', namespace: ns }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'deployer' };
  const binding = { apiVersion: own.apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects };
  plane.kubectl(['create', 'serviceaccount', 'deployer', '-n', ns]);
  plane.kubectl(['apply', '-f', '-'], yaml(own, binding));
  return ns;
};
const VERBS = ['get', 'create', 'patch', 'delete'];
const CONFIG = { apiGroups: [''], resources: ['configmaps'], verbs: [...VERBS, 'list', 'watch'] };
const ROLES = { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], verbs: VERBS };

const asAccount =
  (account: 'metricops' | 'locked-down') =>
  async (plane: ControlPlane): Promise<{ client: KubeClient; close: () => Promise<void> }> => {
    const client = await controllerClient(plane, account);
    return { client, close: () => client.close() };
  };

describe('a controller with the rights that it ships with', () => {
  const { plane, bench, start } = useSync({ client: asAccount('metricops') });
  const roleIn = (namespace: string, name: string): Promise<KubeObject | undefined> =>
    plane().client.get(roles, { namespace, name });

  it('applies what only the ServiceAccount of the GitSync may read, and says that nobody watches it', async () => {
    const namespace = await team(plane(), [CONFIG, ROLES]);
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'readers' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'readers' }],
    };
    const { push, ready } = await start(
      { 'a.yaml': yaml(role('reader'), binding, configMap('settings')) },
      AS_DEPLOYER,
      { namespace },
    );
    const sync = await ready();
    assert.deepEqual(rulesOf(await roleIn(namespace, 'reader')), ['get']);
    assert.equal(
      drifted(sync),
      'as applied; without a watch, read each 5s as deployer: Role.rbac.authorization.k8s.io, RoleBinding.rbac.authorization.k8s.io',
    );
    await ready('True', new RegExp(push({ 'a.yaml': yaml(role('reader', ['get', 'list']), configMap('settings')) })));
    assert.deepEqual(rulesOf(await roleIn(namespace, 'reader')), ['get', 'list']);
    assert.equal(
      plane().kubectl(['get', 'rolebinding', 'readers', '-n', namespace, '--ignore-not-found']),
      '',
      'what left Git is pruned',
    );
  });

  it('corrects their drift, and their deletion, at the interval', async () => {
    const namespace = await team(plane(), [CONFIG, ROLES]);
    const { ready } = await start({ 'a.yaml': yaml(role('reader')) }, AS_DEPLOYER, { namespace });
    await ready();
    await plane().client.patch(
      roles,
      { namespace, name: 'reader' },
      { type: 'merge', body: role('reader', ['delete']) },
    );
    await eventually(async () => String(rulesOf(await roleIn(namespace, 'reader'))) === 'get', {
      what: 'the correction',
    });
    await plane().client.delete(roles, { namespace, name: 'reader' });
    await eventually(() => roleIn(namespace, 'reader'), { what: 'the Role that was deleted' });
  });

  it('prunes them after a restart, by the names in the status, and with the GitSync', async () => {
    const namespace = await team(plane(), [CONFIG, ROLES]);
    const { push, ready } = await start({ 'a.yaml': yaml(role('reader'), role('old')) }, AS_DEPLOYER, { namespace });
    await ready();
    await bench().restart();
    await ready('True', new RegExp(push({ 'a.yaml': yaml(role('reader')) })));
    assert.equal(await roleIn(namespace, 'old'), undefined);
    await plane().client.delete(resources.gitSyncs, { namespace, name: 'app' });
    const isGone = async () => (await plane().client.get(resources.gitSyncs, { namespace, name: 'app' })) === undefined;
    await eventually(isGone, { what: 'the deletion' });
    assert.equal(await roleIn(namespace, 'reader'), undefined);
    assert.ok(await roleIn(namespace, 'deployer'), 'what is not ours stays');
  });

  it('takes none of them from another tool or GitSync unasked', async () => {
    const namespace = await team(plane(), [CONFIG, ROLES]);
    plane().kubectl(['apply', '-n', namespace, '-f', '-'], yaml(role('theirs', ['list'])));
    const { ready } = await start({ 'a.yaml': yaml(role('theirs')) }, AS_DEPLOYER, { namespace });
    await ready('False', /AdoptionRequired Role .*theirs is applied by kubectl apply/);
    assert.deepEqual(rulesOf(await roleIn(namespace, 'theirs')), ['list']);
    const mine = await start({ 'a.yaml': yaml(role('mine')) }, AS_DEPLOYER, {
      namespace: await team(plane(), [CONFIG, ROLES]),
    });
    await mine.ready();
    await bench().sync(mine.ns, 'other', { source: { git: { url: mine.repository.url } }, ...AS_DEPLOYER } as never);
    await bench().ready(mine.ns, 'other', 'False', /OwnedByAnother Role .*mine belongs to GitSync/);
  });

  it('names the rule that is missing, and applies the object once it is there', async () => {
    const namespace = await team(plane(), [CONFIG]);
    const { ready } = await start({ 'a.yaml': yaml(role('reader')) }, AS_DEPLOYER, { namespace });
    const sync = await ready('False', /ObjectRejected Role/);
    const said = sync.status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
    const rule = `add to a Role in ${namespace} of ServiceAccount ${namespace}/deployer: {apiGroups: ["rbac.authorization.k8s.io"], resources: [roles], verbs: [get, create, patch, delete]}`;
    assert.ok(said.endsWith(rule), said);
    const more = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'deployer', namespace },
    };
    plane().kubectl(['apply', '-f', '-'], yaml({ ...more, rules: [CONFIG, ROLES] }));
    await ready();
    assert.ok(await roleIn(namespace, 'reader'));
  });

  it('is told by `metricops check` which kinds it applies and does not watch, with the rule that changes it', async () => {
    const namespace = await team(plane(), [CONFIG, ROLES]);
    const { ready } = await start({ 'a.yaml': yaml(role('reader')) }, AS_DEPLOYER, { namespace });
    await ready();
    const { out } = await runCli(plane().kubeconfig, ['check']);
    assert.match(out, /^WARN +applied and not watched, .*roles\.rbac\.authorization\.k8s\.io \(team-/m);
    assert.match(
      out,
      /\{apiGroups: \["rbac\.authorization\.k8s\.io"\], resources: \[roles\], verbs: \[get, list, watch\]\}/,
    );
  });

  it('says of a kind that it may not list itself how to give it the right', async () => {
    const { ready } = await start({ 'a.yaml': yaml(role('reader')) });
    await ready('False', /ObjectRejected .*aggregate-to-applier=true, or set spec.serviceAccountName: \{apiGroups: /);
  });

  it('reads a kind as the ServiceAccount also where the controller lost its right while it watched', async () => {
    const { type, definition } = newKind();
    plane().kubectl(['apply', '-f', '-'], JSON.stringify(definition));
    const namespace = await team(plane(), [CONFIG]);
    const grants = (account: object, name: string, verbs: string[]): object[] => {
      const apiVersion = 'rbac.authorization.k8s.io/v1';
      const rules = [{ apiGroups: [type.group], resources: ['widgets'], verbs }];
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
      return [
        { apiVersion, kind: 'ClusterRole', metadata: { name }, rules },
        { apiVersion, kind: 'ClusterRoleBinding', metadata: { name }, roleRef, subjects: [account] },
      ];
    };
    const controller = { kind: 'ServiceAccount', name: 'metricops', namespace: SYSTEM_NAMESPACE };
    const ours = grants(controller, `all-${namespace}`, [...VERBS, 'list', 'watch']);
    const tenants = grants({ kind: 'ServiceAccount', name: 'deployer', namespace }, `own-${namespace}`, VERBS);
    const mayList = (): Promise<boolean> =>
      bench()
        .client.list(type)
        .then(Boolean, () => false);
    plane().kubectl(['apply', '-f', '-'], yaml(...ours, ...tenants));
    await eventually(mayList, { what: 'the right' });
    const widget = (name: string) => ({ apiVersion: `${type.group}/v1`, kind: 'Widget', metadata: { name } });
    const own = await start(
      { 'a.yaml': yaml(widget(`platform-${namespace}`)) },
      { interval: '5s', deletionPolicy: 'Orphan' },
    );
    assert.equal(drifted(await own.ready()), 'as applied');
    await bench().restart(); // forgets whose the objects are that nobody of ours applied
    own.push({ 'a.yaml': yaml(widget(`platform-${namespace}`), configMap('settings')) });
    await eventually(() => own.get(resources.configMaps, 'settings'), { what: 'a sync after the restart' });
    plane().kubectl(['delete', '-f', '-'], yaml(...ours));
    await eventually(async () => !(await mayList()), { what: 'the right to be gone' });
    try {
      const { ready } = await start({ 'a.yaml': yaml(widget(`w-${namespace}`)) }, AS_DEPLOYER, { namespace });
      assert.match(drifted(await ready()), new RegExp(`read each 5s as deployer: Widget.${type.group}`));
      await own.ready('False', /cannot list resource "widgets"/);
    } finally {
      plane().kubectl(['apply', '-f', '-'], yaml(...ours));
    }
  });

  describe('and a kind of some operator', () => {
    const { type, definition } = newKind();
    before(async () => {
      plane().kubectl(['apply', '-f', '-'], JSON.stringify(definition));
    });
    after(() => removeKind(plane().client, definition));

    it('waits for its health as the ServiceAccount', async () => {
      const namespace = await team(plane(), [CONFIG]);
      const metadata = { name: `widgets-${namespace}` };
      const apiVersion = 'rbac.authorization.k8s.io/v1';
      const rules = [{ apiGroups: [type.group], resources: ['widgets'], verbs: VERBS }];
      const subjects = [{ kind: 'ServiceAccount', name: 'deployer', namespace }];
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name };
      plane().kubectl(
        ['apply', '-f', '-'],
        yaml(
          { apiVersion, kind: 'ClusterRole', metadata, rules },
          { apiVersion, kind: 'ClusterRoleBinding', metadata, roleRef, subjects },
        ),
      );
      const widget = { apiVersion: `${type.group}/v1`, kind: 'Widget', metadata: { name: `w-${namespace}` } };
      const { push, ready } = await start({ 'a.yaml': yaml(widget) }, { ...AS_DEPLOYER, wait: true }, { namespace });
      const sync = await ready();
      assert.match(drifted(sync), new RegExp(`read each 5s as deployer: Widget.${type.group}`));
      assert.ok(await plane().client.get(type, widget.metadata));
      await ready('True', new RegExp(push({ 'a.yaml': yaml(configMap('settings')) })));
      assert.equal(await plane().client.get(type, widget.metadata), undefined);
    });
  });
});

describe('a controller under lock-down, without the right to apply anything itself', () => {
  const { plane, start } = useSync({ requireServiceAccount: true, client: asAccount('locked-down') });

  it('syncs and rolls back a tenant with the rights of the tenant', async () => {
    const workloads = { apiGroups: ['apps'], resources: ['deployments'], verbs: VERBS };
    const rest = { apiGroups: [''], resources: ['secrets', 'services'], verbs: VERBS };
    const namespace = await team(plane(), [CONFIG, workloads, rest]);
    const shop = (v: string): string => {
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'login' }, stringData: { v } };
      const web = deployment('web', `shop:${v}`);
      const { spec } = (web.spec as { template: { spec: { volumes?: object[] } } }).template;
      spec.volumes = [{ name: 'login', secret: { secretName: 'login' } }];
      const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } };
      return yaml(configMap('settings', { v }), secret, web, service);
    };
    const { get, push, ready } = await start({ 'a.yaml': shop('v1') }, AS_DEPLOYER, { namespace });
    await ready();
    const good = await get(resources.deployments, 'web');
    const sync = await ready('True', new RegExp(push({ 'a.yaml': shop('v2') })));
    assert.match(drifted(sync), /read each 5s as deployer: Service$/);
    await holdBack(plane(), namespace, { good, bad: await get(resources.deployments, 'web') });
    const phase = await eventually(
      async () => ((await get(resources.holds, 'web')) as Hold | undefined)?.status?.phase,
      { what: 'the phase of the Hold' },
    );
    assert.equal(phase, 'Held');
    assert.equal(imageOf(await get(resources.deployments, 'web')), 'shop:v1');
    assert.deepEqual((await get(resources.configMaps, 'settings'))?.data, { v: 'v1' });
    assert.deepEqual((await get(resources.secrets, 'login'))?.data, { v: Buffer.from('v1').toString('base64') });
  });
});
