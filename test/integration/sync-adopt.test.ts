import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { eventually } from '../support/poll.ts';
import { configMap, deployment, type StartedSync, useSync, yaml } from '../support/sync.ts';
import { kubectlBeside, runWebhook } from '../support/webhook.ts';

interface OtherTool {
  /** As the refusal names it. */
  name: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** kubectl's arguments that write as the tool does. */
  as: string[];
}

const ADOPT = { 'metricops.dev/adopt': 'true' };
const managers = (object: KubeObject | undefined): string[] =>
  ((object?.metadata.managedFields ?? []) as { manager: string }[]).map(({ manager }) => manager);
const dataOf = (object: KubeObject | undefined): unknown => object?.data;

describe('an object that another tool applies', () => {
  const { plane, bench, start } = useSync();

  /** What the tool has applied: the ConfigMap `checkout`, with a setting that Git does not have. */
  const appliedBy = async ({ as, labels, annotations }: OtherTool): Promise<{ ns: string; before: KubeObject }> => {
    const ns = await plane().namespace('adopt');
    const object = configMap('checkout', { mode: 'slow', legacy: 'yes' });
    Object.assign(object.metadata, { labels: labels ?? {}, annotations: annotations ?? {} });
    plane().kubectl([...as, '--namespace', ns, '-f', '-'], yaml(object));
    const before = await plane().client.get(resources.configMaps, { namespace: ns, name: 'checkout' });
    assert.ok(before);
    return { ns, before };
  };
  const inGit = (data: Record<string, string>, annotations?: object): string =>
    yaml(configMap('checkout', data, annotations), configMap('payment'));

  /** Refused, told to adopt, taken over with all that the tool had written, and pruned from then on. */
  const isAdopted = async (tool: OtherTool, tell: (started: StartedSync) => void | Promise<void>): Promise<void> => {
    const { ns, before } = await appliedBy(tool);
    const started = await start({ 'a.yaml': inGit({ mode: 'fast', region: 'eu' }) }, {}, { namespace: ns });
    const { get, push, ready } = started;
    const words = `AdoptionRequired ConfigMap ${ns}/checkout is applied by ${tool.name}: stop that, .*adopt=true, or set spec.adopt`;
    await ready('False', new RegExp(words));
    assert.equal(
      (await get(resources.configMaps, 'checkout'))?.metadata.resourceVersion,
      before.metadata.resourceVersion,
    );
    assert.ok(await get(resources.configMaps, 'payment'), 'its neighbour is applied');

    await tell(started);
    await ready();
    const adopted = await get(resources.configMaps, 'checkout');
    assert.deepEqual(dataOf(adopted), { mode: 'fast', region: 'eu' });
    assert.equal(adopted?.metadata.uid, before.metadata.uid, 'the same object');
    assert.deepEqual(managers(adopted), [`metricops/${ns}/app`]);
    const { labels = {}, annotations = {} } = adopted?.metadata ?? {};
    for (const trace of Object.keys({ ...tool.labels, ...tool.annotations }))
      assert.ok(!(trace in { ...labels, ...annotations }), trace);
    assert.ok(!('kubectl.kubernetes.io/last-applied-configuration' in annotations));

    const sha = push({ 'a.yaml': inGit({ mode: 'fast' }) });
    await ready('True', new RegExp(sha));
    assert.deepEqual(dataOf(await get(resources.configMaps, 'checkout')), { mode: 'fast' });
  };
  const byAnnotation = ({ push }: StartedSync): void =>
    void push({ 'a.yaml': inGit({ mode: 'fast', region: 'eu' }, ADOPT) });
  const bySpec = ({ edit }: StartedSync): Promise<void> => edit(resources.gitSyncs, 'app', { spec: { adopt: true } });

  it('is adopted from kubectl apply only when told so, and loses what Git does not have', () =>
    isAdopted({ name: 'kubectl apply', as: ['apply'] }, byAnnotation));

  it('is adopted from kubectl apply --server-side only when told so, and loses what Git does not have', () =>
    isAdopted({ name: 'kubectl apply', as: ['apply', '--server-side'] }, bySpec));

  it('is adopted from Helm only with consent, and loses what Git does not have', () =>
    isAdopted(
      {
        name: 'Helm',
        labels: { 'app.kubernetes.io/managed-by': 'Helm' },
        annotations: { 'meta.helm.sh/release-name': 'checkout', 'meta.helm.sh/release-namespace': 'shop' },
        as: ['create', '--field-manager=helm'],
      },
      bySpec,
    ));

  it('is adopted from Flux only when told so, and loses what Git does not have', () =>
    isAdopted(
      {
        name: 'Flux',
        labels: { 'kustomize.toolkit.fluxcd.io/name': 'shop', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' },
        as: ['apply', '--server-side', '--field-manager=kustomize-controller'],
      },
      byAnnotation,
    ));

  it('is adopted from Argo CD only when told so, and loses what Git does not have', () =>
    isAdopted(
      {
        name: 'Argo CD',
        annotations: { 'argocd.argoproj.io/tracking-id': 'shop:/ConfigMap:shop/checkout' },
        as: ['apply', '--server-side', '--field-manager=argocd-controller'],
      },
      bySpec,
    ));

  it('is adopted from Argo CD too where it tracks by the instance label and applies client-side', () =>
    isAdopted(
      {
        name: 'Argo CD',
        labels: { 'app.kubernetes.io/instance': 'shop' },
        as: ['apply', '--field-manager=argocd-controller'],
      },
      byAnnotation,
    ));

  it('is refused also when it was made a moment after others of its kind were looked at', async () => {
    const { get, ns, push, ready } = await start({ 'a.yaml': yaml(configMap('payment')) });
    await ready();
    const theirs = [configMap('checkout', { mode: 'slow' }), configMap('cart', { size: '9' })];
    plane().kubectl(['apply', '--namespace', ns, '-f', '-'], yaml(...theirs));
    push({ 'a.yaml': yaml(configMap('checkout', { mode: 'fast' }), configMap('cart', { colour: 'red' })) });
    await ready('False', /AdoptionRequired (?=.*checkout)(?=.*cart)/);
    for (const { metadata, data } of theirs) {
      const live = await get(resources.configMaps, metadata.name);
      assert.deepEqual([dataOf(live), live?.metadata.labels], [data, undefined]);
    }
  });

  it('is taken over only as far as it was told: one annotated object, not its neighbour', async () => {
    const { ns } = await appliedBy({ name: 'kubectl apply', as: ['apply'] });
    plane().kubectl(['apply', '--namespace', ns, '-f', '-'], yaml(configMap('payment', { v: 'theirs' })));
    const files = { 'a.yaml': yaml(configMap('checkout', { v: 'git' }, ADOPT), configMap('payment', { v: 'git' })) };
    const { get, ready } = await start(files, {}, { namespace: ns });
    const sync = await ready('False', /AdoptionRequired .*payment/);
    assert.ok(!JSON.stringify(sync.status?.conditions).includes('checkout'));
    assert.deepEqual(dataOf(await get(resources.configMaps, 'checkout')), { v: 'git' });
    assert.deepEqual(dataOf(await get(resources.configMaps, 'payment')), { v: 'theirs' });
  });

  describe('once it is adopted', () => {
    type Spec = { replicas: number; template: { metadata: { annotations?: Record<string, string> }; spec: PodSpec } };
    type PodSpec = { containers: { image: string; env?: { name: string }[] }[]; terminationGracePeriodSeconds: number };
    const autoscalers: ResourceType = {
      group: 'autoscaling',
      version: 'v2',
      kind: 'HorizontalPodAutoscaler',
      plural: 'horizontalpodautoscalers',
      namespaced: true,
    };
    /** A Deployment without the reference to a ConfigMap that nobody makes here. */
    const web = (container: object, annotations: Record<string, string> = {}): KubeObject => {
      const object = deployment('web', 'shop:v1');
      const spec = object.spec as { replicas: number; template: { spec: { containers: object[] } } };
      spec.template.spec.containers = [{ name: 'c', image: 'shop:v1', ...container }];
      return { ...object, metadata: { ...object.metadata, annotations } };
    };

    it('keeps what other controllers, an autoscaler and an admission webhook wrote into it', async () => {
      const ns = await plane().namespace('adopt');
      const client = plane().client;
      const webhook = await runWebhook(plane(), [ns]);
      try {
        const name = { namespace: ns, name: 'web' };
        const theirs = web({ env: [{ name: 'LEGACY', value: '1' }] }, { 'metricops.dev/inject': 'true' });
        theirs.metadata.namespace = ns;
        theirs.metadata.labels = { 'kustomize.toolkit.fluxcd.io/name': 'shop' };
        await client.apply(resources.deployments, theirs, { fieldManager: 'kustomize-controller' });
        await kubectlBeside(plane(), ['label', 'deployment/web', 'cost-center=4711', '--namespace', ns]);
        await client.apply(
          autoscalers,
          {
            apiVersion: 'autoscaling/v2',
            kind: 'HorizontalPodAutoscaler',
            metadata: name,
            spec: { maxReplicas: 9, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
          },
          { fieldManager: 'somebody' },
        );
        await kubectlBeside(plane(), ['scale', 'deployment/web', '--replicas=5', '--namespace', ns]);
        await eventually(async () => (await client.get(resources.deployments, name))?.status, { what: 'a status' });

        const git = web({ env: [{ name: 'MODE', value: 'fast' }] }, { 'metricops.dev/inject': 'true' });
        const { get, ready } = await start({ 'web.yaml': yaml(git) }, { adopt: true }, { namespace: ns });
        await ready();
        const adopted = await get(resources.deployments, 'web');
        const spec = adopted?.spec as Spec;
        assert.deepEqual(spec.template.spec.containers[0]?.env, [{ name: 'MODE', value: 'fast' }]);
        assert.equal(spec.replicas, 5, 'the replicas of the autoscaler');
        assert.equal(spec.template.metadata.annotations?.['metricops.dev/inject'], 'true', 'what the webhook carried');
        const { labels = {}, annotations = {} } = adopted?.metadata ?? {};
        assert.equal(labels['cost-center'], '4711');
        assert.ok(!('kustomize.toolkit.fluxcd.io/name' in labels));
        assert.ok(annotations['deployment.kubernetes.io/revision'], "the controller manager's annotation");
        assert.ok((adopted?.status as { replicas?: number } | undefined)?.replicas);
        const left = managers(adopted);
        assert.ok(left.includes('kube-controller-manager') && !left.includes('kustomize-controller'), left.join());
      } finally {
        await webhook.remove();
      }
    });

    it('is ours after a restart of the reconciler, without being told again', async () => {
      const { ns } = await appliedBy({ name: 'kubectl apply', as: ['apply'] });
      const { edit, get, push, ready } = await start(
        { 'a.yaml': inGit({ v: '1' }) },
        { adopt: true },
        { namespace: ns },
      );
      await ready();
      await bench().restart(() => edit(resources.gitSyncs, 'app', { spec: { adopt: false } }));
      const sha = push({ 'a.yaml': inGit({ v: '2' }) });
      await ready('True', new RegExp(sha));
      assert.deepEqual(dataOf(await get(resources.configMaps, 'checkout')), { v: '2' });
    });
  });
});
