import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { API_VERSION, GROUP, labels, SYSTEM_NAMESPACE } from '../../src/api/annotations.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { type KubeClient, type ResourceType, resources } from '../../src/kube/index.ts';
import { DIGEST_KEY_NAME } from '../../src/snapshot/index.ts';

// Installations of released versions, as test/support/record-installation.ts recorded them: test/fixtures/VERSION has
// install.yaml of the release, and objects.yaml with what was in the cluster of somebody who used it.

const FIXTURES = join(import.meta.dirname, '../fixtures');

export const NAMESPACE = 'shop';
/** All times of a recording are about this one. */
export const RECORDED_AT = Date.parse('2026-01-01T12:00:00Z');
/** Where its repositories are; whoever uses it serves them somewhere else. */
export const GIT_URL = 'http://git.example.com';

/** What can be in a recording, in an order in which it can be created. */
export const RECORDED: readonly ResourceType[] = [
  resources.platformPolicies,
  resources.secrets,
  resources.configMaps,
  resources.controllerRevisions,
  resources.deployments,
  resources.releaseHistories,
  resources.rollbackPolicies,
  resources.holds,
  resources.incidents,
  resources.notifications,
  resources.gitSyncs,
  resources.gitSyncSets,
];

/** Those of metricops itself. */
export const OWN = RECORDED.filter(({ group }) => group === GROUP);

/**
 * Files of the repository at the time of a release of the workload web. A recording has their digests, so they stay as
 * they are.
 */
export const shopAt = (image: string, setting = 'blue'): Record<string, string> => ({
  'shop/settings.yaml': JSON.stringify(settings(setting)),
  'shop/web.yaml': JSON.stringify(workload('web', image)),
  'shop/api.yaml': JSON.stringify(workload('api', 'api:v1')),
  'tenants/blue/settings.yaml': JSON.stringify({ ...settings('blue'), metadata: { name: 'blue' } }),
});

const settings = (color: string): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'palette' },
  data: { color },
});

const workload = (name: string, image: string): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, annotations: { 'metricops.dev/inject': 'true' } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image }] } },
  },
});

/** Of the release that burns, and of a workload without a rollback. */
export const alertOf = (deployment: string, rest: object = {}): object => ({
  status: 'firing',
  startsAt: new Date().toISOString(),
  labels: { alertname: 'Burn', namespace: NAMESPACE, deployment },
  ...rest,
});

const own = (kind: string, name: string, spec: object): KubeObject => ({
  apiVersion: API_VERSION,
  kind,
  metadata: { name, ...(kind === 'PlatformPolicy' ? {} : { namespace: NAMESPACE }) },
  spec,
});

/** What somebody creates who uses all kinds. */
export const objectsOfUser = (repository: string): KubeObject[] => {
  const git = { url: repository, ref: { branch: 'main' } };
  const objectives = [
    {
      name: 'availability',
      target: '99.5',
      window: '30d',
      indicator: { ratio: { errors: 'rate(errors_total[$window])', total: 'rate(requests_total[$window])' } },
      alerts: { matchLabels: { service: 'shop' } },
    },
    { name: 'latency', alerts: { matchLabels: { slo: 'latency' } } },
  ];
  return [
    own('PlatformPolicy', 'default', {
      allowedHosts: [new URL(repository).hostname],
      deniedKinds: ['ResourceQuota'],
      exemptNamespaces: [SYSTEM_NAMESPACE],
      rollback: { maxMode: 'Approve', minCooldown: '10m', maxPerHour: 3 },
    }),
    own('RollbackPolicy', 'web', {
      targetRef: { kind: 'Deployment', name: 'web' },
      mode: 'Approve',
      approval: { timeout: '2h', action: 'Close' },
      soak: '10m',
      objectives,
    }),
    own('RollbackPolicy', 'default', { selector: { matchLabels: {} }, mode: 'Approve' }),
    own('Notification', 'chat', {
      events: [{ kind: 'Incident', reasons: ['RolledBack', 'AwaitingApproval'] }, { kind: 'Hold' }],
      sink: { slack: { secretRef: { name: 'chat' } } },
      suspend: true,
    }),
    own('GitSync', 'shop', {
      source: { git },
      path: 'shop',
      interval: '1h',
      wait: false,
      ignoreDifferences: [{ kind: 'Deployment', jsonPointers: ['/spec/replicas'] }],
      healthCheckExprs: [{ apiVersion: 'example.com/v1', kind: 'Widget', current: 'status.phase == "Ready"' }],
    }),
    own('GitSyncSet', 'tenants', {
      generators: [{ list: [{ name: 'blue', values: { folder: 'tenants/blue' } }] }],
      template: {
        metadata: { name: '{{name}}' },
        spec: { source: { git }, path: '{{values.folder}}', interval: '1h' },
      },
      maxDelete: 2,
    }),
  ];
};

/** What is in the cluster and was not there before: of the namespace, of the whole cluster, and the key of the digests. */
export const objectsIn = async (client: KubeClient): Promise<KubeObject[]> => {
  const lists = RECORDED.map((type) => client.list(type, type.namespaced ? { namespace: NAMESPACE } : {}));
  const key = await client.get(resources.secrets, { namespace: SYSTEM_NAMESPACE, name: DIGEST_KEY_NAME });
  const all = (await Promise.all(lists)).flatMap(({ items }) => items);
  return [...(key ? [key] : []), ...all.filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt')];
};

/** Texts of an object changed where they are no part of what is sealed. */
const changed = (object: KubeObject, change: (text: string) => string): KubeObject =>
  ['ControllerRevision', 'Secret'].includes(object.kind)
    ? object
    : (JSON.parse(change(JSON.stringify(object))) as KubeObject);

const TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

/** The same object as it would be so many milliseconds later, with its repositories elsewhere. */
export const moved = (object: KubeObject, byMs: number, [from, to]: readonly [string, string]): KubeObject =>
  changed(object, (text) =>
    text.replaceAll(from, to).replaceAll(TIME, (time, fraction: string | undefined) => {
      const later = new Date(Date.parse(time) + byMs).toISOString();
      return fraction === undefined ? later.replace(/\.\d+Z$/, 'Z') : later;
    }),
  );

/** @param gitUrl where the repositories are served now */
export const readRecording = (version: string, gitUrl: string): { install: string; objects: KubeObject[] } => {
  const text = readFileSync(join(FIXTURES, version, 'objects.yaml'), 'utf8');
  const objects = loadAll(text) as KubeObject[];
  const byMs = Date.now() - RECORDED_AT;
  return {
    install: join(FIXTURES, version, 'install.yaml'),
    objects: objects.map((object) => moved(object, byMs, [GIT_URL, gitUrl])),
  };
};

const typeOf = ({ kind }: KubeObject): ResourceType => {
  const type = RECORDED.find((each) => each.kind === kind);
  if (!type) throw new Error(`a recording has no ${kind}`);
  return type;
};

/** Brings the objects into a cluster: those of Git as their GitSync applied them, the others with their status. */
export const restore = async (client: KubeClient, objects: readonly KubeObject[]): Promise<void> => {
  for (const object of objects) {
    const type = typeOf(object);
    const owner = object.metadata.labels?.[labels.sync];
    const { status, ...rest } = object;
    if (owner !== undefined && type.group !== GROUP) {
      const fieldManager = `metricops/${owner.replace('.', '/')}`;
      await client.apply(type, rest, { fieldManager, force: true });
      continue;
    }
    const created = await client.create(type, rest);
    if (status !== undefined) await client.replace(type, { ...created, status }, { subresource: 'status' });
  }
};
