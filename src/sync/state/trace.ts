import { hash } from 'node:crypto';
import type { GitSync } from '../../api/gitsync.ts';
import { ownerLabelOf } from '../../api/gitsync-names.ts';
import type { KubeObject } from '../../api/meta.ts';
import { isWorkloadOptedIn } from '../../api/optin.ts';
import type { WatchCache } from '../../kube/index.ts';
import { hashOf } from '../../snapshot/index.ts';
import { ignoreRulesFor } from '../../ssa/ignore-rules.ts';
import { appliedAt, markOf } from '../../ssa/marks.ts';
import type { PlannedObject } from '../plan/types.ts';

/**
 * What the status keeps of one apply, so that the next process knows of it without another one. Of equal traces, `sent`
 * says that the same would be sent again, and `noted` that nobody changed the object since.
 */
export interface Trace {
  sent: string;
  noted: string;
}

/** Another one than the version before had: what is sent for the same plan is something else. All is applied once again. */
export const FORMAT = 1;

export interface SentPorts {
  namespaces: Pick<WatchCache, 'get'>;
  scaled: { isScaled(object: KubeObject, planned: readonly PlannedObject[]): boolean };
}

/** Identity of everything that decides what an apply of the planned object sends. */
export const sentOf = (
  sync: GitSync,
  { object, hash: planned, digests, hold }: PlannedObject,
  { live, all }: { live: KubeObject | undefined; all: readonly PlannedObject[] },
  { namespaces, scaled }: SentPorts,
): string => {
  const annotations = { ...object.metadata.annotations, ...live?.metadata.annotations };
  const namespace = namespaces.get({ name: object.metadata.namespace ?? '' });
  return short(
    hashOf([
      FORMAT,
      planned,
      sync.spec.drift,
      ignoreRulesFor(sync, object, scaled.isScaled(object, all)),
      hold?.spec.target.snapshotRef.name,
      digests !== undefined && isWorkloadOptedIn({ ...object, metadata: { annotations } }, namespace),
    ]),
  );
};

/**
 * Identity of what the API server noted about this GitSync's last apply to the object: every change by somebody else to
 * what was applied moves it, and so does another apply. An empty text where the GitSync did not apply the object.
 */
export const notedOf = (sync: GitSync, object: KubeObject): string => {
  const label = ownerLabelOf(sync);
  const mark = markOf(object, label);
  return mark === '' ? '' : short(`${object.metadata.uid} ${appliedAt(object, label)} ${mark}`);
};

/** 84 bits: the status has up to 1,000 of them. */
export const short = (text: string): string => hash('sha256', text, 'base64url').slice(0, 14);

/** So many, however many objects there are: of a group that is as it was, each object is. */
const GROUPS = 256;

/** For inventories that are too long to be listed: one digest for each group of objects. */
export const groupDigests = (traces: ReadonlyMap<string, Trace>): string[] => {
  const groups = Map.groupBy([...traces.keys()].toSorted(), groupOfKey);
  const digestOf = (keys: readonly string[] = []): string =>
    keys.length === 0 ? '' : short(JSON.stringify(keys.map((key) => [key, traces.get(key)])));
  return Array.from({ length: GROUPS }, (_, group) => digestOf(groups.get(group)));
};

export const groupOfKey = (key: string): number => hash('sha256', key, 'buffer').readUInt8();
