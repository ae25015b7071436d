import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { type Health, healthOf } from './health.ts';

const object = (type: string, { spec = {}, status = {}, generation = 1 }: Parts = {}): KubeObject => {
  const [apiVersion, kind] = type.split(' ');
  return { apiVersion: apiVersion ?? '', kind: kind ?? '', metadata: { name: 'x', generation }, spec, status };
};
interface Parts {
  spec?: object;
  status?: object;
  generation?: number;
}
const condition = (type: string, status: string, reason = 'Why', message = 'because') => ({
  conditions: [{ type, status, reason, message }],
});
const with3 = { replicas: 3, observedGeneration: 1 };
const rolledOut = {
  ...with3,
  updatedReplicas: 3,
  availableReplicas: 3,
  readyReplicas: 3,
  fullyLabeledReplicas: 3,
  ...condition('Available', 'True'),
};
const spec = { replicas: 3 };
const watched = { ...spec, progressDeadlineSeconds: 600 };
const onDelete = { updateStrategy: { type: 'OnDelete' } };
const waiting = (reason: string) => ({
  phase: 'Pending',
  containerStatuses: [{ name: 'web', state: { waiting: { reason, message: 'back-off' } } }],
});
const daemons = {
  observedGeneration: 1,
  desiredNumberScheduled: 2,
  currentNumberScheduled: 2,
  updatedNumberScheduled: 2,
  numberAvailable: 2,
  numberReady: 2,
};

/** Of an operator that says which spec a condition is about. */
const about = (generation: number, ...types: string[]) => ({
  conditions: types.map((type) => ({ type, status: 'True', observedGeneration: generation })),
});
const parent = (status: object) => ({ parents: [{ parentRef: { name: 'public' }, controllerName: 'c', ...status }] });
const routed = { parentRefs: [{ name: 'public' }] };
const READY: [what: string, parts: Parts, health: Health, message?: RegExp][] = [
  ['ready', { status: condition('Ready', 'True') }, 'Current'],
  ['not ready', { status: condition('Ready', 'False') }, 'InProgress', /because/],
  ['that nobody has seen', {}, 'InProgress', /has not written Ready yet/],
  ['ready in an older spec', { status: about(1, 'Ready'), generation: 2 }, 'InProgress', /newest spec/],
];
const AVAILABLE: typeof READY = [
  ['available', { status: condition('Available', 'True') }, 'Current'],
  ['with pods that are missing', { status: condition('Available', 'Degraded') }, 'InProgress', /because/],
  ['that nobody has seen', {}, 'InProgress', /has not written Available yet/],
  ['paused', { spec: { paused: true } }, 'Current'],
];
const ROUTED: typeof READY = [
  ['without a Gateway', { spec: {} }, 'Current'],
  ['that no Gateway has seen', { spec: routed }, 'InProgress', /no Gateway has accepted it/],
  ['accepted', { spec: routed, status: parent(about(1, 'Accepted', 'ResolvedRefs')) }, 'Current'],
  ['accepted by a controller of few words', { spec: routed, status: parent(about(1, 'Accepted')) }, 'Current'],
  [
    'accepted in an older spec',
    { spec: routed, status: parent(about(1, 'Accepted', 'ResolvedRefs')), generation: 2 },
    'InProgress',
    /public: .*newest spec/,
  ],
  [
    'that its Gateway refuses',
    { spec: routed, status: parent(condition('Accepted', 'False', 'NotAllowedByListeners', '')) },
    'InProgress',
    /Gateway public: NotAllowedByListeners/,
  ],
  [
    'without its Service',
    {
      spec: routed,
      status: parent({
        conditions: [...about(1, 'Accepted').conditions, ...condition('ResolvedRefs', 'False').conditions],
      }),
    },
    'InProgress',
    /Gateway public: because/,
  ],
];

const CASES: Record<string, [what: string, parts: Parts, health: Health, message?: RegExp][]> = {
  'apps/v1 Deployment': [
    ['with all replicas', { spec, status: rolledOut }, 'Current'],
    ['that nobody has seen', { spec: { replicas: 0 } }, 'InProgress', /not seen it/],
    ['whose newest spec nobody has seen', { spec, status: rolledOut, generation: 2 }, 'InProgress', /newest spec/],
    ['with old pods only', { spec, status: { ...rolledOut, updatedReplicas: 1 } }, 'InProgress', /1 of 3 .*updated/],
    ['with old pods too', { spec, status: { ...rolledOut, replicas: 4 } }, 'InProgress', /1 old/],
    ['that is not up', { spec, status: { ...rolledOut, availableReplicas: 2 } }, 'InProgress', /2 of 3 .*available/],
    ['unavailable', { spec, status: { ...rolledOut, ...condition('Available', 'False') } }, 'InProgress', /because/],
    ['over its quota', { spec, status: { ...with3, ...condition('ReplicaFailure', 'True') } }, 'InProgress', /because/],
    [
      'past its deadline',
      { spec, status: { ...with3, ...condition('Progressing', 'False', 'ProgressDeadlineExceeded') } },
      'Failed',
      /because/,
    ],
    ['with a deadline and no word of progress', { spec: watched, status: rolledOut }, 'InProgress', /not complete/],
    [
      'with a deadline that it kept',
      {
        spec: watched,
        status: {
          ...rolledOut,
          conditions: [
            ...condition('Progressing', 'True', 'NewReplicaSetAvailable').conditions,
            ...condition('Available', 'True').conditions,
          ],
        },
      },
      'Current',
    ],
  ],
  'apps/v1 ReplicaSet': [
    ['with all replicas', { spec, status: rolledOut }, 'Current'],
    ['over its quota', { spec, status: { ...rolledOut, ...condition('ReplicaFailure', 'True') } }, 'InProgress'],
    ['with one that is not ready', { spec, status: { ...rolledOut, readyReplicas: 2 } }, 'InProgress', /2 of 3/],
  ],
  'v1 ReplicationController': [
    ['with all replicas', { spec, status: rolledOut }, 'Current'],
    ['with too many', { spec: { replicas: 1 }, status: rolledOut }, 'InProgress', /2 old/],
  ],
  'apps/v1 StatefulSet': [
    ['with all replicas', { spec, status: rolledOut }, 'Current'],
    [
      'between two revisions',
      { spec, status: { ...rolledOut, currentRevision: 'a', updateRevision: 'b' } },
      'InProgress',
      /newest revision/,
    ],
    [
      'with the partition updated',
      {
        spec: { ...spec, updateStrategy: { rollingUpdate: { partition: 2 } } },
        status: { ...rolledOut, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
      },
      'Current',
    ],
    [
      'with the partition not updated',
      {
        spec: { ...spec, updateStrategy: { rollingUpdate: { partition: 1 } } },
        status: { ...rolledOut, updatedReplicas: 1 },
      },
      'InProgress',
      /1 of 2/,
    ],
    [
      'that a person updates',
      { spec: { ...spec, ...onDelete }, status: { ...rolledOut, currentRevision: 'a', updateRevision: 'b' } },
      'Current',
    ],
    [
      'that a person updates, not ready',
      { spec: { ...spec, ...onDelete }, status: { ...rolledOut, readyReplicas: 0 } },
      'InProgress',
    ],
  ],
  'apps/v1 DaemonSet': [
    ['on all nodes', { status: daemons }, 'Current'],
    ['on no node', { status: { observedGeneration: 1, desiredNumberScheduled: 0 } }, 'Current'],
    ['that nobody has seen', {}, 'InProgress', /not seen it/],
    ['half updated', { status: { ...daemons, updatedNumberScheduled: 1 } }, 'InProgress', /1 of 2 pods updated/],
    ['that a person updates', { spec: onDelete, status: { ...daemons, updatedNumberScheduled: 1 } }, 'Current'],
    ['half ready', { status: { ...daemons, numberReady: 1 } }, 'InProgress', /1 of 2 pods ready/],
  ],
  'batch/v1 Job': [
    ['complete', { status: condition('Complete', 'True') }, 'Current'],
    ['failed', { status: condition('Failed', 'True') }, 'Failed', /because/],
    ['running', { status: { startTime: 'now', active: 1 } }, 'InProgress', /not complete/],
    ['suspended', { spec: { suspend: true } }, 'Current'],
    ['failed and suspended', { spec: { suspend: true }, status: condition('Failed', 'True') }, 'Failed'],
  ],
  'batch/v1 CronJob': [['always', {}, 'Current']],
  'v1 Pod': [
    ['ready', { status: { phase: 'Running', ...condition('Ready', 'True') } }, 'Current'],
    ['done', { status: { phase: 'Succeeded' } }, 'Current'],
    ['failed', { status: { phase: 'Failed', reason: 'Evicted' } }, 'Failed', /Evicted/],
    ['that nobody has seen', {}, 'InProgress', /pending/],
    ['that crashes again and again', { status: waiting('CrashLoopBackOff') }, 'InProgress', /web: CrashLoopBackOff/],
    ['without its image', { status: waiting('ImagePullBackOff') }, 'InProgress', /ImagePullBackOff: back-off/],
    ['that is being made', { status: waiting('ContainerCreating') }, 'InProgress', /it is Pending/],
    [
      'for which there is no room',
      { status: { phase: 'Pending', ...condition('PodScheduled', 'False', 'Unschedulable', '0/3 nodes') } },
      'InProgress',
      /Unschedulable: 0\/3 nodes/,
    ],
  ],
  'v1 PersistentVolumeClaim': [
    ['bound', { status: { phase: 'Bound' } }, 'Current'],
    ['waiting for its first pod', { status: { phase: 'Pending' } }, 'InProgress', /Pending/],
  ],
  'v1 Service': [
    ['inside the cluster', { spec: { type: 'ClusterIP' } }, 'Current'],
    ['without an address yet', { spec: { type: 'LoadBalancer' }, status: { loadBalancer: {} } }, 'InProgress'],
    [
      'with an address',
      { spec: { type: 'LoadBalancer' }, status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } },
      'Current',
    ],
  ],
  'v1 Namespace': [
    ['active', { status: { phase: 'Active' } }, 'Current'],
    ['on its way out', { status: { phase: 'Terminating' } }, 'InProgress'],
  ],
  'networking.k8s.io/v1 Ingress': [['without an address', { status: { loadBalancer: {} } }, 'Current']],
  'apiextensions.k8s.io/v1 CustomResourceDefinition': [
    ['established', { status: condition('Established', 'True') }, 'Current'],
    ['new', {}, 'InProgress'],
    ['being installed', { status: condition('Established', 'False', 'Installing') }, 'InProgress'],
    ['that cannot be established', { status: condition('Established', 'False', 'NotAccepted') }, 'Failed', /because/],
    ['whose names are taken', { status: condition('NamesAccepted', 'False') }, 'Failed', /because/],
  ],
  'apiregistration.k8s.io/v1 APIService': [
    ['available', { status: condition('Available', 'True') }, 'Current'],
    ['without an answer', { status: condition('Available', 'False') }, 'InProgress', /because/],
    ['new', {}, 'InProgress'],
  ],
  'policy/v1 PodDisruptionBudget': [
    ['counted', { status: { observedGeneration: 1 } }, 'Current'],
    ['not counted yet', {}, 'InProgress'],
    ['that allows none', { status: { observedGeneration: 1, ...condition('DisruptionAllowed', 'False') } }, 'Current'],
    [
      'that cannot be counted',
      { status: { observedGeneration: 1, ...condition('DisruptionAllowed', 'False', 'SyncFailed') } },
      'InProgress',
      /because/,
    ],
  ],
  'autoscaling/v2 HorizontalPodAutoscaler': [
    ['that scales', { status: condition('ScalingActive', 'True') }, 'Current'],
    ['without metrics', { status: condition('ScalingActive', 'False') }, 'InProgress', /because/],
    ['that cannot scale', { status: condition('AbleToScale', 'False') }, 'InProgress', /because/],
    ['of a workload at zero', { status: condition('ScalingActive', 'False', 'ScalingDisabled') }, 'Current'],
  ],
  'argoproj.io/v1alpha1 Rollout': [
    ['healthy', { status: { phase: 'Healthy', observedGeneration: '1' } }, 'Current'],
    [
      'healthy in an older spec',
      { status: { phase: 'Healthy', observedGeneration: '9' }, generation: 10 },
      'InProgress',
    ],
    ['of an old version, with a hash', { status: { phase: 'Healthy', observedGeneration: '5d8f' } }, 'Current'],
    ['degraded', { status: { phase: 'Degraded', message: 'aborted' } }, 'Failed', /aborted/],
    ['progressing', { status: { phase: 'Progressing', message: 'more replicas' } }, 'InProgress', /more replicas/],
    ['paused', { status: { phase: 'Paused', message: 'CanaryPauseStep' } }, 'InProgress', /CanaryPauseStep/],
    ['new', {}, 'InProgress'],
  ],
  'cert-manager.io/v1 Certificate': READY,
  'cert-manager.io/v1 Issuer': READY,
  'cert-manager.io/v1 ClusterIssuer': READY,
  'external-secrets.io/v1 SecretStore': READY,
  'external-secrets.io/v1beta1 ClusterSecretStore': READY,
  'external-secrets.io/v1 ExternalSecret': [
    ...READY,
    [
      'synced in an older spec',
      { status: { ...condition('Ready', 'True'), syncedResourceVersion: '1-5d8f' }, generation: 2 },
      'InProgress',
      /newest spec/,
    ],
    [
      'synced in this spec',
      { status: { ...condition('Ready', 'True'), syncedResourceVersion: '2-5d8f' }, generation: 2 },
      'Current',
    ],
    [
      'that is read once',
      {
        spec: { refreshPolicy: 'CreatedOnce' },
        status: { ...condition('Ready', 'True'), syncedResourceVersion: '1-5d8f' },
        generation: 2,
      },
      'Current',
    ],
  ],
  'bitnami.com/v1alpha1 SealedSecret': [
    ['unsealed', { status: condition('Synced', 'True') }, 'Current'],
    ['by another key', { status: condition('Synced', 'False') }, 'InProgress', /because/],
    ['that nobody has seen', {}, 'InProgress', /has not written Synced yet/],
  ],
  'gateway.networking.k8s.io/v1 GatewayClass': [
    ['accepted', { status: about(1, 'Accepted') }, 'Current'],
    ['without a controller', { status: condition('Accepted', 'Unknown') }, 'InProgress', /because/],
  ],
  'gateway.networking.k8s.io/v1 Gateway': [
    ['programmed', { status: about(1, 'Accepted', 'Programmed') }, 'Current'],
    ['programmed in an older spec', { status: about(1, 'Accepted', 'Programmed'), generation: 2 }, 'InProgress'],
    ['accepted only', { status: about(1, 'Accepted') }, 'InProgress', /Programmed/],
    ['that is refused', { status: condition('Accepted', 'False') }, 'InProgress', /because/],
  ],
  'gateway.networking.k8s.io/v1 HTTPRoute': ROUTED,
  'gateway.networking.k8s.io/v1 GRPCRoute': ROUTED,
  'keda.sh/v1alpha1 ScaledObject': [...READY, ['paused', { status: condition('Paused', 'True') }, 'Current']],
  'keda.sh/v1alpha1 ScaledJob': READY,
  'monitoring.coreos.com/v1 Prometheus': AVAILABLE,
  'monitoring.coreos.com/v1 Alertmanager': AVAILABLE,
  'monitoring.coreos.com/v1 ServiceMonitor': [['always', {}, 'Current']],
  'monitoring.coreos.com/v1 PrometheusRule': [['always', {}, 'Current']],
  'example.com/v1 Widget': [
    ['without conditions', {}, 'Current'],
    ['with conditions of its own form', { status: { conditions: { ready: false } } }, 'Current'],
    ['ready', { status: condition('Ready', 'True') }, 'Current'],
    ['not ready', { status: condition('Ready', 'False') }, 'InProgress', /because/],
    ['not ready, in no words', { status: condition('Ready', 'Unknown', '', '') }, 'InProgress', /not ready/],
    ['stalled', { status: condition('Stalled', 'True') }, 'Failed', /because/],
    ['reconciling', { status: condition('Reconciling', 'True') }, 'InProgress', /because/],
    ['failed', { status: condition('Failed', 'True') }, 'Failed', /because/],
    [
      'failed once, but ready',
      { status: { conditions: ['Failed', 'Ready'].map((type) => ({ type, status: 'True' })) } },
      'Current',
    ],
    ['degraded', { status: condition('Degraded', 'True') }, 'Current'],
    ['whose newest spec nobody has seen', { status: { observedGeneration: 1 }, generation: 2 }, 'InProgress'],
  ],
  // Whether a burn would lead to a rollback is no question of a sync: a first release has none to go back to.
  'metricops.dev/v1alpha1 RollbackPolicy': [
    ['that is not ready', { status: condition('Ready', 'False') }, 'Current'],
    ['whose newest spec nobody has seen', { status: { observedGeneration: 1 }, generation: 2 }, 'InProgress'],
  ],
  'example.com/v1 Job': [['that is no Job of Kubernetes', {}, 'Current']],
};

describe('healthOf', () => {
  for (const [type, cases] of Object.entries(CASES)) {
    for (const [what, parts, health, message = /./] of cases) {
      it(`${type} ${what}: ${health}`, () => {
        const judged = healthOf(object(type, parts));
        assert.equal(judged.health, health, judged.message);
        if (health === 'Current') assert.equal(judged.message, '');
        else assert.match(judged.message, message);
      });
    }
  }

  it('is in progress while it is being deleted, whatever its status says', () => {
    const leaving = object('v1 Namespace', { status: { phase: 'Active' } });
    leaving.metadata.deletionTimestamp = '2026-01-01T12:00:00Z';
    assert.equal(healthOf(leaving).health, 'InProgress');
  });
});
