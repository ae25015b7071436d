import { GROUP, VERSION } from '../api/annotations.ts';
import { kinds } from '../api/crd.ts';
import type { ResourceType } from './types.ts';

/** A kind of ours, as the table of the API has it. */
const own = (kind: string): ResourceType => {
  const known = kinds.find((each) => each.kind === kind);
  if (!known) throw new Error(`src/api/crd.ts has no kind ${kind}`);
  return { group: GROUP, version: VERSION, kind, plural: known.plural, namespaced: known.scope !== 'Cluster' };
};
const core = (kind: string, plural: string, namespaced = true): ResourceType => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced,
});
const of = (group: string, version: string, kind: string, plural: string, namespaced = true): ResourceType => ({
  group,
  version,
  kind,
  plural,
  namespaced,
});

/** Kinds that the rooms name themselves; all others come from discovery. */
export const resources = {
  gitSyncs: own('GitSync'),
  gitSyncSets: own('GitSyncSet'),
  platformPolicies: own('PlatformPolicy'),
  releaseHistories: own('ReleaseHistory'),
  holds: own('Hold'),
  rollbackPolicies: own('RollbackPolicy'),
  incidents: own('Incident'),
  notifications: own('Notification'),
  pods: core('Pod', 'pods'),
  namespaces: core('Namespace', 'namespaces', false),
  nodes: core('Node', 'nodes', false),
  configMaps: core('ConfigMap', 'configmaps'),
  secrets: core('Secret', 'secrets'),
  limitRanges: core('LimitRange', 'limitranges'),
  resourceQuotas: core('ResourceQuota', 'resourcequotas'),
  services: core('Service', 'services'),
  persistentVolumeClaims: core('PersistentVolumeClaim', 'persistentvolumeclaims'),
  serviceAccounts: core('ServiceAccount', 'serviceaccounts'),
  deployments: of('apps', 'v1', 'Deployment', 'deployments'),
  statefulSets: of('apps', 'v1', 'StatefulSet', 'statefulsets'),
  daemonSets: of('apps', 'v1', 'DaemonSet', 'daemonsets'),
  replicaSets: of('apps', 'v1', 'ReplicaSet', 'replicasets'),
  controllerRevisions: of('apps', 'v1', 'ControllerRevision', 'controllerrevisions'),
  horizontalPodAutoscalers: of('autoscaling', 'v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  podDisruptionBudgets: of('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  networkPolicies: of('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies'),
  roleBindings: of('rbac.authorization.k8s.io', 'v1', 'RoleBinding', 'rolebindings'),
  clusterRoleBindings: of('rbac.authorization.k8s.io', 'v1', 'ClusterRoleBinding', 'clusterrolebindings', false),
  jobs: of('batch', 'v1', 'Job', 'jobs'),
  leases: of('coordination.k8s.io', 'v1', 'Lease', 'leases'),
  events: of('events.k8s.io', 'v1', 'Event', 'events'),
  crds: of('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition', 'customresourcedefinitions', false),
  mutatingWebhooks: of(
    'admissionregistration.k8s.io',
    'v1',
    'MutatingWebhookConfiguration',
    'mutatingwebhookconfigurations',
    false,
  ),
  admissionPolicies: of(
    'admissionregistration.k8s.io',
    'v1',
    'ValidatingAdmissionPolicy',
    'validatingadmissionpolicies',
    false,
  ),
  admissionPolicyBindings: of(
    'admissionregistration.k8s.io',
    'v1',
    'ValidatingAdmissionPolicyBinding',
    'validatingadmissionpolicybindings',
    false,
  ),
} as const satisfies Record<string, ResourceType>;

export const workloadResource = (kind: 'Deployment' | 'StatefulSet' | 'DaemonSet'): ResourceType =>
  ({ Deployment: resources.deployments, StatefulSet: resources.statefulSets, DaemonSet: resources.daemonSets })[kind];
