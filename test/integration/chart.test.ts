import assert from 'node:assert/strict';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { manifestsOf } from '../../src/cli/manifests.ts';
import { useControlPlane } from '../support/cluster.ts';
import { CHART, type Helm, KUBERNETES, openHelm } from '../support/helm.ts';

const ROOT = join(import.meta.dirname, '../..');

const id = ({ kind, metadata }: KubeObject): string => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

interface Deployment {
  replicas: number;
  template: {
    metadata: { annotations: Record<string, string> };
    spec: {
      imagePullSecrets?: unknown;
      nodeSelector?: unknown;
      tolerations?: unknown;
      containers: { image: string; imagePullPolicy: string; resources: unknown; env: { name: string }[] }[];
    };
  };
}

/** All that the chart has and deploy/ has not: what helm keeps, and by what pods are replaced when a setting changes. */
const withoutHelm = (object: KubeObject): KubeObject => {
  const { 'helm.sh/resource-policy': policy, ...annotations } = object.metadata.annotations ?? {};
  const { annotations: _, ...metadata } = object.metadata;
  const kept = ['CustomResourceDefinition', 'Namespace'].includes(object.kind);
  assert.equal(policy, kept ? 'keep' : undefined, id(object));
  const copy: KubeObject = structuredClone({
    ...object,
    metadata: Object.keys(annotations).length > 0 ? object.metadata : metadata,
  });
  if (object.kind === 'Deployment') {
    const own = (copy.spec as Deployment).template.metadata.annotations;
    assert.match(own['checksum/settings'] ?? '', /^[0-9a-f]{16}$/);
    delete own['checksum/settings'];
  }
  return copy;
};

describe('the Helm chart', function () {
  this.timeout(120_000);
  const plane = useControlPlane();
  let helm: Helm;
  before(async function () {
    this.timeout(1_200_000); // the first time ever, it builds helm
    helm = await openHelm();
  });

  const set = (...values: string[]): string[] => values.flatMap((value) => ['--set', value]);
  const find = (objects: readonly KubeObject[], kind: string, name = 'metricops'): KubeObject | undefined =>
    objects.find((object) => object.kind === kind && object.metadata.name === name);
  const specOf = (objects: readonly KubeObject[]): Deployment => {
    const spec = find(objects, 'Deployment')?.spec as Deployment | undefined;
    assert.ok(spec);
    return spec;
  };
  const settingsOf = (objects: readonly KubeObject[]): Record<string, string> =>
    (find(objects, 'ConfigMap', 'metricops-config')?.data ?? {}) as Record<string, string>;

  it('renders the objects of kubectl kustomize, one by one', () => {
    const byKubectl = [join(ROOT, 'deploy/first'), ROOT].flatMap(
      (folder) => loadAll(plane().kubectl(['kustomize', folder])) as KubeObject[],
    );
    const byHelm = helm.template(...set('namespace.create=true'));
    assert.deepEqual(byHelm.map(id).toSorted(), byKubectl.map(id).toSorted());
    const other = new Map(byHelm.map((object) => [id(object), object]));
    for (const object of byKubectl) assert.deepEqual(withoutHelm(other.get(id(object)) as KubeObject), object);
  });

  it('leaves only the namespace to whoever installs it', () => {
    const { first, rest } = manifestsOf(ROOT);
    const expected = [...first, ...rest].filter(({ kind }) => kind !== 'Namespace');
    assert.deepEqual(helm.template().map(id).toSorted(), expected.map(id).toSorted());
  });

  it('is without a finding of helm lint', () => {
    assert.match(helm.run('lint', '--strict', ...KUBERNETES, CHART), /0 chart\(s\) failed/);
  });

  it('has the objects of the monitoring component where they are wanted, with the labels that Prometheus selects by', () => {
    const more = helm
      .template(...set('monitoring.enabled=true'))
      .filter(({ apiVersion }) => apiVersion.startsWith('monitoring.coreos.com/'));
    const byId = (a: KubeObject, b: KubeObject): number => (id(a) < id(b) ? -1 : 1);
    assert.deepEqual(more.toSorted(byId), manifestsOf(ROOT).additions.toSorted(byId));
    const labelled = helm.template(...set('monitoring.enabled=true', 'monitoring.labels.release=prometheus'));
    assert.equal(find(labelled, 'ServiceMonitor')?.metadata.labels?.release, 'prometheus');
    assert.equal(find(labelled, 'PrometheusRule')?.metadata.labels?.release, 'prometheus');
  });

  it('takes images by tag or digest, and renders nothing without a name', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const objects = helm.template(
      ...set('image.repository=registry.example.com/metricops', 'image.tag=1.2.0', `image.digest=${digest}`),
      ...set('image.pullPolicy=Always', 'sidecar.image.repository=registry.example.com/sidecar', 'sidecar.image.tag='),
      ...set(`sidecar.image.digest=${digest}`),
    );
    const [container] = specOf(objects).template.spec.containers;
    assert.equal(container?.image, `registry.example.com/metricops:1.2.0@${digest}`);
    assert.equal(container?.imagePullPolicy, 'Always');
    assert.equal(settingsOf(objects).METRICOPS_SIDECAR_IMAGE, `registry.example.com/sidecar@${digest}`);
    assert.match(
      helm.refusal('template', CHART, ...KUBERNETES, '--set', 'sidecar.image.repository='),
      /sidecar.image.repository is empty: push the image to a registry .* --set sidecar.image.repository=REGISTRY\/NAME/,
    );
  });

  it('takes the settings that metricops install has options for, and replaces the pods when one changes', () => {
    const url = 'http://prometheus.monitoring:9090';
    const values = ['settings.prometheusUrl=http://prometheus.monitoring:9090', 'settings.clusterLabel=cluster=a'];
    const objects = helm.template(...set(...values, 'replicas=3', 'settings.logLevel=debug', 'settings.noProxy=git'));
    const { METRICOPS_PROMETHEUS_URL, METRICOPS_CLUSTER_LABEL, METRICOPS_LOG_LEVEL, NO_PROXY } = settingsOf(objects);
    assert.deepEqual(
      [METRICOPS_PROMETHEUS_URL, METRICOPS_CLUSTER_LABEL, METRICOPS_LOG_LEVEL, NO_PROXY],
      [url, 'cluster=a', 'debug', 'git'],
    );
    assert.equal(specOf(objects).replicas, 3);
    const checksum = (each: readonly KubeObject[]) => specOf(each).template.metadata.annotations['checksum/settings'];
    assert.notEqual(checksum(objects), checksum(helm.template()));
    assert.equal(checksum(helm.template('--set', 'replicas=3')), checksum(helm.template()));
  });

  it('places the controller, and gives it memory, environment and secrets for its image', () => {
    const objects = helm.template(
      ...set(
        'resources.limits.memory=2Gi',
        'heapMiB=760',
        'nodeSelector.pool=system',
        'tolerations[0].operator=Exists',
      ),
      ...set('imagePullSecrets[0].name=registry', 'env[0].name=METRICOPS_PROMETHEUS_TOKEN'),
      ...set('env[0].valueFrom.secretKeyRef.name=prometheus', 'env[0].valueFrom.secretKeyRef.key=token'),
    );
    const { containers, ...pod } = specOf(objects).template.spec;
    assert.deepEqual([pod.nodeSelector, pod.tolerations], [{ pool: 'system' }, [{ operator: 'Exists' }]]);
    assert.deepEqual(pod.imagePullSecrets, [{ name: 'registry' }]);
    assert.deepEqual(containers[0]?.resources, {
      limits: { memory: '2Gi' },
      requests: { cpu: '100m', memory: '256Mi' },
    });
    const env = containers[0]?.env ?? [];
    const of = (name: string) => env.filter((each) => each.name === name);
    assert.deepEqual(of('NODE_OPTIONS'), [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=760' }]);
    const valueFrom = { secretKeyRef: { name: 'prometheus', key: 'token' } };
    assert.deepEqual(of('METRICOPS_PROMETHEUS_TOKEN'), [{ name: 'METRICOPS_PROMETHEUS_TOKEN', valueFrom }]);
  });

  it('gives GitSyncs without an account fewer rights, or none, and then wants an account of each', () => {
    const appliers = (objects: readonly KubeObject[]): string[] =>
      objects.map(id).filter((each) => each.includes('metricops-applier'));
    const labelled = helm.template(...set('applier.rights=Labelled'));
    assert.deepEqual(appliers(labelled), ['ClusterRole /metricops-applier', 'ClusterRoleBinding /metricops-applier']);
    assert.equal(settingsOf(labelled).METRICOPS_REQUIRE_SERVICE_ACCOUNT, 'false');
    const none = helm.template(...set('applier.rights=None'));
    assert.deepEqual(appliers(none), []);
    assert.equal(settingsOf(none).METRICOPS_REQUIRE_SERVICE_ACCOUNT, 'true');
  });

  it('leaves the kinds to something else where they are not wanted', () => {
    const objects = helm.template(...set('crds.install=false'));
    assert.deepEqual(
      objects.filter(({ kind }) => kind === 'CustomResourceDefinition'),
      [],
    );
    assert.deepEqual(objects.map(id).toSorted(), manifestsOf(ROOT).rest.map(id).toSorted());
  });

  it('refuses a value that nobody reads, and one of another form', () => {
    const refusal = (value: string): string => helm.refusal('template', CHART, ...KUBERNETES, '--set', value);
    assert.match(refusal('imagee.tag=1'), /imagee/);
    assert.match(refusal('settings.prometheusURL=http://x'), /settings[\s\S]*prometheusURL/);
    assert.match(refusal('applier.rights=All'), /applier\/rights|applier\.rights/);
    assert.match(refusal('image.digest=sha256:1'), /image\/digest|image\.digest/);
    assert.match(refusal('settings.clusterLabel=prod'), /clusterLabel/);
    assert.ok(helm.template(...set('global.imageRegistry=mirror')).length > 0);
  });

  it('is taken by the API server in another namespace, every object of it', async () => {
    const namespace = await plane().namespace('chart', { 'pod-security.kubernetes.io/enforce': 'restricted' });
    const flags = set(
      `namespace.name=${namespace}`,
      'env[0].name=A',
      'env[0].value=b',
      'tolerations[0].operator=Exists',
    );
    const text = helm.run('template', 'metricops', CHART, ...KUBERNETES, ...flags);
    assert.doesNotMatch(text, /metricops-system/);
    const objects = loadAll(text) as (KubeObject | null)[];
    for (const object of objects.filter((each) => each !== null)) {
      const type = await plane().discovery.find(object.apiVersion, object.kind);
      assert.ok(type, `${object.kind} is served`);
      assert.equal(object.metadata.namespace, type.namespaced ? namespace : undefined, id(object));
      await plane().client.apply(type, object, { fieldManager: 'test', force: true, dryRun: true });
    }
  });
});
