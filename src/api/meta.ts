/** The parts of every Kubernetes object that the rooms rely on. Objects stay raw JSON: what is not named here is kept. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: unknown[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** Where an object is: everything but its version, so that an upgrade of the API version stays the same object. */
export interface ObjectKey {
  group: string;
  kind: string;
  /** '' for cluster-scoped objects. */
  namespace: string;
  name: string;
}

/** '' for the core group, and for what is no text: references to other objects may say anything. */
export const groupOf = (apiVersion: unknown): string =>
  typeof apiVersion === 'string' && apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';

export const versionOf = (apiVersion: string): string => apiVersion.slice(apiVersion.indexOf('/') + 1);

export const keyOf = (object: KubeObject): ObjectKey => ({
  group: groupOf(object.apiVersion),
  kind: object.kind,
  namespace: object.metadata.namespace ?? '',
  name: object.metadata.name,
});

/** `namespace_name_group_kind`, the form of an inventory entry (none of the four can hold an underscore, but an RBAC name can: those are parsed from both ends). */
export const keyString = (key: ObjectKey): string => `${key.namespace}_${key.name}_${key.group}_${key.kind}`;

export const parseKey = (text: string): ObjectKey => {
  const parts = text.split('_');
  const [namespace = '', ...rest] = parts;
  const kind = rest.pop() ?? '';
  const group = rest.pop() ?? '';
  return { namespace, name: rest.join('_'), group, kind };
};

/** `Deployment shop/web`: how people read an object in messages. */
export const describeKey = (key: Pick<ObjectKey, 'kind' | 'namespace' | 'name'>): string =>
  `${key.kind} ${key.namespace === '' ? '' : `${key.namespace}/`}${key.name}`;
