import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { GROUP } from '../../../src/api/annotations.ts';
import { kinds as ownKinds } from '../../../src/api/crd.ts';
import type { KubeObject } from '../../../src/api/meta.ts';
import { KubeError, type ResourceType, resources } from '../../../src/kube/index.ts';

/** Built-in kinds that the rooms name in no list of theirs. */
const MORE: ResourceType[] = [
  { group: '', version: 'v1', kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims', namespaced: true },
  { group: '', version: 'v1', kind: 'PersistentVolume', plural: 'persistentvolumes', namespaced: false },
  { group: '', version: 'v1', kind: 'PodTemplate', plural: 'podtemplates', namespaced: true },
  { group: '', version: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas', namespaced: true },
  { group: 'networking.k8s.io', version: 'v1', kind: 'Ingress', plural: 'ingresses', namespaced: true },
  { group: 'networking.k8s.io', version: 'v1', kind: 'NetworkPolicy', plural: 'networkpolicies', namespaced: true },
  { group: 'policy', version: 'v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets', namespaced: true },
  { group: 'batch', version: 'v1', kind: 'CronJob', plural: 'cronjobs', namespaced: true },
  { group: 'rbac.authorization.k8s.io', version: 'v1', kind: 'Role', plural: 'roles', namespaced: true },
  { group: 'rbac.authorization.k8s.io', version: 'v1', kind: 'ClusterRole', plural: 'clusterroles', namespaced: false },
];

export const BUILT_IN: readonly ResourceType[] = [...Object.values(resources), ...MORE];

/** Built-in kinds whose strategy sets no generation (Kubernetes 1.34). */
const WITHOUT_GENERATION = new Set(
  '/ConfigMap /Secret /Service /ServiceAccount /Namespace /Node /Pod /LimitRange /ResourceQuota /PersistentVolume /PersistentVolumeClaim autoscaling/HorizontalPodAutoscaler coordination.k8s.io/Lease events.k8s.io/Event apps/ControllerRevision rbac.authorization.k8s.io/Role rbac.authorization.k8s.io/RoleBinding rbac.authorization.k8s.io/ClusterRole rbac.authorization.k8s.io/ClusterRoleBinding'.split(
    ' ',
  ),
);
const WITHOUT_STATUS = new Set(
  '/ConfigMap /Secret /ServiceAccount /LimitRange coordination.k8s.io/Lease events.k8s.io/Event apps/ControllerRevision networking.k8s.io/NetworkPolicy rbac.authorization.k8s.io/Role rbac.authorization.k8s.io/RoleBinding rbac.authorization.k8s.io/ClusterRole rbac.authorization.k8s.io/ClusterRoleBinding /PodTemplate admissionregistration.k8s.io/MutatingWebhookConfiguration'.split(
    ' ',
  ),
);
export const kindOf = ({ group, kind }: Pick<ResourceType, 'group' | 'kind'>): string => `${group}/${kind}`;

const definitionOf = (type: ResourceType) =>
  type.group === GROUP ? ownKinds.find(({ kind }) => kind === type.kind) : undefined;

export const hasGeneration = (type: ResourceType): boolean => !WITHOUT_GENERATION.has(kindOf(type));

export const hasStatus = (type: ResourceType): boolean => {
  if (type.group === GROUP) return definitionOf(type)?.status !== undefined;
  return !WITHOUT_STATUS.has(kindOf(type));
};

/** Whether a write moves the generation. A Deployment's annotations count, too: its strategy copies them to ReplicaSets. */
export const isNewGeneration = (type: ResourceType, before: KubeObject, after: KubeObject): boolean => {
  const { metadata: was, status: _, ...old } = before;
  const { metadata: is, status: __, ...now } = after;
  const isAnnotated =
    kindOf(type) === 'apps/Deployment' && !isDeepStrictEqual(was.annotations ?? {}, is.annotations ?? {});
  return isAnnotated || !isDeepStrictEqual(old, now);
};

/** Objects of our kinds get the defaults of their schema and are refused by it, as the API server does by the CRD. */
export const admitted = (type: ResourceType, object: KubeObject, before: KubeObject | undefined): KubeObject => {
  const definition = definitionOf(type);
  // What was stored before a rule came is taken as long as nobody changes it.
  if (!definition || (before && isDeepStrictEqual(before.spec, object.spec))) return object;
  const parsed = definition.spec.safeParse(object.spec ?? {});
  if (parsed.success) return { ...object, spec: parsed.data };
  throw refusal(type, object, parsed.error);
};

const refusal = (type: ResourceType, { metadata }: KubeObject, { issues }: z.ZodError): KubeError => {
  const unknown = issues.filter(({ code }) => code === 'unrecognized_keys');
  const words = issues.map(({ path, message }) => `${['spec', ...path].join('.')}: ${message}`).join(', ');
  if (unknown.length > 0)
    return new KubeError(`strict decoding error: ${words}`, { status: 400, reason: 'BadRequest' });
  const message = `${type.kind}.${type.group} "${metadata.name}" is invalid: ${words}`;
  return new KubeError(message, { status: 422, reason: 'Invalid' });
};

/** The kind that a CustomResourceDefinition makes. */
export const definedBy = ({ spec }: KubeObject): ResourceType[] => {
  const { group, scope, names, versions } = spec as {
    group: string;
    scope: string;
    names: { kind: string; plural: string };
    versions: { name: string; served: boolean }[];
  };
  return versions
    .filter(({ served }) => served)
    .map(({ name }) => ({
      group,
      version: name,
      kind: names.kind,
      plural: names.plural,
      namespaced: scope === 'Namespaced',
    }));
};
