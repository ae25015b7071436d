import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { annotations } from '../../../src/api/annotations.ts';
import type { KubeObject } from '../../../src/api/meta.ts';

const EXAMPLE = readFileSync(join(import.meta.dirname, '../../../examples/shop/manifests/checkout.yaml'), 'utf8');

/** How a service of a story is in Git: as the example's checkout, opted in and with two pods, but for what is said here. */
export interface Service {
  kind?: 'Deployment' | 'StatefulSet';
  /** Of its image. v2 fails requests; v1 and v3 do not. */
  tag?: 'v1' | 'v2' | 'v3';
  env?: Record<string, string>;
  annotations?: Record<string, string>;
  /** What its configuration file says. */
  config?: { failRatio: number; latencyMs: number };
  /** Its ConfigMap is applied under a name with the hash of its content. */
  versioned?: boolean;
  /** What it asks for each order: `database`, which is none of the cluster's, or another service of the story. */
  calls?: string;
  /** More fields of its container, and of its spec, as Kubernetes has them. */
  container?: object;
  spec?: object;
}

interface Container {
  env: object[];
  readinessProbe: object;
  livenessProbe: object;
}

interface Workload extends KubeObject {
  spec: { strategy?: object; template: { spec: { containers: [Container] } } };
}

/** A machine on which many pods start answers late: that is none of a story, and kills no container. */
const PATIENCE = { timeoutSeconds: 10, failureThreshold: 6 };

/** Where it takes orders, or answers without any. */
export const pathOf = ({ calls }: Service): string => (calls === undefined ? '/' : '/order');

/** Its objects, as a file in Git. */
export const manifestOf = (name: string, service: Service, databaseUrl: string): string => {
  const [workload, frontend, config] = loadAll(EXAMPLE.replaceAll('checkout', name)) as [
    Workload,
    KubeObject,
    KubeObject,
  ];
  const objects = [workloadOf(name, workload, service, databaseUrl), frontend, configOf(config, service)];
  return objects.map((object) => JSON.stringify(object, undefined, 2)).join('\n---\n');
};

const workloadOf = (
  name: string,
  { metadata, spec, ...workload }: Workload,
  service: Service,
  databaseUrl: string,
): KubeObject => {
  const { kind = 'Deployment', tag = 'v1', calls, env = {}, container } = service;
  const { strategy, template, ...rest } = spec;
  const [example] = template.spec.containers;
  const backend = calls === 'database' ? databaseUrl : `http://${calls}:8080/`;
  const variables = { ...env, ...(calls === undefined ? {} : { BACKEND_URL: backend }) };
  const own = {
    ...example,
    readinessProbe: { ...example.readinessProbe, ...PATIENCE },
    livenessProbe: { ...example.livenessProbe, ...PATIENCE },
    image: `metricops.dev/shop:${tag}`,
    env: [...example.env, ...Object.entries(variables).map(([key, value]) => ({ name: key, value }))],
    ...container,
  };
  const called = calls === undefined || calls === 'database' ? {} : { [annotations.dependsOn]: `deployment/${calls}` };
  return {
    ...workload,
    kind,
    metadata: { ...metadata, annotations: { [annotations.inject]: 'true', ...called, ...service.annotations } },
    spec: {
      ...rest,
      replicas: 2,
      ...(kind === 'StatefulSet' ? { serviceName: name } : { strategy }),
      ...service.spec,
      template: { ...template, spec: { ...template.spec, containers: [own] } },
    },
  };
};

const configOf = ({ metadata, ...map }: KubeObject, { config, versioned }: Service): KubeObject => ({
  ...map,
  metadata: { ...metadata, ...(versioned ? { annotations: { [annotations.versioned]: 'true' } } : {}) },
  ...(config ? { data: { 'config.json': JSON.stringify(config) } } : {}),
});
