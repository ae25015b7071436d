import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'mocha';
import { API_VERSION } from '../../src/api/annotations.ts';
import { createKubeClient, type KubeClient, loadConnection, resources } from '../../src/kube/index.ts';
import { type Cluster, startCluster } from '../../tools/cluster/index.ts';
import { runCli } from '../support/cli.ts';
import { CHART, type Helm, openHelm } from '../support/helm.ts';
import { eventually } from '../support/poll.ts';

/** On a control plane of its own: it adds and removes what other tests need. One story, in order. */
describe('metricops as a release of Helm', function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let client: KubeClient & { close(): Promise<void> };
  let helm: Helm;

  before(async function () {
    this.timeout(1_200_000);
    cluster = await startCluster({ name: `test-${randomUUID().slice(0, 8)}`, node: false });
    client = createKubeClient(await loadConnection({ kubeconfig: cluster.kubeconfig }));
    helm = await openHelm(cluster.kubeconfig);
  });
  after(async () => {
    await client?.close();
    await cluster?.down();
  });

  const shop = { namespace: 'default', name: 'shop' };
  const checksum = async (): Promise<string | undefined> => {
    const deployment = await client.get(resources.deployments, { namespace: 'metricops-system', name: 'metricops' });
    assert.ok(deployment);
    const { template } = deployment.spec as { template: { metadata: { annotations: Record<string, string> } } };
    return template.metadata.annotations['checksum/settings'];
  };

  it('is installed by one command, with its kinds', async () => {
    const said = helm.run('install', 'metricops', CHART, '-n', 'metricops-system', '--create-namespace');
    assert.match(said, /STATUS: deployed/);
    assert.match(said, /Let Alertmanager send to http:\/\/metricops\.metricops-system\.svc:8080/);
    assert.match(said, /every verdict is Inconclusive until it names your Prometheus/);
    const { out } = await runCli(cluster.kubeconfig, ['check', '-o', 'json']);
    const results = (JSON.parse(out) as { checks: { name: string; result: string }[] }).checks;
    const of = (name: string): string | undefined => results.find((finding) => finding.name === name)?.result;
    assert.deepEqual(['kinds', 'controllerRights', 'requestedBy'].map(of), ['ok', 'ok', 'ok']);
    await client.create(resources.gitSyncs, {
      apiVersion: API_VERSION,
      kind: 'GitSync',
      metadata: shop,
      spec: { source: { git: { url: 'https://git.example.com/shop.git' } } },
    });
  });

  it('leaves at an upgrade what the controller wrote, and replaces its pods for another setting', async () => {
    const before = await checksum();
    const webhook = { name: 'metricops' };
    const caBundle = Buffer.from('a certificate').toString('base64');
    const patch = [{ op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: caBundle }];
    await client.patch(resources.mutatingWebhooks, webhook, { type: 'json', body: patch });
    helm.run('upgrade', 'metricops', CHART, '-n', 'metricops-system', '--set', 'settings.logLevel=debug');
    const { webhooks } = (await client.get(resources.mutatingWebhooks, webhook)) as unknown as {
      webhooks: { clientConfig: { caBundle?: string } }[];
    };
    assert.equal(webhooks[0]?.clientConfig.caBundle, caBundle);
    assert.notEqual(await checksum(), before);
  });

  it('leaves the kinds and their objects where it is uninstalled, and finds them when it is installed again', async () => {
    assert.match(helm.run('uninstall', 'metricops', '-n', 'metricops-system'), /uninstalled/);
    assert.ok(await client.get(resources.gitSyncs, shop));
    assert.equal(
      await client.get(resources.deployments, { namespace: 'metricops-system', name: 'metricops' }),
      undefined,
    );
    helm.run('install', 'metricops', CHART, '-n', 'metricops-system');
    assert.ok(await client.get(resources.gitSyncs, shop));
  });

  it('takes over what metricops install installed', async () => {
    helm.run('uninstall', 'metricops', '-n', 'metricops-system');
    const images = ['--image', 'example.com/metricops:1', '--sidecar-image', 'example.com/sidecar:1'];
    const { code, err } = await runCli(cluster.kubeconfig, ['install', '--no-wait', ...images]);
    assert.equal(code, 0, err);
    const flags = ['-n', 'metricops-system', '--take-ownership'];
    assert.match(helm.run('install', 'metricops', CHART, ...flags), /STATUS: deployed/);
  });

  it('is removed as a whole by metricops uninstall --all', async () => {
    const { code, err } = await runCli(cluster.kubeconfig, ['uninstall', '--all', '--yes']);
    assert.equal(code, 0, err);
    await eventually(
      async () => {
        const { items } = await client.list(resources.crds);
        return items.every(({ metadata }) => !metadata.name.endsWith('.metricops.dev'));
      },
      { what: 'the end of the kinds' },
    );
    await eventually(async () => !(await client.get(resources.namespaces, { name: 'metricops-system' })), {
      what: 'the end of the namespace, with the Secrets of Helm',
      timeoutMs: 60_000,
    });
  });
});
