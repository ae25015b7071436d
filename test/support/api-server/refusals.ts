import type { KubeObject } from '../../../src/api/meta.ts';
import { KubeError, type ResourceType } from '../../../src/kube/index.ts';
import type { Conflict } from './ownership.ts';

export const refused = (status: number, reason: string, message: string, details?: object): KubeError =>
  new KubeError(message, { status, reason, details });

/** `deployments.apps "web"`: as messages name an object. */
export const described = ({ group, plural }: ResourceType, name: string): string =>
  `${plural}${group === '' ? '' : `.${group}`} "${name}"`;

export const notFound = (type: ResourceType, name: string): KubeError =>
  refused(404, 'NotFound', `${described(type, name)} not found`);

export const conflict = (type: ResourceType, { metadata }: KubeObject, why: string): KubeError =>
  refused(409, 'Conflict', `Operation cannot be fulfilled on ${described(type, metadata.name)}: ${why}`);

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

/** A write that is made for another object, or for another state of it. */
export const checkPreconditions = (
  type: ResourceType,
  live: KubeObject,
  { uid, resourceVersion }: { uid?: string | undefined; resourceVersion?: string | undefined },
): void => {
  const { metadata } = live;
  if (uid !== undefined && uid !== metadata.uid)
    throw conflict(type, live, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`);
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    throw conflict(type, live, MODIFIED);
};

export const applyConflict = (conflicts: readonly Conflict[]): KubeError => {
  const byOwner = Map.groupBy(conflicts, ({ manager, operation, apiVersion }) =>
    operation === 'Apply' ? `"${manager}"` : `"${manager}" using ${apiVersion}`,
  );
  const owners = [...byOwner].map(([owner, of]) =>
    conflicts.length === 1
      ? `conflict with ${owner}: ${of[0]?.field}`
      : `conflicts with ${owner}:\n${of.map(({ field }) => `- ${field}`).join('\n')}`,
  );
  const count = `${conflicts.length} conflict${conflicts.length === 1 ? '' : 's'}`;
  return refused(409, 'Conflict', `Apply failed with ${count}: ${owners.join('\n')}`);
};
