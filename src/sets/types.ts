import type { GitSync } from '../api/gitsync.ts';
import type { KubeObject, ObjectMeta } from '../api/meta.ts';
import type { Reason } from '../api/reasons.ts';

export interface SyncName {
  namespace: string;
  name: string;
}

/** A GitSync as the template says it: only the fields that the set shall own, defaults left to the API server. */
export interface GeneratedSync extends KubeObject {
  metadata: ObjectMeta & SyncName;
  spec: Record<string, unknown>;
}

export interface SetProblem {
  reason: Reason;
  message: string;
  /** What it is about: a GitSync of that name stays as it is. Without it, nobody knows which ones are still wanted. */
  sync?: SyncName;
  /** It may be over in a moment: tried again soon, not only when something changes. */
  transient?: boolean;
}

/** What one generator read from outside; a list reads nothing. */
export interface Found {
  /** Paths of the folders that match. */
  folders?: readonly string[];
  /** ref@commit of them. */
  revision?: string;
  /** Names of the namespaces that match. */
  namespaces?: readonly string[];
  /** Why that is not known. */
  problem?: SetProblem;
}

export interface GeneratorInputs {
  /** By generator, in their order. */
  found: readonly Found[];
  /** The only namespace whose sets may make GitSyncs in others. */
  systemNamespace: string;
}

export interface Generated {
  syncs: GeneratedSync[];
  problems: SetProblem[];
}

export interface SetPlan {
  /** `live` is what there is of it now. */
  writes: { sync: GeneratedSync; live?: GitSync }[];
  deletes: GitSync[];
  problems: SetProblem[];
}

export const idOf = ({ namespace, name }: { namespace?: string; name: string }): string => `${namespace}/${name}`;

export const nameOfId = (id: string): SyncName => ({
  namespace: id.slice(0, id.indexOf('/')),
  name: id.slice(id.indexOf('/') + 1),
});
