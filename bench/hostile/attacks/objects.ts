import type { GitSyncInput } from '../../../src/api/gitsync.ts';
import type { KubeObject } from '../../../src/api/meta.ts';
import { resources } from '../../../src/kube/index.ts';
import { startGitServer } from '../../../tools/lib/git-server.ts';
import type { Attack } from './index.ts';
import { again, clientOf, createSync } from './tenant.ts';

const yaml = (objects: readonly object[]): string => objects.map((object) => JSON.stringify(object)).join('\n---\n');
const configMap = (name: string, data: Record<string, string>): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});

/** Health expressions that take long on every one of many objects. */
const slowCel: Attack = async (target, say) => {
  const git = await startGitServer();
  const repository = git.repository('cel');
  const templates = (seed: number): object[] =>
    Array.from({ length: 250 }, (_, i) => ({
      apiVersion: 'v1',
      kind: 'PodTemplate',
      metadata: { name: `template-${i}`, annotations: { seed: String(seed), text: `${'a'.repeat(64)}!` } },
      template: { spec: { containers: [{ name: 'c', image: 'c' }] } },
    }));
  repository.commit({ 'all.yaml': yaml(templates(0)) });
  const current = 'metadata.annotations.text.matches("^(a+)+$")';
  const healthCheckExprs = [{ apiVersion: 'v1', kind: 'PodTemplate', current }];
  await createSync(await clientOf(target), target, 'cel', {
    source: { git: { url: repository.url } },
    wait: true,
    healthCheckExprs,
  });
  await again(5_000, async (n) => repository.commit({ 'all.yaml': yaml(templates(n)) }), say);
};

const LAYERS = 40;

/** Two GitSyncs a layer, each of which depends on both of the next: 2^40 ways through. */
const dependencyLadder: Attack = async (target, say) => {
  const client = await clientOf(target);
  const git = await startGitServer();
  const { url } = git.repository('ladder');
  const name = (layer: number, side: number): string => `layer-${layer}-${side}`;
  for (let layer = LAYERS - 1; layer >= 0; layer -= 1) {
    for (const side of [0, 1]) {
      const dependsOn = layer + 1 < LAYERS ? [{ name: name(layer + 1, 0) }, { name: name(layer + 1, 1) }] : [];
      await createSync(client, target, name(layer, side), { source: { git: { url } }, dependsOn });
    }
  }
  const touch = (n: number): Promise<unknown> => {
    const body = { metadata: { annotations: { 'metricops.dev/requested-at': String(n) } } };
    const key = { namespace: target.namespace, name: name(n % LAYERS, n % 2) };
    return client.patch(resources.gitSyncs, key, { type: 'merge', body });
  };
  await again(200, touch, say);
};

/** What a GitSync applied is edited, annotated and given a status, a hundred times a second. */
const driftStorm: Attack = async (target, say) => {
  const client = await clientOf(target);
  const git = await startGitServer();
  const repository = git.repository('drift');
  const names = Array.from({ length: 50 }, (_, i) => `drift-${i}`);
  repository.commit({ 'all.yaml': yaml(names.map((name) => configMap(name, { value: 'git' }))) });
  await createSync(client, target, 'drift', { source: { git: { url: repository.url } } });
  await again(
    10,
    (n) => {
      const key = { namespace: target.namespace, name: names[n % names.length] ?? '' };
      const body = n % 2 ? { data: { value: String(n) } } : { metadata: { annotations: { seen: String(n) } } };
      return client.patch(resources.configMaps, key, { type: 'merge', body }, { fieldManager: 'kubectl-edit' });
    },
    say,
  );
};

/** Specs that the API server takes and that lead nowhere. */
const ODD_SPECS: GitSyncInput[] = [
  { source: { git: { url: 'https://github.com:org/repo.git' } } },
  { source: { git: { url: 'http://[' } } },
  { source: { git: { url: 'https://host:99999/' } } },
  { source: { git: { url: 'http://127.0.0.1:1/closed.git' } }, interval: '1ms' },
  { source: { git: { url: 'http://127.0.0.1:1/closed.git' } }, timeout: '9999h' },
  { source: { git: { url: 'http://127.0.0.1:1/closed.git' } }, path: 'a/'.repeat(500) },
  { source: { git: { url: 'http://localhost.invalid/nowhere.git', secretRef: { name: 'missing' } } } },
  { source: { git: { url: 'http://127.0.0.1:1/closed.git' } }, dependsOn: [{ name: 'odd-0' }] },
];

/** Of kinds that are read wherever they are. */
const ODD_OBJECTS = (i: number, namespace: string): KubeObject[] => [
  { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name: `odd-${i}` }, spec: { ports: [{ port: 1 }] } },
  {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { namespace, name: `odd-${i}`, labels: { 'metricops.dev/sync': 'team-0.ordinary-0-0' } },
    spec: { maxReplicas: 1, scaleTargetRef: { apiVersion: '/', kind: 'x', name: 'x' } },
  },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: `odd-${i}`, labels: { 'metricops.dev/sync': 'team-0.ordinary-0-0' } },
  },
];

/** 500 objects of odd shapes, made and removed over and over. */
const hostileObjects: Attack = async (target, say) => {
  const client = await clientOf(target);
  const { namespace } = target;
  const types = [
    resources.services,
    {
      group: 'autoscaling',
      version: 'v2',
      kind: 'HorizontalPodAutoscaler',
      plural: 'horizontalpodautoscalers',
      namespaced: true,
    },
    resources.configMaps,
  ];
  for (let i = 0; i < 500; i += 1) {
    const spec = ODD_SPECS[i % ODD_SPECS.length];
    if (i % 2 === 0 && spec)
      await createSync(client, target, `odd-${i}`, spec).catch(() => {}); // some are refused
    else
      for (const [j, object] of ODD_OBJECTS(i, namespace).entries()) {
        const type = types[j];
        if (type) await client.create(type, object).catch(() => {});
      }
  }
  await again(
    100,
    async (n) => {
      const key = { namespace, name: `odd-${(n * 2) % 500}` };
      await client.delete(resources.gitSyncs, key);
      const spec = ODD_SPECS[n % ODD_SPECS.length];
      if (spec) await createSync(client, target, key.name, spec);
    },
    say,
  );
};

export const objects: Record<string, Attack> = {
  'slow-cel': slowCel,
  'dependency-ladder': dependencyLadder,
  'drift-storm': driftStorm,
  'hostile-objects': hostileObjects,
};
