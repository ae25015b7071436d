import { annotations } from '../../api/annotations.ts';
import type { GitSync, HookEntry, HookState } from '../../api/gitsync.ts';
import type { HookPhase } from '../../api/hooks.ts';
import { type KubeObject, keyOf, keyString } from '../../api/meta.ts';
import { hashOf } from '../../snapshot/index.ts';
import type { HookRun } from '../state/hook-run.ts';
import { type Readings, versionOf } from '../state/sync-state.ts';
import { short } from '../state/trace.ts';
import type { Hook } from './hook.ts';

/** Of a revision, what tells whether its hooks are to be run. */
export interface Due {
  revision: string;
  /** Of the commit, the spec, and what else it was rendered from. */
  version: string;
  content: string;
  hooksContent: string;
  /** Whether a plan has something to apply or to delete, but for what a Hold puts in the place of a release. */
  hasWork: boolean;
  /** A part of the revision is held. */
  isHeld: boolean;
  /** The revision was applied before anybody knew of its hooks: the same commit, and nothing else is new, or to be done. */
  isApplied: boolean;
}

/** Of all that a revision is rendered from. */
export const versionIn = ({ spec }: GitSync, readings: Readings, commit: string): string =>
  digestOf([versionOf(readings, commit), spec]);

export const digestOf = (value: unknown): string => short(hashOf(value));

/** @param hashOfObject which tells nothing of a Secret */
export const contentOf = (
  hooks: readonly Hook[],
  objects: readonly KubeObject[],
  hashOfObject: (object: KubeObject) => string,
): Pick<Due, 'content' | 'hooksContent'> => {
  const said = (object: KubeObject): string => `${keyString(keyOf(object))} ${hashOfObject(object)}`;
  const ofHooks = hooks.map(({ object }) => said(object)).toSorted();
  return { content: digestOf([ofHooks, objects.map(said).toSorted()]), hooksContent: digestOf(ofHooks) };
};

/**
 * Hooks run once for a revision that brings something new: another commit, spec or value, and other objects or hooks.
 * A rollback brings nothing new, nor does a commit that only goes on to be held.
 */
export const isDue = (before: HookRun | null | undefined, due: Due): boolean => {
  if (!before) return !due.isApplied;
  const { run } = before;
  if (run.version === due.version || run.content === due.content) return false;
  return due.hasWork || (!due.isHeld && run.hooksContent !== due.hooksContent);
};

/** A person asked for it since a hook was seen to fail; not for a release that is held by now. */
export const isAskedAgain = ({ run }: HookRun, { version, isHeld, hasWork }: Due, sync: GitSync): boolean => {
  if (run.state !== 'Failed' || run.version !== version || (isHeld && !hasWork)) return false;
  return requestOf(sync) !== '' && requestOf(sync) !== run.requestedAt;
};

/**
 * A run that is not begun once more. The same content in another commit goes on with it, and so does a commit that
 * applies nothing beside what this one applied: that is still to be checked. What was given up, for what was there before
 * it, has failed, until its own commit is back.
 * @param lastApplied the revision that the status says is applied
 */
export const carriedOver = (before: HookRun, { version, content }: Due, lastApplied: string | undefined): HookRun => {
  const { run, entries } = before;
  if (run.version === version || run.content === content) {
    const isGivenUp = run.state === 'Failed' && entries.every(({ state }) => state !== 'Failed');
    return { run: { ...run, version, ...(isGivenUp && { state: 'Running' }) }, entries };
  }
  if (run.state !== 'Running') return before;
  return wasApplied(before, lastApplied) ? { run: { ...run, version }, entries } : withState(before, 'Failed');
};

/** After its hooks of the phase PreSync, and before those of PostSync. */
const wasApplied = (hooks: HookRun, lastApplied: string | undefined): boolean =>
  entriesIn(hooks, 'PreSync').every(({ state }) => isOver(state) && state !== 'Failed') &&
  (hooks.run.revision === lastApplied || entriesIn(hooks, 'PostSync').some(({ startTime }) => startTime !== undefined));

const requestOf = ({ metadata }: GitSync): string =>
  (metadata.annotations?.[annotations.requestedAt] ?? '').slice(0, 256);

/** A hook was just seen to fail: who asked until then did not know of it. */
export const askedBeforeFailure = ({ run, entries }: HookRun, sync: GitSync): HookRun => ({
  run: { ...run, requestedAt: requestOf(sync) },
  entries,
});

/** @param before of the same version: it is run again */
export const newRun = (
  sync: GitSync,
  hooks: readonly Hook[],
  { revision, version, content, hooksContent }: Due,
  before?: HookRun,
): HookRun => {
  const isInstall = before ? before.run.isInstall : sync.status?.lastAppliedRevision === undefined;
  return {
    run: {
      revision: revision.slice(0, 512),
      state: 'Running',
      version,
      content,
      hooksContent,
      id: before ? digestOf([before.run.id, 'again']) : version,
      isInstall,
      requestedAt: requestOf(sync),
    },
    entries: entriesOf(hooks, ['PreSync', 'PostSync'], isInstall),
  };
};

/** For a revision that was applied before: none of its hooks is run, and the next one is compared with it. */
export const neverRun = (sync: GitSync, hooks: readonly Hook[], due: Due): HookRun => ({
  run: { ...newRun(sync, hooks, due).run, state: 'Succeeded' },
  entries: [],
});

/**
 * With what stays of an earlier run, as it ended then: what Helm makes at an install serves the upgrades that follow.
 * @param hooks as Git has them now
 */
export const withStaying = (next: HookRun, { entries }: HookRun, hooks: readonly Hook[]): HookRun => {
  const again = new Set(next.entries.map(keyOfEntry));
  const kept = new Set(hooks.filter(({ deletedAfter }) => !deletedAfter.succeeded).map(({ key }) => key));
  const staying = entries.filter((entry) => {
    const key = keyOfEntry(entry);
    return entry.phase !== 'SyncFail' && entry.state === 'Succeeded' && kept.has(key) && !again.has(key);
  });
  return { run: next.run, entries: [...staying, ...next.entries] };
};

/** The hooks of these phases, none of which has begun. */
export const entriesOf = (hooks: readonly Hook[], phases: readonly HookPhase[], isInstall: boolean): HookEntry[] =>
  phases.flatMap((phase) =>
    hooks
      .filter(({ times }) =>
        times.some(({ phase: of, only }) => of === phase && (!only || (only === 'install') === isInstall)),
      )
      .map(({ object: { kind, metadata } }) => ({
        kind,
        ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
        name: metadata.name,
        phase,
        state: 'Pending' as const,
      })),
  );

/** keyString of the object that an entry is about. */
export const keyOfEntry = ({ kind, namespace = '', name }: HookEntry): string =>
  keyString({ group: GROUPS[kind] ?? '', kind, namespace, name });

const RBAC = 'rbac.authorization.k8s.io';
const GROUPS: Readonly<Record<string, string>> = {
  Job: 'batch',
  Role: RBAC,
  RoleBinding: RBAC,
  ClusterRole: RBAC,
  ClusterRoleBinding: RBAC,
};

export const withEntry = ({ run, entries }: HookRun, changed: HookEntry): HookRun => ({
  run,
  entries: entries.map((entry) => (isSame(entry, changed) ? changed : entry)),
});

const isSame = (a: HookEntry, b: HookEntry): boolean => a.phase === b.phase && keyOfEntry(a) === keyOfEntry(b);

export const withState = ({ run, entries }: HookRun, state: HookRun['run']['state']): HookRun => ({
  run: { ...run, state },
  entries,
});

export const isOver = (state: HookState): boolean => state !== 'Pending' && state !== 'Running';

export const entriesIn = ({ entries }: HookRun, phase: HookPhase): HookEntry[] =>
  entries.filter((entry) => entry.phase === phase);

/** What the object of a hook is marked with: that it was made for this run, in this phase. */
export const markOf = ({ run }: HookRun, phase: HookPhase): string => `${run.id}-${phase}`;

/** `Job shop/migrate`: the hook in messages. */
export const describeEntry = ({ kind, namespace, name }: HookEntry): string =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
