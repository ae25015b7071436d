import { fieldManagerOf, ownerLabel } from './annotations.ts';
import type { GitSync } from './gitsync.ts';

export interface SyncName {
  namespace: string;
  name: string;
}

export const nameOf = ({ metadata }: GitSync): SyncName => ({
  namespace: metadata.namespace ?? '',
  name: metadata.name,
});

/** On every GitSync: before it goes, what becomes of its objects is seen to. */
export const PRUNE_FINALIZER = 'metricops.dev/prune';

/** `namespace/name`: the key of queues and maps. */
export const keyOfSync = ({ metadata }: GitSync): string => `${metadata.namespace}/${metadata.name}`;

export const nameOfKey = (key: string): SyncName => ({
  namespace: key.slice(0, key.indexOf('/')),
  name: key.slice(key.indexOf('/') + 1),
});

export const ownerLabelOf = (sync: GitSync): string => ownerLabel(nameOf(sync));

export const managerOf = (sync: GitSync): string => fieldManagerOf(nameOf(sync));
