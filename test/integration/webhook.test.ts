import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import type { Container, PodSpec } from '../../webhook/pod.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { kubectlBeside, type RunningWebhook, runWebhook } from '../support/webhook.ts';

const INJECT = 'metricops.dev/inject';
const INJECTION = 'metricops.dev/injection';

const container = {
  name: 'app',
  image: 'registry.example.com/app:1',
  securityContext: {
    allowPrivilegeEscalation: false,
    runAsNonRoot: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  },
};

const podOf = (
  namespace: string,
  name: string,
  annotations: Record<string, string>,
  spec: object = {},
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name, annotations },
  spec: { containers: [container], ...spec },
});

const deploymentOf = (namespace: string, name: string, image = 'registry.example.com/app:1'): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ ...container, image }] } },
  },
});

const recorder = (pod: KubeObject): Container | undefined =>
  (pod.spec as PodSpec).initContainers?.find(({ name }) => name === 'metricops-recorder');

const templateAnnotation = (workload: KubeObject | undefined): string | undefined =>
  (workload?.spec as { template: KubeObject } | undefined)?.template.metadata.annotations?.[INJECT];

describe('the admission webhook', () => {
  const plane = useControlPlane();
  let webhook: RunningWebhook;
  let ns = '';
  let labelled = '';
  let restricted = '';

  before(async () => {
    const { namespace } = plane();
    ns = await namespace('webhook');
    labelled = await namespace('webhook-ns', { [INJECT]: 'enabled' });
    restricted = await namespace('webhook-psa', { 'pod-security.kubernetes.io/enforce': 'restricted' });
    webhook = await runWebhook(plane(), [ns, labelled, restricted]);
  });
  after(() => webhook?.remove());

  const kubectl = (args: string[]): Promise<string> => kubectlBeside(plane(), args);
  const create = (pod: KubeObject): Promise<KubeObject> => plane().client.create(resources.pods, pod);
  const podsOf = async (app: string): Promise<KubeObject[]> =>
    (await plane().client.list(resources.pods, { namespace: ns, labelSelector: `app=${app}` })).items;

  it('makes a native sidecar of the recorder, with a token for nothing but reports', async () => {
    const pod = await create(podOf(ns, 'native', { [INJECT]: 'true' }));
    const sidecar = recorder(pod);
    assert.equal(sidecar?.restartPolicy, 'Always');
    assert.equal(sidecar?.readinessProbe, undefined);
    assert.equal(sidecar?.startupProbe, undefined);
    assert.equal(pod.metadata.annotations?.[INJECTION], 'injected');
    const volume = (pod.spec as { volumes: { name: string; projected?: { sources: object[] } }[] }).volumes.find(
      ({ name }) => name === 'metricops-recorder',
    );
    assert.deepEqual(volume?.projected?.sources, [
      { serviceAccountToken: { audience: 'metricops.dev/record', expirationSeconds: 3600, path: 'token' } },
      { configMap: { name: 'metricops-ca', optional: true, items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    ]);
  });

  it('passes Pod Security restricted', async () => {
    const pod = await create(podOf(restricted, 'restricted', { [INJECT]: 'true' }));
    assert.ok(recorder(pod));
  });

  it('leaves alone who did not ask, and says why to who asked in vain', async () => {
    const silent = await create(podOf(ns, 'silent', {}));
    assert.equal(recorder(silent), undefined);
    assert.equal(silent.metadata.annotations?.[INJECTION], undefined);
    const host = await create(podOf(ns, 'host', { [INJECT]: 'true' }, { hostNetwork: true }));
    assert.equal(recorder(host), undefined);
    assert.equal(host.metadata.annotations?.[INJECTION], 'skipped: HostNetwork');
  });

  it('takes the label of a namespace, unless the pod says otherwise', async () => {
    assert.ok(recorder(await create(podOf(labelled, 'silent', {}))));
    assert.ok(recorder(await create(podOf(labelled, 'asked', { [INJECT]: 'true' }))));
    assert.equal(recorder(await create(podOf(labelled, 'refused', { [INJECT]: 'false' }))), undefined);
  });

  it('reads the annotation in any case', async () => {
    assert.ok(recorder(await create(podOf(ns, 'asked-loudly', { [INJECT]: 'True' }))));
    assert.ok(recorder(await create(podOf(ns, 'enabled', { [INJECT]: 'Enabled' }))));
    assert.equal(recorder(await create(podOf(labelled, 'disabled', { [INJECT]: 'Disabled' }))), undefined);
  });

  it('keeps the QoS class of a pod', async () => {
    const amount = { cpu: '100m', memory: '64Mi' };
    const containers = [{ ...container, resources: { limits: amount } }];
    const guaranteed = await create(podOf(ns, 'guaranteed', { [INJECT]: 'true' }, { containers }));
    assert.ok(recorder(guaranteed));
    assert.equal((guaranteed.status as { qosClass: string }).qosClass, 'Guaranteed');
    const bounded = await create(podOf(ns, 'pod-level', { [INJECT]: 'true' }, { resources: { limits: amount } }));
    assert.ok(recorder(bounded));
    assert.equal((bounded.status as { qosClass: string }).qosClass, 'Guaranteed');
  });

  it('gives the recorder CPU and memory requests, which an autoscaler counts', async () => {
    const pod = await create(podOf(ns, 'requests', { [INJECT]: 'true' }));
    assert.deepEqual(Object.keys(recorder(pod)?.resources?.requests ?? {}).sort(), ['cpu', 'memory']);
  });

  it('stays within the LimitRange and the ResourceQuota of a namespace', async () => {
    const { client, namespace } = plane();
    const bounded = await namespace('webhook-bounds');
    const other = await runWebhook(plane(), [bounded]);
    try {
      const bound = { min: { cpu: '20m', memory: '32Mi' }, max: { memory: '48Mi' } };
      const kinds: [ResourceType, KubeObject][] = [
        [
          resources.limitRanges,
          {
            apiVersion: 'v1',
            kind: 'LimitRange',
            metadata: { namespace: bounded, name: 'b' },
            spec: { limits: [{ type: 'Container', ...bound }] },
          },
        ],
        [
          { group: '', version: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas', namespaced: true },
          {
            apiVersion: 'v1',
            kind: 'ResourceQuota',
            metadata: { namespace: bounded, name: 'q' },
            spec: { hard: { 'limits.cpu': '4', 'requests.cpu': '4' } },
          },
        ],
      ];
      for (const [type, object] of kinds) await client.create(type, object);
      const amount = { requests: { cpu: '50m', memory: '32Mi' }, limits: { cpu: '100m', memory: '48Mi' } };
      const containers = [{ ...container, resources: amount }];
      // Quotas refuse pods until they were counted once; the cache of LimitRanges is as late as a watch.
      const pod = await eventually(() => create(podOf(bounded, 'bounded', { [INJECT]: 'true' }, { containers })));
      assert.ok(recorder(pod));
    } finally {
      await other.remove();
    }
  });

  it('carries kubectl annotate into the template, and the pods of the roll-out have the recorder', async () => {
    const { client } = plane();
    await client.create(resources.deployments, deploymentOf(ns, 'web'));
    await eventually(async () => (await podsOf('web')).length === 1, { what: 'the first pod' });
    await kubectl(['-n', ns, 'annotate', 'deployment', 'web', `${INJECT}=true`]);
    assert.equal(templateAnnotation(await client.get(resources.deployments, { namespace: ns, name: 'web' })), 'true');
    await eventually(async () => (await podsOf('web')).some((pod) => recorder(pod)), { what: 'an injected pod' });
  });

  it('takes the opt-in back out of the template when the annotation goes', async () => {
    const { client } = plane();
    await client.create(resources.deployments, deploymentOf(ns, 'fickle'));
    const read = async (): Promise<string | undefined> =>
      templateAnnotation(await client.get(resources.deployments, { namespace: ns, name: 'fickle' }));
    await kubectl(['-n', ns, 'annotate', 'deployment', 'fickle', `${INJECT}=true`]);
    assert.equal(await read(), 'true');
    await kubectl(['-n', ns, 'annotate', '--overwrite', 'deployment', 'fickle', `${INJECT}=false`]);
    assert.equal(await read(), 'false');
    await kubectl(['-n', ns, 'annotate', 'deployment', 'fickle', `${INJECT}-`]);
    assert.equal(await read(), undefined);
  });

  it('survives a GitOps apply of the manifest that knows nothing of the opt-in', async () => {
    const { client } = plane();
    const apply = (image?: string): Promise<KubeObject> =>
      client.apply(resources.deployments, deploymentOf(ns, 'synced', image), {
        fieldManager: 'metricops/shop/web',
        force: true,
      });
    await apply();
    await kubectl(['-n', ns, 'annotate', 'deployment', 'synced', `${INJECT}=true`]);
    const again = await apply();
    assert.equal(templateAnnotation(again), 'true');
    assert.equal(again.metadata.generation, 2, 'nothing but the opt-in rolled the pods');
    assert.equal(templateAnnotation(await apply('registry.example.com/app:2')), 'true');
  });

  it('follows an opt-in that is in the manifest itself, in and out', async () => {
    const { client } = plane();
    const apply = (annotations?: Record<string, string>): Promise<KubeObject> => {
      const object = deploymentOf(ns, 'declared');
      if (annotations) object.metadata.annotations = annotations;
      return client.apply(resources.deployments, object, { fieldManager: 'metricops/shop/web', force: true });
    };
    assert.equal(templateAnnotation(await apply({ [INJECT]: 'true' })), 'true');
    assert.equal(templateAnnotation(await apply({ [INJECT]: 'true' })), 'true');
    assert.equal(templateAnnotation(await apply()), undefined);
  });

  it('writes the CA bundle into the namespaces of recorded pods', async () => {
    const { client } = plane();
    await create(podOf(ns, 'trusting', { [INJECT]: 'true' }));
    const name = { namespace: ns, name: 'metricops-ca' };
    const bundle = await eventually(async () => (await client.get(resources.configMaps, name))?.data, {
      what: 'the CA',
    });
    const ca = new X509Certificate((bundle as Record<string, string>)['ca.crt'] ?? '');
    assert.ok(new X509Certificate(webhook.certificates.current()?.cert ?? '').verify(ca.publicKey));
  });

  it('puts a caBundle right that somebody changed', async () => {
    const { client } = plane();
    const wanted = Buffer.from(webhook.certificates.current()?.bundle ?? '').toString('base64');
    const { items } = await client.list(resources.mutatingWebhooks);
    const own = items.find((item) => JSON.stringify(item).includes(wanted));
    assert.ok(own);
    const patch = JSON.stringify([{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }]);
    await kubectl(['patch', 'mutatingwebhookconfiguration', own.metadata.name, '--type=json', '-p', patch]);
    await eventually(async () => {
      const live = await client.get(resources.mutatingWebhooks, own.metadata);
      return (
        (live?.webhooks as { clientConfig: { caBundle?: string } }[] | undefined)?.[0]?.clientConfig.caBundle === wanted
      );
    });
  });

  it('writes nothing for a dry run', async () => {
    const { client, namespace } = plane();
    const dry = await namespace('webhook-dry');
    const other = await runWebhook(plane(), [dry]);
    try {
      const pod = await client.create(resources.pods, podOf(dry, 'dry', { [INJECT]: 'true' }), { dryRun: true });
      assert.ok(recorder(pod));
      assert.equal(await client.get(resources.configMaps, { namespace: dry, name: 'metricops-ca' }), undefined);
    } finally {
      await other.remove();
    }
  });

  it('lets pods be made while it is away', async () => {
    const { client, namespace } = plane();
    const away = await namespace('webhook-away');
    const other = await runWebhook(plane(), [away]);
    try {
      await other.stop();
      assert.equal(other.ready(), false);
      const pod = await client.create(resources.pods, podOf(away, 'lonely', { [INJECT]: 'true' }));
      assert.equal(recorder(pod), undefined);
    } finally {
      await other.remove();
    }
  });
});
