import assert from 'node:assert/strict';
import { request } from 'node:https';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import type { PodSpec } from '../../webhook/pod.ts';
import { useControlPlane } from '../support/cluster.ts';
import { eventually } from '../support/poll.ts';
import { type RunningWebhook, runWebhook } from '../support/webhook.ts';

const INJECT = 'metricops.dev/inject';
const INJECTION = 'metricops.dev/injection';
const IMAGE = 'metricops.dev/sidecar:test';

const admission = (kind: string, plural: string): ResourceType => ({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced: false,
});
const policies = admission('ValidatingAdmissionPolicy', 'validatingadmissionpolicies');
const bindings = admission('ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings');

const amount = { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '50m', memory: '64Mi' } };
const deploymentOf = (namespace: string, name: string, replicas = 1): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name }, annotations: { [INJECT]: 'true' } },
      spec: { containers: [{ name: 'app', image: 'registry.example.com/app:1', resources: amount }] },
    },
  },
});
const isInjected = (pod: KubeObject): boolean =>
  (pod.spec as PodSpec).initContainers?.some(({ name }) => name === 'metricops-recorder') === true;
const noteOf = (pod: KubeObject): string => pod.metadata.annotations?.[INJECTION] ?? '';

describe('injection blocks no pod', () => {
  const plane = useControlPlane();
  const names = [
    'pod-range',
    'quota',
    'quota-nearly',
    'policy',
    'refused-anyway',
    'stuck',
    'beside',
    'forged',
    'taken',
  ];
  const ns: Record<string, string> = {};
  let webhook: RunningWebhook;
  const ends: (() => Promise<unknown>)[] = [];

  before(async () => {
    for (const name of names) ns[name] = await plane().namespace(`block-${name}`);
    webhook = await runWebhook(plane(), Object.values(ns) as [string, ...string[]]);
  });
  after(async () => {
    for (const end of ends) await end();
    await webhook?.remove();
  });

  const of = (name: string): string => ns[name] ?? '';
  const podsOf = async (namespace: string): Promise<KubeObject[]> =>
    (await plane().client.list(resources.pods, { namespace })).items.filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined,
    );
  const bound = async (type: ResourceType, namespace: string, spec: object): Promise<void> => {
    const metadata = { namespace, name: 'bound' };
    await plane().client.create(type, { apiVersion: 'v1', kind: type.kind, metadata, spec });
  };
  const deploy = (namespace: string, replicas?: number): Promise<KubeObject> =>
    plane().client.create(resources.deployments, deploymentOf(namespace, 'web', replicas));
  /** The pods, when all are there. */
  const started = (namespace: string, count = 1): Promise<KubeObject[]> =>
    eventually(
      async () => {
        const pods = await podsOf(namespace);
        return pods.length === count ? pods : undefined;
      },
      { what: `${count} pods in ${namespace}`, timeoutMs: 60_000 },
    );
  /** No pod of this namespace may have our image, from now on. */
  const forbid = async (namespace: string, expression: string): Promise<void> => {
    const { client } = plane();
    const name = `no-recorder-${namespace}`;
    const pods = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };
    const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
    await client.create(policies, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: policies.kind,
      metadata: { name },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { namespaceSelector, resourceRules: [pods] },
        validations: [{ expression, message: 'images come from registry.example.com' }],
      },
    });
    await client.create(bindings, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: bindings.kind,
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'] },
    });
    ends.push(
      () => client.delete(bindings, { name }),
      () => client.delete(policies, { name }),
    );
    const probe: KubeObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name: 'probe' },
      spec: { containers: [{ name: 'probe', image: IMAGE }] },
    };
    await eventually(
      () =>
        client.create(resources.pods, probe, { dryRun: true }).then(
          () => false,
          () => true,
        ),
      { what: 'the policy in force', timeoutMs: 60_000 },
    );
  };

  it('of a namespace with a LimitRange of type Pod that the recorder would break', async () => {
    const namespace = of('pod-range');
    await bound(resources.limitRanges, namespace, { limits: [{ type: 'Pod', max: { memory: '80Mi' } }] });
    await deploy(namespace);
    const [pod] = await started(namespace);
    assert.ok(pod && !isInjected(pod));
    assert.match(noteOf(pod), /^skipped: (LimitRangeExceeded: .*80Mi per Pod|BreakerOpen)/);
  });

  it('of a namespace whose quota has room for the application only', async () => {
    const namespace = of('quota');
    await bound(resources.resourceQuotas, namespace, { hard: { 'requests.memory': '70Mi' } });
    await deploy(namespace);
    const [pod] = await started(namespace);
    assert.ok(pod && !isInjected(pod));
    assert.match(noteOf(pod), /^skipped: (QuotaExceeded: ResourceQuota bound|BreakerOpen)/);
  });

  it('of a namespace whose quota has room for some recorders, and for all applications', async () => {
    const namespace = of('quota-nearly');
    await bound(resources.resourceQuotas, namespace, { hard: { 'requests.memory': '340Mi' } });
    await deploy(namespace, 5);
    await started(namespace, 5);
  });

  it('of a namespace whose policy refuses the image: the next try comes without it, and the reason is told', async () => {
    const { client } = plane();
    const namespace = of('policy');
    await forbid(
      namespace,
      `object.spec.containers.all(c, c.image.startsWith('registry.')) && (!has(object.spec.initContainers) || object.spec.initContainers.all(c, c.image.startsWith('registry.')))`,
    );
    await deploy(namespace);
    const [pod] = await started(namespace);
    assert.ok(pod && !isInjected(pod));
    assert.match(noteOf(pod), /^skipped: BreakerOpen: .*images come from registry\.example\.com/);
    const event = await eventually(async () => {
      const { items } = await client.list(resources.events, { namespace });
      return items.find(({ reason }) => reason === 'BreakerOpen');
    });
    assert.match(String(event.note), /injection is stopped here: .*images come from/);
    // The others go on.
    await deploy(of('beside'));
    const [other] = await started(of('beside'));
    assert.ok(other && isInjected(other));
  });

  it('goes on where a policy refuses the pod with and without us', async () => {
    const { client } = plane();
    const namespace = of('refused-anyway');
    await forbid(namespace, `has(object.metadata.labels) && 'allowed' in object.metadata.labels`);
    await deploy(namespace);
    const stopped = async (): Promise<number> => (await webhook.metrics.injectionStopped.get()).values[0]?.value ?? 0;
    const before = await stopped();
    // Refused with us, tried without, refused again: not us.
    const good: KubeObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name: 'good', labels: { allowed: '' }, annotations: { [INJECT]: 'true' } },
      spec: { containers: [{ name: 'app', image: 'registry.example.com/app:1' }] },
    };
    const dry = (): Promise<KubeObject> => client.create(resources.pods, good, { dryRun: true });
    await eventually(async () => noteOf(await dry()).startsWith('skipped: BreakerOpen'), { timeoutMs: 30_000 });
    await eventually(async () => isInjected(await dry()), { what: 'injection to go on', timeoutMs: 60_000 });
    assert.ok((await stopped()) <= before + 1);
  });

  it('of a Deployment whose recorder is not pulled: its pods are made again without, within half a minute', async () => {
    const { client } = plane();
    const namespace = of('stuck');
    await deploy(namespace, 2);
    const pods = await started(namespace, 2);
    assert.ok(pods.every(isInjected));
    const waiting = (reason: string): object => ({ waiting: { reason } });
    // What a kubelet writes; there is none here.
    const fail = async ({ metadata: { name } }: KubeObject): Promise<void> => {
      const shared = { ready: false, restartCount: 0, imageID: '' };
      const recorder = { ...shared, name: 'metricops-recorder', image: IMAGE, state: waiting('ImagePullBackOff') };
      const app = { ...shared, name: 'app', image: 'app:1', state: waiting('PodInitializing') };
      const conditions = [{ type: 'Initialized', status: 'False' }];
      const status = { conditions, initContainerStatuses: [recorder], containerStatuses: [app] };
      await client.patch(
        resources.pods,
        { namespace, name },
        { type: 'merge', body: { status } },
        { subresource: 'status' },
      );
    };
    await Promise.all(pods.map(fail));
    await eventually(async () => (await podsOf(namespace)).filter((pod) => !isInjected(pod)).length === 2, {
      what: 'pods without the recorder',
      timeoutMs: 45_000,
    });
    const remade = await started(namespace, 2);
    for (const pod of remade) assert.match(noteOf(pod), /^skipped: BreakerOpen: ImagePullBackOff/);
  });

  it('and writes nothing on account of reviews that anybody can send', async () => {
    const { client } = plane();
    const namespace = of('forged');
    const pod = { metadata: { annotations: { [INJECT]: 'true' } }, spec: { containers: [{ name: 'app' }] } };
    const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
    for (let i = 0; i < 50; i += 1) {
      const body = { ...review, request: { uid: `u-${i}`, operation: 'CREATE', namespace, object: pod } };
      await send(webhook.port, JSON.stringify(body));
    }
    const trusting = (where: string): Promise<KubeObject | undefined> =>
      client.get(resources.configMaps, { namespace: where, name: 'metricops-ca' });
    await client.create(resources.configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: of('taken'), name: 'metricops-ca' },
      data: { mine: 'a tenant had this name before' },
    });
    for (const name of ['taken', 'beside']) await client.create(resources.pods, podNamed(of(name)));
    await eventually(() => trusting(of('beside')), { what: 'the CA where a pod has the recorder' });
    assert.equal(await trusting(namespace), undefined);
    assert.deepEqual((await trusting(of('taken')))?.data, { mine: 'a tenant had this name before' });
  });
});

const podNamed = (namespace: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name: 'trusting', annotations: { [INJECT]: 'true' } },
  spec: { containers: [{ name: 'app', image: 'registry.example.com/app:1' }] },
});

const send = (port: number, body: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/mutate-pods', method: 'POST', rejectUnauthorized: false };
    const sent = request(options, (response) => {
      response.resume().once('end', resolve);
    });
    sent.once('error', reject).end(body);
  });
