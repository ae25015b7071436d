import { API_VERSION } from '../../src/api/annotations.ts';
import type { GitSync, GitSyncSpec } from '../../src/api/gitsync.ts';
import { PRUNE_FINALIZER } from '../../src/api/gitsync-names.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { ACCOUNT } from './plane.ts';

/** GitSyncs share namespaces as teams do: so many at most. */
const PER_NAMESPACE = 100;

export const namespaceOf = (i: number): string => `bench-${Math.floor(i / PER_NAMESPACE)}`;
export const namespacesFor = (count: number): string[] =>
  Array.from({ length: Math.ceil(count / PER_NAMESPACE) }, (_, i) => namespaceOf(i * PER_NAMESPACE));
export const nameOf = (i: number): string => `app-${i}`;

/** The public flux-benchmark's: ServiceAccount, Service, Deployment without replicas, Ingress. */
export const fourObjects = (i: number, namespace = namespaceOf(i)): KubeObject[] => {
  const name = nameOf(i);
  const metadata = { name, namespace, labels: { app: name } };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { type: 'ClusterIP', selector: { app: name }, ports: [{ name: 'http', port: 9898, targetPort: 'http' }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            serviceAccountName: name,
            containers: [
              {
                name: 'podinfo',
                image: 'ghcr.io/stefanprodan/podinfo:6.5.0',
                ports: [{ name: 'http', containerPort: 9898 }],
                env: [{ name: 'PODINFO_UI_COLOR', value: '#34577c' }],
                livenessProbe: { httpGet: { path: '/healthz', port: 'http' }, initialDelaySeconds: 5 },
                readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, initialDelaySeconds: 5 },
                resources: { limits: { memory: '512Mi' }, requests: { cpu: '1m', memory: '16Mi' } },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata,
      spec: {
        rules: [
          {
            host: `${name}.example.com`,
            http: {
              paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name, port: { number: 9898 } } } }],
            },
          },
        ],
      },
    },
  ];
};

/** 1 KiB of data. */
export const configMap = (name: string, namespace: string, seed = ''): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data: { seed, content: `${name} `.repeat(1024).slice(0, 1024) },
});

/** As a GitSyncSet makes it: with its finalizer. */
export const gitSync = (i: number, url: string, spec: Partial<GitSyncSpec>): GitSync =>
  ({
    apiVersion: API_VERSION,
    kind: 'GitSync',
    metadata: { namespace: namespaceOf(i), name: nameOf(i), finalizers: [PRUNE_FINALIZER] },
    spec: {
      source: { git: { url } },
      interval: '60m',
      timeout: '5m',
      prune: true,
      wait: true,
      serviceAccountName: ACCOUNT,
      ...spec,
    },
  }) as GitSync;

/** As people write it, not as JSON. */
export const yaml = (objects: readonly KubeObject[]): string => objects.map((object) => toYaml(object)).join('---\n');

const toYaml = (value: unknown, indent = ''): string => {
  if (Array.isArray(value)) {
    return value.map((v) => `${indent}- ${toYaml(v, `${indent}  `).trimStart()}`).join('');
  }
  if (typeof value !== 'object' || value === null) return `${JSON.stringify(value)}\n`;
  return Object.entries(value)
    .map(([k, v]) =>
      typeof v === 'object' && v !== null
        ? `${indent}${k}:\n${toYaml(v, `${indent}  `)}`
        : `${indent}${k}: ${toYaml(v)}`,
    )
    .join('');
};
