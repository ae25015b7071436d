import type { KubeObject } from '../../src/api/meta.ts';

/**
 * Objects as a typo, another controller or somebody who means harm may write them: each field that we read of other
 * people's objects, in shapes that its type does not have. What reads objects is run over all of them, and must neither
 * throw nor hang. Add a row for every field that is read anew.
 */
export interface HostileObject {
  what: string;
  object: KubeObject;
}

/** Values where something else is expected. */
const ODD = [null, undefined, 5, true, 'text', '', [], [null], {}, { a: null }];

const of = (field: string): [string, unknown][] => ODD.map((value) => [field, value]);

/** By a dotted path: what stands there instead of what should. */
const FIELDS: [path: string, value: unknown][] = [
  ...['metadata.labels', 'metadata.annotations', 'metadata.ownerReferences', 'metadata.finalizers'].flatMap(of),
  ...['metadata.managedFields', 'metadata.generation', 'metadata.namespace', 'metadata.creationTimestamp'].flatMap(of),
  ['metadata.labels', { app: 5, tier: null }],
  [
    'metadata.annotations',
    { 'metricops.dev/wave': 2, 'argocd.argoproj.io/sync-wave': -1, 'metricops.dev/inject': true },
  ],
  ['metadata.annotations', { 'metricops.dev/wave': null, 'metricops.dev/apply': {}, 'metricops.dev/prune': [] }],
  ['metadata.managedFields', [{}, { manager: null }, { manager: 5, operation: 'Apply', fieldsV1: null }]],
  ['metadata.managedFields', [{ manager: 'kubectl-edit', operation: 'Update', fieldsV1: 'text' }]],
  [
    'metadata.managedFields',
    [{ manager: 'kubectl-edit', operation: 'Update', fieldsV1: { 'f:spec': null, 'k:{': {} } }],
  ],
  [
    'metadata.managedFields',
    [{ manager: 'x', operation: 'Apply', fieldsV1: { 'v:{': {}, 'i:x': {}, odd: { odd: {} } } }],
  ],
  ['metadata.ownerReferences', [{ controller: true }, { uid: null }]],
  ...[
    'spec',
    'status',
    'data',
    'spec.selector',
    'spec.selector.matchLabels',
    'spec.podSelector',
    'spec.replicas',
  ].flatMap(of),
  ...['spec.template', 'spec.template.metadata', 'spec.template.metadata.labels', 'spec.template.spec'].flatMap(of),
  ...['spec.template.spec.containers', 'spec.template.spec.initContainers', 'spec.template.spec.volumes'].flatMap(of),
  ['spec.template.spec.containers', [{ env: null, envFrom: [null], volumeMounts: 5 }]],
  [
    'spec.template.spec.containers',
    [{ env: [{ valueFrom: null }, { valueFrom: { secretKeyRef: null } }], envFrom: {} }],
  ],
  ['spec.template.spec.containers', [{ envFrom: [{ configMapRef: null }, { secretRef: { name: 5 } }], image: null }]],
  ['spec.template.spec.volumes', [{ secret: null }, { projected: { sources: null } }, { configMap: { name: null } }]],
  ...['spec.scaleTargetRef', 'spec.scaleTargetRef.apiVersion', 'spec.scaleTargetRef.kind'].flatMap(of),
  ...['spec.updateStrategy', 'spec.updateStrategy.rollingUpdate', 'spec.progressDeadlineSeconds'].flatMap(of),
  ...['status.conditions', 'status.observedGeneration', 'status.phase', 'status.replicas'].flatMap(of),
  [
    'status.conditions',
    [{ type: 5 }, { type: 'Ready', status: true }, { type: 'Failed', status: 'True', message: {} }],
  ],
  ...['status.containerStatuses', 'status.initContainerStatuses'].flatMap(of),
  ['status.containerStatuses', [{ state: null }, { state: { waiting: 5 } }, { state: { waiting: { reason: {} } } }]],
  ...['status.loadBalancer', 'status.loadBalancer.ingress', 'status.updateRevision'].flatMap(of),
];

/** Of every kind that some code of ours treats in its own way, and one that nobody knows. */
const KINDS =
  'apps/v1 Deployment,v1 Secret,apps/v1 StatefulSet,apps/v1 DaemonSet,apps/v1 ReplicaSet,batch/v1 Job,batch/v1 CronJob,v1 Pod,v1 Service,v1 ConfigMap,v1 Namespace,v1 PersistentVolumeClaim,v1 ReplicationController,policy/v1 PodDisruptionBudget,networking.k8s.io/v1 NetworkPolicy,networking.k8s.io/v1 Ingress,autoscaling/v2 HorizontalPodAutoscaler,apiextensions.k8s.io/v1 CustomResourceDefinition,apiregistration.k8s.io/v1 APIService,argoproj.io/v1alpha1 Rollout,example.com/v1 Widget'.split(
    ',',
  );

/** The value with something else at the path; what is on the way is made where it is missing. */
const withAt = (value: unknown, [name, ...rest]: string[], odd: unknown): unknown => {
  if (name === undefined) return odd;
  const record = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return { ...record, [name]: withAt(record[name], rest, odd) };
};

/** An ordinary object of the kind, with which nothing is wrong. */
const plain = (type: string): KubeObject => {
  const [apiVersion = '', kind = ''] = type.split(' ');
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'web:1' }] } };
  return {
    apiVersion,
    kind,
    metadata: { namespace: 'shop', name: 'web', generation: 1, labels },
    spec: { replicas: 1, selector: { matchLabels: labels }, template },
    status: { observedGeneration: 1 },
  };
};

export const hostileObjects = (kinds: readonly string[] = KINDS): HostileObject[] =>
  kinds.flatMap((type, i) =>
    // Metadata is read the same way of every kind.
    FIELDS.filter(([path]) => i < 2 || !path.startsWith('metadata')).map(([path, odd]) => ({
      what: `${type} with ${path} ${JSON.stringify(odd)}`,
      object: withAt(plain(type), path.split('.'), odd) as KubeObject,
    })),
  );

/** Addresses of repositories that are none. */
export const hostileUrls = [
  'https://github.com:org/repo.git',
  'http://[',
  'https://host:99999/',
  'https://%',
  'text',
  '',
];
