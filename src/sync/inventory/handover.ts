import { applyRuleOf } from '../../api/apply-rule.ts';
import { parseDuration } from '../../api/common.ts';
import { conditionIs } from '../../api/conditions.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { keyOfSync } from '../../api/gitsync-names.ts';
import { keyOf, keyString } from '../../api/meta.ts';
import type { PlatformPolicySpec } from '../../api/platform-policy.ts';
import type { Clock } from '../../clock.ts';
import { refusalOfObject, refusalOfSync } from '../../policy/platform.ts';
import type { Input } from '../../render/index.ts';
import { hashOf } from '../../snapshot/index.ts';
import { isSameSource, type Sources } from '../../source/heads.ts';
import type { Plan } from '../plan/types.ts';

/** What one GitSync's newest plan was made from. */
export interface PlannedFrom {
  commit: string;
  inputs: readonly Input[];
}

/**
 * What the GitSyncs want, so that an object which leaves one of them for another one is neither deleted nor made anew.
 * Only between GitSyncs whose writes are made with the same rights: nobody gets by it what he could not write himself.
 */
export interface Handover {
  /** To be told of every plan before it is carried out. Who waits for it hears of it. */
  note(sync: GitSync, made: Plan, from: PlannedFrom): void;
  /** The plan of an earlier process stands, and has these objects. */
  resumed(sync: GitSync, keys: readonly string[], from: PlannedFrom): void;
  /** This commit can't be planned: nobody waits for it. */
  stuck(sync: GitSync, commit: string): void;
  /** The object is gone: those who want it and were refused it hear of it. */
  freed(key: string): void;
  /** The GitSync is gone. */
  forget(sync: string): void;
  /** Another one whose newest plan has the object: it takes it over. */
  wantedBy(sync: GitSync, key: string): GitSync | undefined;
  /**
   * Others that may want these objects, and have not said so yet: those of the same source that have not planned the
   * commit, and those that were refused an object before this process began. None after the sync's timeout.
   */
  awaited(sync: GitSync, commit: string, keys: readonly string[]): { names: string[]; untilMs: number } | undefined;
  /** Whether the owner has let go of the object, by its newest plan, for one that writes with the same rights. */
  mayTake(sync: GitSync, owner: GitSync, key: string): boolean;
}

export interface HandoverPorts {
  clock: Clock;
  /** All that there are, with the platform's defaults. */
  syncs: () => readonly GitSync[];
  /** The same, by `namespace/name`. */
  syncOf: (key: string) => GitSync | undefined;
  sources: Pick<Sources, 'head' | 'holds'>;
  policy: () => PlatformPolicySpec;
  /** What this GitSync waits for may have come. */
  onChange: (sync: string) => void;
}

interface Intent extends PlannedFrom {
  keys: ReadonlySet<string>;
}

export const createHandover = ({ clock, syncs, syncOf, sources, policy, onChange }: HandoverPorts): Handover => {
  const intents = new Map<string, Intent>();
  /** By keyString, the keys of the GitSyncs that want it. */
  const wanted = new Map<string, Set<string>>();
  const stuckAt = new Map<string, string>();
  /** By the key of a GitSync, those that hear of its next plan. */
  const listeners = new Map<string, Set<string>>();
  const waits = new Map<string, { what: string; since: number }>();

  const listen = (to: GitSync, listener: GitSync): void => {
    const known = listeners.get(keyOfSync(to)) ?? new Set();
    listeners.set(keyOfSync(to), known.add(keyOfSync(listener)));
  };
  const tell = (sync: string): void => {
    const told = listeners.get(sync) ?? [];
    listeners.delete(sync);
    for (const listener of told) onChange(listener);
  };
  const replace = (sync: string, keys: ReadonlySet<string>): boolean => {
    const before = intents.get(sync)?.keys ?? new Set();
    for (const key of before) {
      const others = wanted.get(key);
      if (keys.has(key) || !others?.delete(sync)) continue;
      if (others.size === 0) wanted.delete(key);
    }
    for (const key of keys) wanted.set(key, (wanted.get(key) ?? new Set()).add(sync));
    return before.size !== keys.size || [...keys].some((wants) => !before.has(wants));
  };

  const hasPlanned = (sync: GitSync, commit: string): boolean => {
    const intent = intents.get(keyOfSync(sync));
    if (!intent) return false;
    return intent.commit === commit || sources.holds(sync, intent.inputs);
  };
  const isAwaited = (sync: GitSync, other: GitSync, commit: string): boolean => {
    const key = keyOfSync(other);
    if (key === keyOfSync(sync) || other.spec.suspend || other.metadata.deletionTimestamp !== undefined) return false;
    if (!haveSameRights(sync, other) || refusalOfSync(other, policy())) return false;
    if (!isSameSource(sync, other)) return wasRefused(other) && !intents.has(key);
    const stuck = sources.head(other) instanceof Error || stuckAt.get(key) === commit;
    return !stuck && !hasPlanned(other, commit);
  };

  const intend = (sync: GitSync, keys: ReadonlySet<string>, from: PlannedFrom): void => {
    const key = keyOfSync(sync);
    const isNew = replace(key, keys) || intents.get(key)?.commit !== from.commit;
    intents.set(key, { ...from, keys });
    stuckAt.delete(key);
    if (isNew) tell(key);
  };

  return {
    note: (sync, made, from) => intend(sync, keysOf(sync, made, policy()), from),
    resumed: (sync, keys, from) => intend(sync, new Set(keys), from),
    stuck(sync, commit) {
      stuckAt.set(keyOfSync(sync), commit);
      tell(keyOfSync(sync));
    },
    freed(key) {
      for (const sync of wanted.get(key) ?? []) onChange(sync);
    },
    forget(sync) {
      replace(sync, new Set());
      for (const map of [intents, stuckAt, waits]) map.delete(sync);
      tell(sync);
    },
    wantedBy(sync, key) {
      const others = [...(wanted.get(key) ?? [])].filter((name) => name !== keyOfSync(sync)).map(syncOf);
      const next = others.find((o) => o && o.metadata.deletionTimestamp === undefined && haveSameRights(sync, o));
      if (next) listen(next, sync);
      return next;
    },
    awaited(sync, commit, keys) {
      const others = syncs().filter((other) => isAwaited(sync, other, commit));
      if (others.length === 0) {
        waits.delete(keyOfSync(sync));
        return undefined;
      }
      const what = hashOf(keys.toSorted());
      const known = waits.get(keyOfSync(sync));
      const wait = known?.what === what ? known : { what, since: clock.now() };
      waits.set(keyOfSync(sync), wait);
      const untilMs = wait.since + parseDuration(sync.spec.timeout);
      if (clock.now() >= untilMs) return undefined;
      for (const other of others) listen(other, sync);
      return { names: others.map(keyOfSync), untilMs };
    },
    mayTake(sync, owner, key) {
      if (!haveSameRights(sync, owner)) return false;
      const intent = intents.get(keyOfSync(owner));
      if (intent && !intent.keys.has(key)) return true;
      // It would plan the commit only after this one, which waits for it to let go.
      const commit = intents.get(keyOfSync(sync))?.commit ?? '';
      if (isSameSource(sync, owner) && !hasPlanned(owner, commit) && dependsOn(owner, sync, syncOf)) return true;
      listen(owner, sync);
      return false;
    },
  };
};

/** What it applies, or would if nothing was held. What Git itself leaves to others it does not want. */
const keysOf = (sync: GitSync, { desired, keep, kept }: Plan, policy: PlatformPolicySpec): Set<string> => {
  const applied = desired.filter(
    ({ object }) => applyRuleOf(object) !== 'Ignore' && !refusalOfObject(sync, object, policy),
  );
  const held = kept.filter(({ reason }) => reason === 'ReleaseHeld');
  return new Set([...applied.map(({ object }) => keyString(keyOf(object))), ...[...keep, ...held].map((k) => k.key)]);
};

const dependsOn = (sync: GitSync, other: GitSync, syncOf: (key: string) => GitSync | undefined): boolean => {
  const seen = new Set<string>();
  const next = [sync];
  for (let one = next.pop(); one; one = next.pop()) {
    for (const { name } of one.spec.dependsOn) {
      const key = `${one.metadata.namespace}/${name}`;
      if (key === keyOfSync(other)) return true;
      const behind = seen.has(key) ? undefined : syncOf(key);
      seen.add(key);
      if (behind) next.push(behind);
    }
  }
  return false;
};

/** The controller's own, or those of the same ServiceAccount. */
const haveSameRights = (a: GitSync, b: GitSync): boolean => {
  const account = a.spec.serviceAccountName;
  if (account !== b.spec.serviceAccountName) return false;
  return account === undefined || a.metadata.namespace === b.metadata.namespace;
};

const wasRefused = ({ status }: GitSync): boolean =>
  status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'OwnedByAnother') === true &&
  conditionIs(status.conditions, 'Ready', 'False');
