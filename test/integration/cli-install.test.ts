import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'mocha';
import { API_VERSION } from '../../src/api/annotations.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import {
  createKubeClient,
  type KubeClient,
  loadConnection,
  type ResourceType,
  resources,
} from '../../src/kube/index.ts';
import { type Cluster, startCluster } from '../../tools/cluster/index.ts';
import { type Outcome, runCli } from '../support/cli.ts';
import { eventually } from '../support/poll.ts';

/** On a control plane of its own: it adds and removes what other tests need. One story, in order. */
describe('metricops install, check and uninstall', function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let client: KubeClient & { close(): Promise<void> };
  let untouched: string[];

  before(async function () {
    this.timeout(1_200_000);
    cluster = await startCluster({ name: `test-${randomUUID().slice(0, 8)}`, node: false });
    client = createKubeClient(await loadConnection({ kubeconfig: cluster.kubeconfig }));
    untouched = await everything();
  });
  after(async () => {
    await client?.close();
    await cluster?.down();
  });

  /** Every object of the cluster, but for what comes and goes by itself. */
  const everything = async (): Promise<string[]> => {
    const kubectl = (...args: string[]): Promise<string> =>
      cluster.exec([cluster.kubectl, '--kubeconfig', cluster.kubeconfig, ...args]);
    const kinds = (await kubectl('api-resources', '--verbs=list', '--no-headers', '-o', 'name')).trim().split('\n');
    const lasting = kinds.filter((kind) => !/^(events|leases|endpointslices|componentstatuses)/.test(kind));
    const columns = 'K:.kind,N:.metadata.namespace,O:.metadata.name';
    return (await kubectl('get', lasting.join(), '-A', '--no-headers', '-o', `custom-columns=${columns}`)).split('\n');
  };

  const metricops = (...argv: string[]): Promise<Outcome> => runCli(cluster.kubeconfig, argv);
  const system = (name: string): { namespace: string; name: string } => ({ namespace: 'metricops-system', name });

  it('says on an empty cluster that nothing is installed', async () => {
    const status = await metricops('status', '-A');
    assert.equal(status.code, 1);
    assert.match(status.err, /metricops is not installed in this cluster.\n.*metricops install/);
    const check = await metricops('check');
    assert.equal(check.code, 1);
    assert.match(check.out, /^ok +Kubernetes v1/m);
    assert.match(check.out, /^FAILED +no controller in metricops-system\n +→ metricops install$/m);
  });

  it('shows what it would apply, and applies nothing, with --dry-run', async () => {
    const images = ['--image', 'example.com/metricops:2', '--sidecar-image', 'example.com/sidecar:2'];
    const { out, code } = await metricops('install', '--dry-run', ...images, '-o', 'yaml');
    assert.equal(code, 0);
    assert.match(out, /image: example.com\/metricops:2/);
    assert.equal(await client.get(resources.namespaces, { name: 'metricops-system' }), undefined);
  });

  it('installs no image that nobody can pull: whoever runs a build of their own names both', async () => {
    const neither = await metricops('install');
    assert.equal(neither.code, 1);
    assert.match(neither.err, /No image is named that a cluster can pull: --image and --sidecar-image are missing/);
    assert.match(neither.err, /Push the images to a registry .*, then: metricops install --image /);
    const one = await metricops('install', '--image', 'example.com/metricops:2');
    assert.match(one.err, /--sidecar-image is missing/);
    assert.equal(await client.get(resources.namespaces, { name: 'metricops-system' }), undefined);
  });

  it('installs everything, with progress', async () => {
    const url = 'http://prometheus.example.com:9090';
    const images = ['--image', 'example.com/metricops:2', '--sidecar-image', 'example.com/sidecar:2'];
    const settings = ['--prometheus-url', url, '--replicas', '1'];
    const { code, err, out } = await metricops('install', '--no-wait', ...images, ...settings);
    assert.equal(code, 0, err);
    assert.match(err, /8 kinds served\n.*objects applied/);
    assert.match(out, /Let Alertmanager send to http:\/\/metricops.metricops-system.svc:8080/);
    const config = await client.get(resources.configMaps, system('metricops-config'));
    assert.equal((config?.data as Record<string, string> | undefined)?.METRICOPS_PROMETHEUS_URL, url);
    const deployment = await client.get(resources.deployments, system('metricops'));
    assert.equal((deployment?.spec as { replicas: number } | undefined)?.replicas, 1);
    const check = await metricops('check', '-o', 'json');
    const results = (JSON.parse(check.out) as { checks: { name: string; result: string }[] }).checks;
    const of = (name: string): string | undefined => results.find((finding) => finding.name === name)?.result;
    const installed = ['kinds', 'controllerRights', 'requestedBy', 'tokens', 'prometheus'];
    assert.deepEqual(installed.map(of), ['ok', 'ok', 'ok', 'ok', 'ok']);
    assert.equal(of('controller'), 'failed'); // there is no node to run it on
    assert.equal(check.code, 1);
  });

  it('keeps images, replicas, tokens and settings when it is run again, and restarts the controller for new ones', async () => {
    const before = await client.get(resources.secrets, system('metricops-alertmanager'));
    const data = { METRICOPS_LOG_LEVEL: 'debug' };
    await client.patch(resources.configMaps, system('metricops-config'), { type: 'merge', body: { data } });
    const images = ['--image', 'example.com/metricops:3', '--sidecar-image', 'example.com/sidecar:3'];
    assert.equal((await metricops('install', '--no-wait', ...images)).code, 0);
    const running = async () => {
      const deployment = await client.get(resources.deployments, system('metricops'));
      assert.ok(deployment);
      const { replicas, template } = deployment.spec as {
        replicas: number;
        template: { metadata: { annotations: Record<string, string> }; spec: { containers: { image: string }[] } };
      };
      const { annotations } = template.metadata;
      return { replicas, image: template.spec.containers[0]?.image, checksum: annotations['checksum/settings'] };
    };
    const installed = await running();
    assert.deepEqual([installed.replicas, installed.image], [1, 'example.com/metricops:3']);
    assert.equal((await metricops('install', '--no-wait')).code, 0);
    assert.deepEqual(await running(), installed);
    const { out: dryRun } = await metricops('install', '--dry-run', '-o', 'yaml');
    assert.match(dryRun, /image: example.com\/metricops:3\n/);
    assert.match(dryRun, /METRICOPS_SIDECAR_IMAGE: example.com\/sidecar:3\n/);
    assert.equal((await metricops('install', '--no-wait', '--cluster-label', 'cluster=a')).code, 0);
    assert.notEqual((await running()).checksum, installed.checksum);
    const after = await client.get(resources.secrets, system('metricops-alertmanager'));
    assert.deepEqual(after?.data, before?.data);
    const config = (await client.get(resources.configMaps, system('metricops-config')))?.data as Record<string, string>;
    assert.equal(config.METRICOPS_LOG_LEVEL, 'debug');
    assert.equal(config.METRICOPS_PROMETHEUS_URL, 'http://prometheus.example.com:9090');
  });

  it('says that a Hold can name anybody while the admission policy is gone, off, or not bound', async () => {
    const name = { name: 'metricops-requested-by' };
    const line = async (): Promise<string> =>
      (await metricops('check')).out.match(/^.*(requested-by|who asked).*\n.*/m)?.[0] ?? '';
    assert.match(await line(), /^ok +the API server checks who asked for a Hold/);
    const set = (type: ResourceType, spec: object): Promise<unknown> =>
      client.patch(type, name, { type: 'merge', body: { spec } });
    await set(resources.admissionPolicies, { failurePolicy: 'Ignore' });
    assert.match(
      await line(),
      /^FAILED +.* has failurePolicy Ignore, not Fail: a Hold can say any name.*\n +→ metricops install/,
    );
    await set(resources.admissionPolicyBindings, { validationActions: ['Audit'] });
    assert.match(await line(), /failurePolicy Ignore.*; .* denies nothing: its actions are Audit: a Hold/);
    await client.delete(resources.admissionPolicyBindings, name);
    await client.delete(resources.admissionPolicies, name);
    assert.match(await line(), /^FAILED +no ValidatingAdmissionPolicy .*; no ValidatingAdmissionPolicyBinding /);
    assert.equal((await metricops('install', '--no-wait')).code, 0);
    assert.match(await line(), /^ok/);
  });

  it('says why the controller does not come up', async () => {
    const { code, err } = await metricops('install', '--timeout', '3s');
    assert.equal(code, 1);
    assert.match(err, /The controller is not ready within 3.0s: .*nodes.*\n.*describe pods/);
  });

  it('may do what the controller needs, and nothing beyond', async () => {
    const may = async (verb: string, group: string, resource: string): Promise<boolean> => {
      const user = 'system:serviceaccount:metricops-system:metricops';
      const spec = { user, resourceAttributes: { verb, group, resource } };
      const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
      const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
      return ((await client.raw('POST', path, review)) as { status: { allowed: boolean } }).status.allowed;
    };
    // Aggregation is the controller manager's work: it comes a moment later.
    await eventually(() => may('patch', 'networking.k8s.io', 'ingresses'), { what: 'the aggregated applier role' });
    assert.equal(await may('delete', '', 'namespaces'), true);
    assert.equal(await may('create', 'rbac.authorization.k8s.io', 'clusterrolebindings'), false);
    assert.equal(await may('impersonate', '', 'users'), false);
    assert.equal(await may('patch', '', 'nodes'), false);
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'more', labels: { 'metricops.dev/aggregate-to-applier': 'true' } },
      rules: [{ apiGroups: ['storage.k8s.io'], resources: ['storageclasses'], verbs: ['patch'] }],
    };
    await client.raw('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', role);
    await eventually(() => may('patch', 'storage.k8s.io', 'storageclasses'), { what: 'what an administrator added' });
    await client.raw('DELETE', '/apis/rbac.authorization.k8s.io/v1/clusterroles/more');
  });

  const finalized = (): KubeObject => ({
    apiVersion: API_VERSION,
    kind: 'GitSync',
    metadata: { namespace: 'default', name: 'shop', finalizers: ['metricops.dev/prune'] },
    spec: { source: { git: { url: 'https://git.example.com/shop.git' } } },
  });

  it('uninstalls, and leaves kinds and their objects for a later install', async () => {
    await client.create(resources.gitSyncs, finalized());
    const refused = await metricops('uninstall');
    assert.equal(refused.code, 1);
    assert.match(
      refused.err,
      /metricops will be removed from https?:.*: its kinds and their objects stay\n.*there is no terminal to ask at.\n.*--yes/,
    );
    assert.ok(await client.get(resources.deployments, system('metricops')));
    const { code, err } = await metricops('uninstall', '--yes');
    assert.equal(code, 0, err);
    assert.equal(await client.get(resources.deployments, system('metricops')), undefined);
    assert.ok(await client.get(resources.gitSyncs, { namespace: 'default', name: 'shop' }));
  });

  it('uninstalls all, finalizers or not, and names those of others, which stay', async () => {
    const kept = finalized();
    Object.assign(kept.metadata, { name: 'kept', finalizers: ['metricops.dev/prune', 'backup.example.com/keep'] });
    await client.create(resources.gitSyncs, kept);
    const { code, err } = await metricops('uninstall', '--all', '--yes');
    assert.equal(code, 0, err);
    assert.match(err, /^metricops will be removed from https?:.*: with 2 GitSyncs$/m);
    assert.match(err, /GitSync default\/kept stays until backup.example.com\/keep is removed$/m);
    const left = await client.get(resources.gitSyncs, kept.metadata);
    assert.deepEqual(left?.metadata.finalizers, ['backup.example.com/keep']);
    await client.patch(resources.gitSyncs, kept.metadata, { type: 'merge', body: { metadata: { finalizers: null } } });
    await eventually(async () => !(await client.get(resources.crds, { name: 'gitsyncs.metricops.dev' })), {
      what: 'the end of the kinds',
    });
    const again = await metricops('uninstall', '--all', '--yes');
    assert.equal(again.code, 0, again.err);
  });

  it('leaves nothing', async () => {
    const left = async (): Promise<string[]> => (await everything()).filter((object) => !untouched.includes(object));
    await eventually(async () => (await left()).length === 0, {
      what: 'the end of all that was added',
      everyMs: 500,
    }).catch(async (error) => assert.deepEqual(await left(), [], String(error)));
  });
});
