import type { KubeObject } from '../../../src/api/meta.ts';
import {
  type ApplyOptions,
  apiVersionOf,
  type Name,
  type Patch,
  type ResourceType,
  resources,
} from '../../../src/kube/index.ts';
import { admitted, hasStatus } from './kinds.ts';
import { applied, updated, type Writer } from './ownership.ts';
import { jsonPatched, mergePatched } from './patches.ts';
import { applyConflict, checkPreconditions, conflict, described, notFound, refused } from './refusals.ts';
import { copyOf, type Store, secondsOf } from './store.ts';

interface How {
  subresource?: string | undefined;
  fieldManager?: string | undefined;
  dryRun?: boolean | undefined;
}

/** What the API server does with an object that is written to it, until it stands in the store. */
export const createWrites = (store: Store, now: () => number, { ownership }: { ownership: boolean }) => {
  const writerOf = (type: ResourceType, { fieldManager = 'metricops', subresource }: How): Writer => ({
    manager: fieldManager,
    apiVersion: apiVersionOf(type),
    subresource,
    time: secondsOf(now()),
  });
  const owned = (before: KubeObject | undefined, object: KubeObject, type: ResourceType, how: How): KubeObject =>
    ownership ? updated(before, object, writerOf(type, how)) : object;
  const save = (type: ResourceType, object: KubeObject, { dryRun }: How): KubeObject =>
    dryRun ? object : store.put(type, object);
  const found = (type: ResourceType, name: Name): KubeObject => {
    const object = store.get(type, name);
    if (!object) throw notFound(type, name.name);
    return object;
  };

  /** A namespaced object needs a namespace that is there, and goes on. */
  const checkPlace = (type: ResourceType, { metadata: { namespace = '', name } }: KubeObject): void => {
    if (!type.namespaced) return;
    const home = store.get(resources.namespaces, { name: namespace });
    if (!home) throw notFound(resources.namespaces, namespace);
    if (home.metadata.deletionTimestamp === undefined) return;
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    const causes = [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated` }];
    throw refused(403, 'Forbidden', `${described(type, name)} is forbidden: ${why}`, { causes });
  };

  const update = (type: ResourceType, before: KubeObject, wanted: KubeObject, how: How): KubeObject => {
    checkPreconditions(type, before, wanted.metadata);
    checkFinalizers(type, before, wanted);
    const object = admitted(type, through(type, before, withoutEmpty(wanted), how.subresource), before);
    return save(type, owned(before, object, type, how), how);
  };

  return {
    create(type: ResourceType, sent: KubeObject, how: How): KubeObject {
      checkPlace(type, sent);
      if (store.get(type, sent.metadata))
        throw refused(409, 'AlreadyExists', `${described(type, sent.metadata.name)} already exists`);
      const object = copyOf(sent);
      if (hasStatus(type)) delete object.status;
      if (object.metadata.resourceVersion)
        throw refused(500, 'HTTP500', 'resourceVersion should not be set on objects to be created');
      const { resourceVersion: _, uid: __, ...metadata } = object.metadata;
      const made = admitted(type, { ...object, metadata }, undefined);
      return save(type, owned(undefined, made, type, how), how);
    },
    replace(type: ResourceType, sent: KubeObject, how: How): KubeObject {
      const before = found(type, sent.metadata);
      const wanted = copyOf(sent);
      wanted.metadata.managedFields ??= before.metadata.managedFields ?? [];
      return update(type, before, wanted, how);
    },
    patch(type: ResourceType, name: Name, patch: Patch, how: How): KubeObject {
      const before = found(type, name);
      const wanted = patch.type === 'merge' ? mergePatched(before, patch.body) : jsonPatched(before, patch.body);
      return update(type, before, copyOf(wanted as KubeObject), how);
    },
    apply(type: ResourceType, sent: KubeObject, how: ApplyOptions): KubeObject {
      if (sent.metadata.managedFields) throw refused(400, 'BadRequest', 'metadata.managedFields must be nil');
      const before = store.get(type, sent.metadata);
      const config = copyOf(sent);
      if (hasStatus(type) && how.subresource !== 'status') delete config.status;
      if (before) checkApply(type, before, config.metadata);
      else checkNew(type, config);
      const result = applied(before, config, writerOf(type, how), how.force ?? false);
      if ('conflicts' in result) throw applyConflict(result.conflicts);
      const object = before ? through(type, before, result.object, how.subresource) : result.object;
      return save(type, admitted(type, object, before), how);
    },
    delete(type: ResourceType, name: Name, only: { uid?: string; resourceVersion?: string }): void {
      const object = store.get(type, name);
      if (!object) return;
      checkPreconditions(type, object, only);
      store.remove(type, object);
    },
  };

  function checkFinalizers(type: ResourceType, before: KubeObject, { metadata }: KubeObject): void {
    const { deletionTimestamp, finalizers = [], name } = before.metadata;
    const isNew = metadata.finalizers?.some((finalizer) => !finalizers.includes(finalizer)) ?? false;
    if (deletionTimestamp === undefined || !isNew) return;
    const why = 'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted';
    throw refused(422, 'Invalid', `${type.kind} "${name}" is invalid: ${why}`);
  }

  function checkApply(type: ResourceType, before: KubeObject, { uid, resourceVersion }: KubeObject['metadata']): void {
    checkPreconditions(type, before, resourceVersion === undefined ? {} : { resourceVersion });
    if (uid === undefined || uid === before.metadata.uid) return;
    const what = `${type.kind} "${before.metadata.name}" is invalid`;
    throw refused(422, 'Invalid', `${what}: metadata.uid: Invalid value: "${uid}": field is immutable`);
  }

  function checkNew(type: ResourceType, config: KubeObject): void {
    const { uid } = config.metadata;
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    if (uid !== undefined) throw conflict(type, config, why);
    checkPlace(type, config);
  }
};

/** Go writes no empty maps and lists of metadata. */
const withoutEmpty = (object: KubeObject): KubeObject => {
  const isEmpty = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  const metadata = { ...object.metadata };
  for (const name of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const)
    if (isEmpty(metadata[name])) delete metadata[name];
  return { ...object, metadata };
};

/** The part that this endpoint writes; the other part stays as it is. */
const through = (type: ResourceType, before: KubeObject, after: KubeObject, subresource?: string): KubeObject => {
  if (!hasStatus(type)) return after;
  const [statusOf, restOf] = subresource === 'status' ? [after, before] : [before, after];
  const { status: _, ...rest } = restOf;
  const { managedFields } = after.metadata;
  const metadata = { ...restOf.metadata, ...(managedFields ? { managedFields } : {}) };
  const { status } = statusOf;
  return { ...rest, metadata, ...(status === undefined ? {} : { status }) } as KubeObject;
};
