import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { dump, loadAll } from 'js-yaml';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { manifestsOf } from '../../src/cli/manifests.ts';
import { resources } from '../../src/kube/index.ts';
import { useControlPlane } from '../support/cluster.ts';

const ROOT = join(import.meta.dirname, '../..');

const SETTING = [{ op: 'replace', path: '/data/METRICOPS_PROMETHEUS_URL', value: 'http://prometheus:9090' }];

const all = (): KubeObject[] => {
  const { first, rest } = manifestsOf(ROOT);
  return [...first, ...rest];
};

const id = (object: KubeObject): string => `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;

describe('the kustomization', () => {
  const plane = useControlPlane();

  it('gives kubectl and `metricops install` the same objects', () => {
    const byKubectl = [join(ROOT, 'deploy/first'), ROOT].flatMap(
      (folder) => loadAll(plane().kubectl(['kustomize', folder])) as KubeObject[],
    );
    const byInstall = all();
    assert.deepEqual(byInstall.map(id).toSorted(), byKubectl.map(id).toSorted());
    const other = new Map(byKubectl.map((object) => [id(object), object]));
    for (const object of byInstall) assert.deepEqual(object, other.get(id(object)));
  });

  it('takes other images and settings from an overlay', () => {
    const folder = mkdtempSync(join(tmpdir(), 'metricops-overlay-'));
    const overlay = {
      resources: [relative(folder, ROOT)],
      images: [{ name: 'metricops.dev/metricops', newName: 'registry.example.com/metricops', newTag: '1.2.0' }],
      patches: [{ target: { kind: 'ConfigMap' }, patch: JSON.stringify(SETTING) }],
    };
    writeFileSync(join(folder, 'kustomization.yaml'), dump(overlay));
    const built = plane().kubectl(['kustomize', folder, '--load-restrictor=LoadRestrictionsNone']);
    rmSync(folder, { recursive: true });
    assert.match(built, /image: registry.example.com\/metricops:1.2.0/);
    assert.match(built, /METRICOPS_PROMETHEUS_URL: http:\/\/prometheus:9090/);
  });

  it('is taken by the API server, every object of it', async () => {
    const { client, discovery, kubectl } = plane();
    // Namespaced objects are judged in a namespace of this test: their own may not be there.
    const namespace = await plane().namespace('deploy', { 'pod-security.kubernetes.io/enforce': 'restricted' });
    for (const object of all()) {
      const type = await discovery.find(object.apiVersion, object.kind);
      assert.ok(type, `${object.kind} is served`);
      const moved = type.namespaced ? { ...object, metadata: { ...object.metadata, namespace } } : object;
      await client.apply(type, moved, { fieldManager: 'test', force: true, dryRun: true });
    }
    assert.ok(kubectl(['version']).includes('Server Version'));
  });

  it('runs the controller within Pod Security "restricted"', async () => {
    const { client } = plane();
    const namespace = await plane().namespace('deploy', { 'pod-security.kubernetes.io/enforce': 'restricted' });
    const deployment = all().find((object) => object.kind === 'Deployment');
    assert.ok(deployment);
    const { template } = deployment.spec as { template: { metadata: KubeObject['metadata']; spec: object } };
    const spec = { ...template.spec, serviceAccountName: 'default' };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name: 'it', namespace }, spec };
    await client.create(resources.pods, pod, { dryRun: true });
  });

  it('lets the network through to the ports that callers use, and to no other', () => {
    interface Policy {
      podSelector: { matchLabels: Record<string, string> };
      policyTypes: string[];
      ingress: { ports: { port: string }[] }[];
    }
    interface Pod {
      containers: { ports: { name: string }[]; livenessProbe: Probe; readinessProbe: Probe; startupProbe: Probe }[];
    }
    interface Probe {
      httpGet: { port: string };
    }
    const objects = all();
    const spec = objects.find(({ kind }) => kind === 'NetworkPolicy')?.spec as Policy | undefined;
    const deployment = objects.find(({ kind }) => kind === 'Deployment')?.spec as
      | { template: { metadata: { labels: Record<string, string> }; spec: Pod } }
      | undefined;
    const service = objects.find(({ kind }) => kind === 'Service')?.spec as
      | { ports: { targetPort: string }[] }
      | undefined;
    assert.ok(spec && deployment && service);
    const { labels } = deployment.template.metadata;
    for (const [name, value] of Object.entries(spec.podSelector.matchLabels)) assert.equal(labels[name], value);
    const open = spec.ingress.flatMap(({ ports }) => ports.map(({ port }) => port)).toSorted();
    assert.deepEqual(open, service.ports.map(({ targetPort }) => targetPort).toSorted());
    const [controller] = deployment.template.spec.containers;
    const names = controller?.ports.map(({ name }) => name) ?? [];
    assert.deepEqual(
      names.filter((name) => !open.includes(name)),
      ['probes'],
    );
    for (const probe of [controller?.livenessProbe, controller?.readinessProbe, controller?.startupProbe])
      assert.equal(probe?.httpGet.port, 'probes');
    assert.deepEqual(spec.policyTypes, ['Ingress']);
  });

  it('gives nobody everything: no wildcard, no escalate, no bind, no impersonation of users or groups', () => {
    interface Rule {
      apiGroups?: string[];
      resources?: string[];
      verbs: string[];
    }
    const roles = all().filter((object) => ['ClusterRole', 'Role'].includes(object.kind));
    for (const role of roles) {
      for (const rule of (role.rules ?? []) as Rule[]) {
        const words = [...(rule.apiGroups ?? []), ...(rule.resources ?? []), ...rule.verbs];
        for (const forbidden of ['*', 'escalate', 'bind', 'users', 'groups', 'clusterroles', 'clusterrolebindings']) {
          assert.ok(!words.includes(forbidden), `${role.metadata.name}: ${forbidden}`);
        }
      }
    }
    const bound = all().filter(({ kind }) => ['ClusterRoleBinding', 'RoleBinding'].includes(kind));
    assert.ok(!bound.some((object) => (object.roleRef as { name: string }).name === 'cluster-admin'));
  });

  it('lets release managers write Holds and only read what they decide on, and nobody else among people write these', () => {
    interface Rule {
      resources?: string[];
      verbs: string[];
    }
    const READ = ['get', 'list', 'watch'];
    const people = all().filter(
      ({ kind, metadata }) =>
        kind === 'ClusterRole' && /^metricops-(view|edit|.*-editor|.*-manager)$/.test(metadata.name),
    );
    const writers = people.flatMap((role) =>
      ((role.rules ?? []) as Rule[]).flatMap(({ resources: names = [], verbs }) =>
        names
          .filter((name) => /^(holds|incidents|releasehistories)(\/|$)/.test(name))
          .flatMap((name) =>
            verbs.filter((verb) => !READ.includes(verb)).map((verb) => [role.metadata.name, verb, name]),
          ),
      ),
    );
    const manager = 'metricops-release-manager';
    // kubectl annotate, edit and apply send patches.
    const expected = ['create', 'update', 'patch', 'delete'].map((verb) => [manager, verb, 'holds']);
    assert.deepEqual(writers, expected);
    const rules = people.find(({ metadata }) => metadata.name === manager)?.rules as Rule[];
    const readable = rules.filter(({ verbs }) => READ.every((verb) => verbs.includes(verb)));
    assert.deepEqual(readable.flatMap(({ resources: names = [] }) => names).toSorted(), [
      'holds',
      'incidents',
      'releasehistories',
    ]);
  });
});
