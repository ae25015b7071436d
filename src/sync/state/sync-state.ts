import type { DriftEntry, GitSync, GitSyncStatus } from '../../api/gitsync.ts';
import type { KubeObject, ObjectMeta } from '../../api/meta.ts';
import type { ReasonError } from '../../api/reason-error.ts';
import type { Input, ReadRelease, ReadVariables } from '../../render/index.ts';
import type { ReadDecryption } from '../../sops/types.ts';
import type { Source } from '../../source/types.ts';
import type { Kept } from '../plan/kept.ts';
import type { HookRun } from './hook-run.ts';
import type { Trace } from './trace.ts';
import type { Unrecorded } from './unrecorded.ts';

/** What this process knows of one object that it applied. */
export interface AppliedObject {
  hash: string;
  /** What a change by somebody else moves, as `markOf` tells it; empty where the object is not there. */
  mark: string;
  /** As the answer had them: what a watch shows may still be older. */
  resourceVersion: string;
  generation: number;
  /** When the answer came, in milliseconds since the epoch. */
  at: number;
  uid: string;
  /** See `sentOf` and `notedOf`. */
  trace: Trace;
  /** Digest of the release that was applied, for workloads. */
  sourceDigest?: string;
}

/** What an earlier process applied: no watch is still to show it. */
export const appliedEarlier = (
  live: KubeObject | undefined,
  known: Pick<AppliedObject, 'hash' | 'mark' | 'trace' | 'sourceDigest'>,
): AppliedObject => {
  const { resourceVersion = '', generation = 0, uid = '' } = live?.metadata ?? {};
  return { ...known, resourceVersion, generation, at: 0, uid };
};

export interface Correction {
  /** Who changed what: the same again is a quarrel. */
  by: string;
  path: string;
  times: number;
  at: number;
}

/** What the last plan that was carried out in full was made from. A sync that would plan the same again does nothing. */
export interface Planned {
  source: Source;
  commit: string;
  /** Of all that it was rendered from, see `versionIn`. */
  version: string;
  /** The spec, and the holds. */
  fingerprint: string;
  inputs: readonly Input[];
  /** See `originOf`; undefined where the next process has to plan in any case. */
  origin?: string | undefined;
}

/** Memory of one GitSync between two syncs. What of it a status does not give back costs one apply for each object. */
export interface SyncState {
  applied: Map<string, AppliedObject>;
  /** What an earlier process applied was looked for. */
  recalled?: boolean;
  /** As they were read last; undefined where spec.postBuild is not set. */
  variables?: ReadVariables | undefined;
  /** What the chart was rendered with last; undefined where none is rendered, as far as anybody knows. */
  release?: ReadRelease | undefined;
  /** As its keys were read last; undefined where spec.decryption is not set. */
  decryption?: ReadDecryption | undefined;
  /** Whether the last plan of an earlier process still stands was asked. */
  resumed?: boolean;
  drifted: Set<string>;
  planned?: Planned;
  /** Differences that spec.drift says to report only. */
  reported: Map<string, DriftEntry>;
  /** Bytes of the manifests of the last render. */
  renderedBytes?: number;
  /** Corrections of drift made lately, and how often for the same cause. */
  corrections: Map<string, Correction>;
  inventory: Map<string, string>;
  /** There may be more that is ours: not every kind could be asked. */
  unread?: boolean;
  /** The part of the inventory that left Git and was not deleted, by key. */
  kept: Map<string, Kept>;
  /** The part of the inventory that Git itself says to leave to others: nobody waits for it. */
  untouched: Set<string>;
  /** Releases that are applied and not recorded, so that no rollback can go to them. */
  unrecorded: Map<string, Unrecorded>;
  /** Kinds of which nobody tells a change, `Role.rbac.authorization.k8s.io`: they are read at each interval. */
  unwatched: Set<string>;
  /** When they were, in milliseconds since the epoch. */
  lookedAt?: number;
  /** The GitSync as its last status write returned it: the watch may show an older one for a while. */
  written?: { uid: string; resourceVersion: string; at: number; status: GitSyncStatus };
  /** Keys of the GitSyncs that depend on this one and wait for its newest revision. */
  followers: Set<string>;
  /** What was `spec.ignoreDifferences` when the objects were applied. */
  ignoreDifferences?: GitSync['spec']['ignoreDifferences'];
  /** How often in a row this was tried and failed. */
  failing?: { what: string; times: number };
  /** What can't be rendered, whoever tries: it is not rendered again as long as it is the same. */
  unrenderable?: { what: string; error: ReasonError };
  /** The hooks that were run last; null: none. undefined: the status was not asked yet. */
  hooks?: HookRun | null;
  /** Milliseconds until there is more to do for hooks, of which no watch tells. */
  hooksAgainInMs?: number | undefined;
  /** Since when objects are waited for, by what was planned. */
  waitingSince?: { fingerprint: string; at: number };
}

export const newSyncState = (): SyncState => ({
  applied: new Map(),
  drifted: new Set(),
  reported: new Map(),
  corrections: new Map(),
  inventory: new Map(),
  kept: new Map(),
  untouched: new Set(),
  unrecorded: new Map(),
  unwatched: new Set(),
  followers: new Set(),
});

/** What is read for a render beside the source. */
export type Readings = Pick<SyncState, 'variables' | 'decryption' | 'release'>;

/** Of the variables, of the keys, and of what a chart is rendered with: those that there are. */
export const digestsOf = ({ variables, decryption, release }: Readings): string[] => [
  ...(variables ? [variables.digest] : []),
  ...(decryption ? [decryption.digest] : []),
  ...(release ? [`chart ${release.digest}`] : []),
];

/** What the objects are rendered from, beside the spec: the commit, and what was read for it. */
export const versionOf = (readings: Readings, commit: string): string => [commit, ...digestsOf(readings)].join(' ');

/** A watch is not later than this; after it, an older version is one that a restored etcd went back to. */
const LAG_MS = 60_000;

/** Whether a watched copy is of before our write, which the watch is still to show. */
export const isOlder = (
  { resourceVersion = '' }: ObjectMeta,
  applied: Pick<AppliedObject, 'resourceVersion' | 'at'>,
  now: number,
): boolean =>
  now - applied.at < LAG_MS &&
  isCount(resourceVersion) &&
  isCount(applied.resourceVersion) &&
  BigInt(resourceVersion) < BigInt(applied.resourceVersion);

/** Whether its fields may have changed since our apply: a kind with a generation does not count its status. */
export const isNewer = ({ generation, resourceVersion }: ObjectMeta, applied: AppliedObject): boolean =>
  generation === undefined ? resourceVersion !== applied.resourceVersion : generation !== applied.generation;

/** An aggregated API server may count in another way. */
const isCount = (version: string): boolean => /^\d+$/.test(version);
