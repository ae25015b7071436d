import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'mocha';
import { API_VERSION } from '../../src/api/annotations.ts';
import type { GitSync } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { type KubeError, resources } from '../../src/kube/index.ts';
import { hashOf } from '../../src/snapshot/index.ts';
import type { ControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, useSync, yaml } from '../support/sync.ts';

const READ_AND_WRITE = 'get,create,patch';
const ALL = 'get,create,patch,delete';

/** A ServiceAccount `deployer` with these rights in its namespace, and none elsewhere. */
const grant = ({ kubectl }: ControlPlane, ns: string, role: string, verbs: string, kinds: string): void => {
  kubectl(['create', 'role', role, `--verb=${verbs}`, `--resource=${kinds}`, '--namespace', ns]);
  kubectl(['create', 'rolebinding', role, `--role=${role}`, `--serviceaccount=${ns}:deployer`, '--namespace', ns]);
};
const service = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { ports: [{ port: 80 }] },
});
const inNamespace = (object: KubeObject, namespace: string): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace },
});

describe('a tenant', () => {
  const { plane, bench, start } = useSync();
  const accountNamespace = async (): Promise<string> => {
    const ns = await plane().namespace('team');
    plane().kubectl(['create', 'serviceaccount', 'deployer', '--namespace', ns]);
    return ns;
  };
  const AS_DEPLOYER = { serviceAccountName: 'deployer' };

  it('writes with exactly the rights of its ServiceAccount: what it may is applied, what it may not is named', async () => {
    const namespace = await accountNamespace();
    grant(plane(), namespace, 'config', ALL, 'configmaps');
    const files = { 'a.yaml': yaml(configMap('settings'), service('web')) };
    const { get, ready, ns } = await start(files, AS_DEPLOYER, { namespace });
    const account = `system:serviceaccount:${ns}:deployer`;
    const sync = await ready('False', new RegExp(`ObjectRejected Service ${ns}/web: .*forbidden.*"${account}"`));
    assert.equal(sync.status?.conditions?.find((c) => c.type === 'Stalled')?.status, 'True');
    assert.ok(await get(resources.configMaps, 'settings'));
    assert.equal(await get(resources.services, 'web'), undefined);
    grant(plane(), namespace, 'services', ALL, 'services');
    await ready();
    assert.ok(await get(resources.services, 'web'), 'applied as soon as it may');
  });

  it('has the rights of no ServiceAccount with the same name in another namespace', async () => {
    const [mine, theirs] = [await accountNamespace(), await accountNamespace()];
    grant(plane(), theirs, 'config', ALL, 'configmaps');
    const files = { 'a.yaml': yaml(inNamespace(configMap('settings'), theirs)) };
    const { ready } = await start(files, AS_DEPLOYER, { namespace: mine });
    await ready('False', new RegExp(`ObjectRejected ConfigMap ${theirs}/settings: .*forbidden`));
    assert.equal(await plane().client.get(resources.configMaps, { namespace: theirs, name: 'settings' }), undefined);
  });

  it('is to the API server its ServiceAccount in its own groups, and in no other group', async () => {
    const namespace = await accountNamespace();
    grant(plane(), namespace, 'config', ALL, 'configmaps');
    const name = `tell-who-${namespace}`;
    const policy = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
        },
        validations: [
          {
            expression: `object.metadata.name != 'who'`,
            messageExpression: `'who: ' + request.userInfo.username + ' of ' + request.userInfo.groups.join(' ')`,
          },
        ],
      },
    };
    const matchResources = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } };
    const binding = {
      ...policy,
      kind: 'ValidatingAdmissionPolicyBinding',
      spec: { policyName: name, validationActions: ['Deny'], matchResources },
    };
    try {
      plane().kubectl(['apply', '-f', '-'], yaml(policy, binding));
      const ask = ['create', 'configmap', 'who', '--dry-run=server', '--namespace', namespace];
      const isInForce = (): boolean => {
        assert.throws(() => plane().kubectl(ask), /who: /);
        return true;
      };
      await eventually(isInForce, { what: 'the policy' });
      const { ready } = await start({ 'a.yaml': yaml(configMap('who')) }, AS_DEPLOYER, { namespace });
      const sync = await ready('False', /who: /);
      const said = sync.status?.conditions?.find((c) => c.type === 'Ready')?.message ?? '';
      const groups = `system:serviceaccounts system:serviceaccounts:${namespace} system:authenticated`;
      assert.ok(said.endsWith(`who: system:serviceaccount:${namespace}:deployer of ${groups}`), said);
    } finally {
      plane().kubectl(['delete', '--ignore-not-found', '-f', '-'], yaml(policy, binding));
    }
  });

  it('prunes as its ServiceAccount: without the right to delete the object stays, and the status says so', async () => {
    const namespace = await accountNamespace();
    grant(plane(), namespace, 'config', READ_AND_WRITE, 'configmaps');
    const files = { 'a.yaml': yaml(configMap('settings'), configMap('old')) };
    const { get, push, ready } = await start(files, AS_DEPLOYER, { namespace });
    await ready();
    push({ 'a.yaml': yaml(configMap('settings')) });
    const sync = await ready('False', new RegExp(`PruneFailed ConfigMap ${namespace}/old: .*forbidden.*cannot delete`));
    assert.ok(await get(resources.configMaps, 'old'));
    assert.ok(
      sync.status?.inventory?.entries.some(({ id }) => id.includes('_old_')),
      'still tracked',
    );
    grant(plane(), namespace, 'delete', 'delete', 'configmaps');
    await ready();
    assert.equal(await get(resources.configMaps, 'old'), undefined);
  });

  it('is deleted as its ServiceAccount: what it may not delete stays, with the GitSync, which says so', async () => {
    const namespace = await accountNamespace();
    grant(plane(), namespace, 'config', READ_AND_WRITE, 'configmaps');
    const { get, ready } = await start({ 'a.yaml': yaml(configMap('settings')) }, AS_DEPLOYER, { namespace });
    await ready();
    await plane().client.delete(resources.gitSyncs, { namespace, name: 'app' });
    await ready('False', new RegExp(`PruneFailed ConfigMap ${namespace}/settings: .*forbidden.*cannot delete`));
    assert.ok(await get(resources.configMaps, 'settings'));
    grant(plane(), namespace, 'delete', 'delete', 'configmaps');
    await eventually(async () => (await get(resources.gitSyncs, 'app')) === undefined, { what: 'the deletion' });
    assert.equal(await get(resources.configMaps, 'settings'), undefined);
  });

  it('can name nothing of another namespace in a GitSync', async () => {
    const ns = await plane().namespace('team');
    const url = 'https://git.example.com/shop.git';
    const refusal = (spec: object): Promise<string> =>
      plane()
        .client.create<GitSync>(resources.gitSyncs, {
          apiVersion: API_VERSION,
          kind: 'GitSync',
          metadata: { namespace: ns, name: 'app' },
          spec: { source: { git: { url } }, ...spec } as GitSync['spec'],
        })
        .then(
          () => assert.fail(`the API server took ${JSON.stringify(spec)}`),
          (error: KubeError) => error.message,
        );
    for (const [spec, words] of [
      [{ dependsOn: [{ name: 'db', namespace: 'other' }] }, /unknown field "spec.dependsOn\[0\].namespace"/],
      [
        { source: { git: { url, secretRef: { name: 'login', namespace: 'other' } } } },
        /field "spec.source.git.secretRef.namespace"/,
      ],
      [{ serviceAccountNamespace: 'other' }, /unknown field "spec.serviceAccountNamespace"/],
      [{ serviceAccountName: 'other/deployer' }, /spec.serviceAccountName.*name.*of this namespace/],
      [{ serviceAccountName: 'other:deployer' }, /spec.serviceAccountName.*name.*of this namespace/],
      [{ serviceAccountName: 'system:serviceaccount:other:deployer' }, /spec.serviceAccountName/],
      [{ serviceAccountName: '' }, /spec.serviceAccountName/],
      [
        { source: { git: { url, secretRef: { name: '../other/login' } } } },
        /spec.source.git.secretRef.name.*name.*of this namespace/,
      ],
      [{ dependsOn: [{ name: 'other/db' }] }, /spec.dependsOn\[0\].name.*name.*of this namespace/],
    ] as const)
      assert.match(await refusal(spec), words);
  });

  it('is stopped by RBAC where a manifest names another namespace, and its own objects are applied', async () => {
    const [mine, victim] = [await accountNamespace(), await plane().namespace('victim')];
    grant(plane(), mine, 'config', ALL, 'configmaps');
    const files = { 'a.yaml': yaml(configMap('settings'), inNamespace(configMap('planted'), victim)) };
    const { get, ready } = await start(files, AS_DEPLOYER, { namespace: mine });
    await ready(
      'False',
      new RegExp(`ObjectRejected ConfigMap ${victim}/planted: .*forbidden.*in the namespace "${victim}"`),
    );
    assert.ok(await get(resources.configMaps, 'settings'));
    assert.equal(await plane().client.get(resources.configMaps, { namespace: victim, name: 'planted' }), undefined);
  });

  it('loses nothing to the owner label of its GitSync on an object of somebody else', async () => {
    const { ns, push, get, ready } = await start({ 'a.yaml': yaml(configMap('settings')) });
    await ready();
    plane().kubectl(['create', 'configmap', 'foreign', '--from-literal=v=theirs', '--namespace', ns]);
    plane().kubectl(['label', 'configmap', 'foreign', `metricops.dev/sync=${ns}.app`, '--namespace', ns]);
    // Not even by somebody who calls himself our manager: only an apply makes an owner.
    await plane().client.patch(
      resources.configMaps,
      { namespace: ns, name: 'foreign' },
      { type: 'merge', body: { data: { w: 'more' } } },
      { fieldManager: `metricops/${ns}/app` },
    );
    await bench().restart();
    const sha = push({ 'a.yaml': yaml(configMap('renamed')) });
    await ready('True', new RegExp(sha));
    assert.equal(await get(resources.configMaps, 'settings'), undefined, 'what it had applied is pruned');
    assert.deepEqual((await get(resources.configMaps, 'foreign'))?.data, { v: 'theirs', w: 'more' });
    await plane().client.delete(resources.gitSyncs, { namespace: ns, name: 'app' });
    await eventually(async () => (await get(resources.gitSyncs, 'app')) === undefined, { what: 'the deletion' });
    assert.ok(await get(resources.configMaps, 'foreign'), 'nor is it deleted with the GitSync');
  });

  it('takes over nothing from another tool by putting the label of its GitSync on it', async () => {
    const ns = await plane().namespace('team');
    plane().kubectl(['apply', '--namespace', ns, '-f', '-'], yaml(configMap('checkout', { v: 'theirs' })));
    plane().kubectl(['label', 'configmap', 'checkout', `metricops.dev/sync=${ns}.app`, '--namespace', ns]);
    const { get, ready } = await start({ 'a.yaml': yaml(configMap('checkout', { v: 'git' })) }, {}, { namespace: ns });
    await ready('False', /AdoptionRequired .*checkout is applied by kubectl apply/);
    assert.deepEqual((await get(resources.configMaps, 'checkout'))?.data, { v: 'theirs' });
  });

  it('does not lose an object to another GitSync whose label somebody puts on it', async () => {
    const victim = await start({ 'a.yaml': yaml(configMap('settings', { v: 'victim' })) });
    await victim.ready();
    const thief = await start({ 'a.yaml': yaml(configMap('bait')) });
    await thief.ready();
    plane().kubectl([
      'label',
      'configmap',
      'settings',
      `metricops.dev/sync=${thief.ns}.app`,
      '--overwrite',
      '--namespace',
      victim.ns,
    ]);
    // Its own GitSync puts the label right, and the other one deletes nothing of it when it goes.
    await eventually(
      async () =>
        (await victim.get(resources.configMaps, 'settings'))?.metadata.labels?.['metricops.dev/sync'] ===
        `${victim.ns}.app`,
      { what: 'the label put right' },
    );
    await plane().client.delete(resources.gitSyncs, { namespace: thief.ns, name: 'app' });
    await eventually(async () => (await thief.get(resources.gitSyncs, 'app')) === undefined, { what: 'the deletion' });
    assert.equal(await thief.get(resources.configMaps, 'bait'), undefined);
    assert.deepEqual((await victim.get(resources.configMaps, 'settings'))?.data, { v: 'victim' });
  });

  it('has nothing applied, here or elsewhere, by a Hold on a snapshot that it wrote itself', async () => {
    const victim = await plane().namespace('victim');
    const { ns, ready } = await start({ 'a.yaml': yaml(configMap('settings'), deployment('web', 'shop:v1')) });
    await ready();
    const { client } = plane();
    const web = await client.get(resources.deployments, { namespace: ns, name: 'web' });
    const { 'metricops.dev/snapshot': snapshot = '', 'metricops.dev/source-digest': digest = '' } =
      web?.metadata.annotations ?? {};
    const real = await client.get(resources.controllerRevisions, { namespace: ns, name: snapshot });
    assert.ok(real);
    const planted = [ns, victim].map((where) => ({ inline: inNamespace(configMap('planted'), where) }));
    const data = { ...(real.data as object), config: planted };
    await client.create(resources.controllerRevisions, {
      ...real,
      metadata: { namespace: ns, name: 'forged', annotations: { 'metricops.dev/seal': hashOf(data) } },
      data,
    });
    await client.create(resources.holds, {
      apiVersion: API_VERSION,
      kind: 'Hold',
      metadata: { namespace: ns, name: 'web' },
      spec: {
        workloadRef: { kind: 'Deployment', name: 'web' },
        action: 'Rollback',
        rejectedDigests: [digest],
        target: { release: 1, sourceDigest: `v1:${'0'.repeat(64)}`, snapshotRef: { name: 'forged' } },
        origin: 'Manual',
      },
    });
    const hold = await eventually(
      async () => {
        const { phase, conditions } = ((await client.get(resources.holds, { namespace: ns, name: 'web' }))?.status ??
          {}) as { phase?: string; conditions?: { message: string }[] };
        return phase === undefined || phase === 'Pending' ? undefined : { phase, said: conditions?.[0]?.message ?? '' };
      },
      { what: 'the phase of the Hold' },
    );
    assert.equal(hold.phase, 'Failed');
    assert.match(hold.said, /forged is not as this installation recorded it/);
    for (const namespace of [ns, victim]) {
      assert.equal(await client.get(resources.configMaps, { namespace, name: 'planted' }), undefined);
    }
  });

  it('finds no value of a rejected Secret in the status, nor in an event', async () => {
    const secret = (name: string, fields: object): object => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      ...fields,
    });
    const files = {
      'a.yaml': yaml(
        secret('plain', { data: { password: 'hunter2-not-base64!' } }),
        secret('typed', {
          type: 'kubernetes.io/dockerconfigjson',
          stringData: { '.dockerconfigjson': '{hunter2-json' },
        }),
        secret('Wrong_Name', { stringData: { password: 'hunter2-name' } }),
      ),
    };
    const { ns, ready } = await start(files);
    const sync = await ready('False', /ObjectRejected/);
    const events = await eventually(
      async () => {
        const { items } = await plane().client.list(resources.events, { namespace: ns });
        const told = items.filter((e) => e.reason === 'ObjectRejected');
        return told.length > 0 && told;
      },
      { what: 'the event' },
    );
    const seen = JSON.stringify([sync.status, events]);
    assert.match(seen, /Secret [^ ]*\/(plain|typed|Wrong_Name)/);
    assert.doesNotMatch(seen, /hunter2/);
    for (const value of ['hunter2-not-base64!', 'hunter2-name'])
      assert.ok(!seen.includes(Buffer.from(value).toString('base64')));
  });
});

describe('a GitSync under lock-down', () => {
  const { plane, start } = useSync({ requireServiceAccount: true });

  it('is refused without a ServiceAccount, and works with one', async () => {
    const { edit, get, ns, ready } = await start({ 'a.yaml': yaml(configMap('settings')) });
    await ready('False', /ServiceAccountRequired .*spec.serviceAccountName/);
    assert.equal(await get(resources.configMaps, 'settings'), undefined);
    plane().kubectl(['create', 'serviceaccount', 'deployer', '--namespace', ns]);
    grant(plane(), ns, 'config', ALL, 'configmaps');
    await edit(resources.gitSyncs, 'app', { spec: { serviceAccountName: 'deployer' } });
    await ready();
    assert.ok(await get(resources.configMaps, 'settings'));
  });
});

describe('a platform policy', () => {
  const { plane, bench, start } = useSync();
  const set = async (spec: object): Promise<void> => {
    await plane().client.apply(
      resources.platformPolicies,
      { apiVersion: API_VERSION, kind: 'PlatformPolicy', metadata: { name: 'default' }, spec },
      { fieldManager: 'operator' },
    );
  };
  const lift = (): Promise<void> => plane().client.delete(resources.platformPolicies, { name: 'default' });
  afterEach(lift);
  after(lift);

  it('gives a GitSync that names no ServiceAccount the default one, whose rights it then has', async () => {
    await set({ requireServiceAccount: true, defaultServiceAccount: 'deployer' });
    const files = { 'a.yaml': yaml(configMap('settings'), service('web')) };
    const ns = await plane().namespace('team');
    plane().kubectl(['create', 'serviceaccount', 'deployer', '--namespace', ns]);
    grant(plane(), ns, 'config', ALL, 'configmaps');
    const { get, ready } = await start(files, {}, { namespace: ns });
    await ready('False', new RegExp(`ObjectRejected .*"system:serviceaccount:${ns}:deployer" cannot`));
    assert.ok(await get(resources.configMaps, 'settings'));
    assert.equal(await get(resources.services, 'web'), undefined);
    const written = (await get(resources.gitSyncs, 'app'))?.spec as { serviceAccountName?: string };
    assert.equal(written.serviceAccountName, undefined, 'the spec stays as people wrote it');
  });

  it('refuses repositories on other hosts, says which are allowed, and lifts at once when it changes', async () => {
    const { get, push, ready } = await start({ 'a.yaml': yaml(configMap('settings', { v: '1' })) });
    await ready();
    await set({ allowedHosts: ['git.example.com'] });
    await ready('False', /HostRefused repositories on 127\.0\.0\.1:\d+ are not allowed; allowed are git\.example\.com/);
    const sha = push({ 'a.yaml': yaml(configMap('settings', { v: '2' })) });
    assert.deepEqual((await get(resources.configMaps, 'settings'))?.data, { v: '1' }, 'what there is stays');
    await set({ allowedHosts: ['git.example.com', '127.0.0.1'] });
    await ready('True', new RegExp(sha));
    assert.deepEqual((await get(resources.configMaps, 'settings'))?.data, { v: '2' });
  });

  it('refuses kinds in words, also those that are there already, and lifts at once when it goes', async () => {
    const { get, ns, push, ready } = await start({ 'a.yaml': yaml(configMap('settings'), service('web')) });
    await ready();
    await set({ deniedKinds: ['Service'] });
    await ready('False', new RegExp(`KindRefused Service ${ns}/web: the platform does not allow Service in ${ns}`));
    const files = {
      'a.yaml': yaml(configMap('settings', { v: '2' }), { ...service('web'), spec: { ports: [{ port: 8080 }] } }),
    };
    const sha = push(files);
    const tried = async (): Promise<boolean> => {
      const { status } = (await get(resources.gitSyncs, 'app')) as GitSync;
      return status?.lastAttemptedRevision?.endsWith(sha) ?? false;
    };
    await eventually(tried, { what: 'the next commit' });
    assert.deepEqual((await get(resources.configMaps, 'settings'))?.data, { v: '2' }, 'its neighbour is applied');
    const portOf = async (): Promise<unknown> =>
      ((await get(resources.services, 'web'))?.spec as { ports: { port: number }[] } | undefined)?.ports[0]?.port;
    assert.equal(await portOf(), 80);
    await lift();
    await ready();
    assert.equal(await portOf(), 8080);
  });

  it('allows the named kinds only, and spares the namespaces of the platform', async () => {
    const exempt = await plane().namespace('platform');
    await set({ allowedKinds: ['ConfigMap', '*.apps'], exemptNamespaces: [exempt] });
    const files = { 'a.yaml': yaml(configMap('settings'), service('web')) };
    const { get, ready } = await start(files);
    await ready('False', /KindRefused Service/);
    assert.ok(await get(resources.configMaps, 'settings'));
    assert.equal(await get(resources.services, 'web'), undefined);
    const platform = await start(files, {}, { namespace: exempt });
    await platform.ready();
    assert.ok(await platform.get(resources.services, 'web'));
  });

  it('restricts GitSyncs to their namespace, before any request about another one is made', async () => {
    await set({ restrictToNamespace: true });
    const victim = await plane().namespace('victim');
    const planted = inNamespace(configMap('planted'), victim);
    const cluster = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `${victim}-more` } };
    const rejected = async (): Promise<number> =>
      (await bench().metrics.applied.get()).values.find((v) => v.labels.result === 'rejected')?.value ?? 0;
    const before = await rejected();
    const { get, ns, ready } = await start({ 'a.yaml': yaml(configMap('settings'), planted, cluster) });
    const refused = [
      `ConfigMap ${victim}/planted is in another namespace; GitSyncs of ${ns} write to ${ns} only`,
      `Namespace ${victim}-more is cluster-wide; GitSyncs of ${ns} write to ${ns} only`,
    ];
    const sync = await ready('False', /NamespaceRefused/);
    const said = sync.status?.conditions?.find((c) => c.type === 'Ready')?.message ?? '';
    for (const words of refused) assert.ok(said.includes(words), said);
    assert.ok(await get(resources.configMaps, 'settings'));
    assert.equal(await plane().client.get(resources.configMaps, { namespace: victim, name: 'planted' }), undefined);
    assert.equal(await plane().client.get(resources.namespaces, { name: `${victim}-more` }), undefined);
    assert.equal(await rejected(), before, 'the API server was not asked');
  });

  it('locks GitSyncs without a ServiceAccount out when it changes, and lets them in again', async () => {
    const { get, push, ready } = await start({ 'a.yaml': yaml(configMap('settings', { v: '1' })) });
    await ready();
    await set({ requireServiceAccount: true });
    await ready('False', /ServiceAccountRequired/);
    const sha = push({ 'a.yaml': yaml(configMap('settings', { v: '2' })) });
    await set({ requireServiceAccount: false });
    await ready('True', new RegExp(sha));
    assert.deepEqual((await get(resources.configMaps, 'settings'))?.data, { v: '2' });
  });

  it('has one name only, and says in plain words what is wrong with it', async () => {
    const refusal = (name: string, spec: object): Promise<string> =>
      plane()
        .client.create(resources.platformPolicies, {
          apiVersion: API_VERSION,
          kind: 'PlatformPolicy',
          metadata: { name },
          spec,
        })
        .then(
          () => assert.fail(`the API server took ${name} ${JSON.stringify(spec)}`),
          (error: KubeError) => error.message,
        );
    assert.match(await refusal('team-a', {}), /the name is default: there is one policy for the cluster/);
    assert.match(await refusal('default', { deniedKinds: ['apps/Deployment'] }), /write KIND.GROUP as kubectl does/);
    assert.match(await refusal('default', { rollback: { maxMode: 'Always' } }), /"Auto", "Approve", "DryRun", "Off"/);
    assert.match(await refusal('default', { rollback: { minCooldown: 'long' } }), /not a duration/);
    assert.match(
      await refusal('default', { restrictedToNamespace: true }),
      /unknown field "spec.restrictedToNamespace"/,
    );
  });
});
