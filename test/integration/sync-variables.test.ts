import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../src/api/meta.ts';
import { type ResourceType, resources } from '../../src/kube/index.ts';
import { eventually } from '../support/poll.ts';
import { configMap, useSync } from '../support/sync.ts';

const INGRESSES: ResourceType = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  namespaced: true,
};

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {version: "\${VERSION}"}
spec:
  replicas: \${REPLICAS}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: c
          image: registry.example.com/web:\${VERSION}
          env: [{name: PORT, value: "\${PORT:=8080}"}]
          ports:
            - containerPort: \${PORT:=8080}
          command: [sh, -c, "echo $\${HOME}"]
`;

const ingress = (host: string): string => `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules:
    - host: ${host}
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
`;

describe('spec.postBuild', () => {
  const { plane, start } = useSync();

  const put = (type: ResourceType, namespace: string, name: string, content: object): Promise<KubeObject> => {
    const object = { apiVersion: 'v1', kind: type.kind, metadata: { namespace, name }, ...content };
    return plane().client.apply(type, object, { fieldManager: 'test', force: true });
  };

  it('replaces variables by ConfigMaps and defaults, with numbers where the API server wants numbers', async () => {
    const ns = await plane().namespace('sync');
    await put(resources.configMaps, ns, 'cluster', { data: { VERSION: '1.10', REPLICAS: '3' } });
    const sync = await start(
      { 'a.yaml': deployment },
      { postBuild: { substituteFrom: [{ kind: 'ConfigMap', name: 'cluster' }] } },
      { namespace: ns },
    );
    await sync.ready();
    const web = await sync.get(resources.deployments, 'web');
    const spec = web?.spec as { replicas: number; template: { spec: { containers: Record<string, unknown>[] } } };
    assert.deepEqual([web?.metadata.labels?.version, spec.replicas], ['1.10', 3]);
    const [container] = spec.template.spec.containers;
    assert.equal(container?.image, 'registry.example.com/web:1.10');
    assert.deepEqual(container?.env, [{ name: 'PORT', value: '8080' }]);
    assert.deepEqual(container?.ports, [{ containerPort: 8080, protocol: 'TCP' }]);
    assert.deepEqual(container?.command, ['sh', '-c', 'echo ${HOME}']);
    await put(resources.configMaps, ns, 'cluster', { data: { VERSION: '1.11', REPLICAS: '3' } });
    await eventually(async () => (await sync.get(resources.deployments, 'web'))?.metadata.labels?.version === '1.11');
  });

  it('replaces them in what kustomize builds', async () => {
    const sync = await start(
      {
        'kustomization.yaml': 'resources: [a.yaml]\nnamePrefix: my-\n',
        'a.yaml': JSON.stringify(configMap('a', { text: '${TEXT}' })),
      },
      { postBuild: { substitute: { TEXT: 'substituted' } } },
    );
    await sync.ready();
    assert.deepEqual((await sync.get(resources.configMaps, 'my-a'))?.data, { text: 'substituted' });
  });

  it('shows the value of a Secret nowhere but in the object: not in its status, when it drifts, or when it is refused', async () => {
    const ns = await plane().namespace('sync');
    const secret = (host: string) => put(resources.secrets, ns, 'one', { stringData: { HOST: host } });
    await secret('hunter2');
    const sync = await start(
      { 'a.yaml': ingress('${HOST}.example.com') },
      { drift: 'Report', postBuild: { substituteFrom: [{ kind: 'Secret', name: 'one' }] } },
      { namespace: ns },
    );
    await sync.ready();
    const live = await plane().client.get(INGRESSES, { namespace: ns, name: 'web' });
    assert.match(JSON.stringify(live?.spec), /hunter2.example.com/);
    const text = JSON.stringify(live?.spec).replace('hunter2.example.com', 'by-hand.example.com');
    await sync.edit(INGRESSES, 'web', { spec: JSON.parse(text) });
    const status = async (): Promise<string> =>
      JSON.stringify((await plane().client.get(resources.gitSyncs, { namespace: ns, name: 'app' }))?.status);
    await eventually(async () => /"drift":/.test(await status()), { what: 'the drift is reported' });
    assert.doesNotMatch(await status(), /hunter2|by-hand/);
    await secret('hunter2_is_no_host');
    await sync.ready('False', /ObjectRejected .*is not shown/);
    assert.doesNotMatch(await status(), /hunter2/);
    const { items } = await plane().client.list(resources.events, { namespace: ns });
    assert.doesNotMatch(JSON.stringify(items), /hunter2/);
  });
});
