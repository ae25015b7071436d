import { annotations } from '../api/annotations.ts';
import { type ConditionInput, withConditions } from '../api/conditions.ts';
import type { GitSync, GitSyncStatus } from '../api/gitsync.ts';
import { describeKey, parseKey } from '../api/meta.ts';
import type { Reason } from '../api/reasons.ts';
import { describeDrift } from '../ssa/diff.ts';
import type { ApplyProblem } from './apply/problem.ts';
import { unrecordedWords } from './apply/record-release.ts';
import { driftConflictsOf } from './drift/backoff.ts';
import { kindName } from './drift/unwatched.ts';
import { isPending, type Kept } from './inventory/kept.ts';
import type { Outcome } from './outcome.ts';
import type { Plan } from './plan.ts';
import type { SyncState } from './state.ts';

/** The status that tells of it. Equal outcomes give equal statuses, so that nothing is written when nothing changed. */
export const statusOf = (sync: GitSync, state: SyncState, outcome: Outcome, now: number): GitSyncStatus => {
  const before = sync.status ?? {};
  const generation = sync.metadata.generation;
  const requested = sync.metadata.annotations?.[annotations.requestedAt];
  const conditions = (before.conditions ?? []).filter(
    ({ type }) => type !== 'Suspended' || outcome.kind === 'suspended',
  );
  const set = (...inputs: ConditionInput[]) => withConditions(conditions, inputs, { now, generation });
  const common: GitSyncStatus = {
    ...before,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(requested === undefined ? {} : { lastHandledReconcileAt: requested }),
  };
  switch (outcome.kind) {
    case 'suspended':
      return {
        ...common,
        conditions: set(
          no('Reconciling', 'Suspended', 'suspended'),
          yes('Suspended', 'Suspended', 'spec.suspend is set'),
        ),
      };
    case 'failed': {
      const { reason, message } = outcome;
      const inputs = [
        no('Ready', reason, message),
        no('Reconciling', reason, message),
        outcome.permanent ? yes('Stalled', reason, message) : no('Stalled', reason, message),
      ];
      if (!outcome.of) return { ...common, conditions: set(...inputs) };
      const inner = statusOf(sync, state, outcome.of, now);
      return { ...inner, conditions: withConditions(inner.conditions ?? [], inputs, { now, generation }) };
    }
    case 'waiting': {
      const inner = statusOf(sync, state, outcome.of, now);
      const inputs = [no('Ready', 'Progressing', outcome.message), yes('Reconciling', 'Progressing', outcome.message)];
      return { ...inner, conditions: withConditions(inner.conditions ?? [], inputs, { now, generation }) };
    }
    case 'unchanged':
      // Only the revision's name may be new: the same content under another commit or tag.
      return {
        ...common,
        lastAttemptedRevision: outcome.revision,
        ...pruneStatus(state),
        conditions: set(...readiness(outcome.revision, [], state, undefined), pruneCondition(sync, state, undefined)),
      };
    case 'applied':
      return {
        ...common,
        ...appliedStatus(state, outcome, now),
        conditions: set(
          ...readiness(outcome.revision, outcome.problems, state, outcome),
          driftCondition(outcome, sync, state, now),
          pruneCondition(sync, state, outcome.plan),
          ...recordedCondition(sync, state),
        ),
      };
  }
};

const yes = (type: string, reason: Reason, message: string): ConditionInput => ({
  type,
  status: true,
  reason,
  message,
});
const no = (type: string, reason: Reason, message: string): ConditionInput => ({
  type,
  status: false,
  reason,
  message,
});

type Applied = Extract<Outcome, { kind: 'applied' }>;

const appliedStatus = (state: SyncState, outcome: Applied, now: number): GitSyncStatus => {
  const { revision, plan, problems, blocked, reported } = outcome;
  const held = plan.held.map(({ workload, hold, digest }) => ({
    workloadRef: workload,
    holdRef: { name: hold.metadata.name },
    digest,
  }));
  return {
    lastAttemptedRevision: revision,
    ...(problems.length === 0 && !blocked ? { lastAppliedRevision: revision } : {}),
    heldRevision: held.length > 0 ? revision : gone,
    held,
    ...inventoryStatus(state),
    ...pruneStatus(state),
    drift: reported && reported.length > 0 ? reported.slice(0, 20) : gone,
    lastSyncTime: new Date(now).toISOString(),
  } as GitSyncStatus;
};

/** null takes a field off in a merge patch. */
const gone = null;

/** Above this the names stay where they are anyway, in the label of each object: etcd takes 1.5 MB, and each status write all of it. */
const INVENTORY_MAX = 1_000;

/** What is null leaves the status. */
type InventoryStatus = {
  [Field in 'inventory' | 'inventoryKinds' | 'objectCount']: NonNullable<GitSyncStatus[Field]> | typeof gone;
};

const inventoryStatus = ({ inventory, unwatched }: SyncState): InventoryStatus => {
  const objectCount = inventory.size;
  if (objectCount <= INVENTORY_MAX) {
    return { inventory: entriesOf([...inventory]), inventoryKinds: gone, objectCount };
  }
  const kinds = Map.groupBy([...inventory.keys()].map(parseKey), ({ group, kind }) => `${group}/${kind}`);
  const inventoryKinds = [...kinds.values()].map((keys) => ({
    group: keys[0]?.group ?? '',
    kind: keys[0]?.kind ?? '',
    objectCount: keys.length,
  }));
  // Of kinds that can't be listed nothing but these names would tell a later process what is ours.
  const named = [...inventory].filter(([id]) => unwatched.has(kindName(parseKey(id))));
  return { inventory: named.length > 0 ? entriesOf(named) : gone, inventoryKinds, objectCount };
};

const entriesOf = (inventory: readonly [id: string, v: string][]) => ({
  entries: inventory.map(([id, v]) => ({ id, v })),
});

const readiness = (
  revision: string,
  problems: readonly ApplyProblem[],
  { kept }: SyncState,
  applied: Applied | undefined,
): ConditionInput[] => {
  const inputs: ConditionInput[] = [];
  const [first] = problems;
  if (first) {
    const more = problems.length > 5 ? ` and ${problems.length - 5} more` : '';
    const message = `${problems
      .slice(0, 5)
      .map((p) => cut(p.message))
      .join('; ')}${more}`;
    inputs.push(
      no('Ready', first.reason, message),
      problems.every((p) => p.permanent) ? yes('Stalled', first.reason, message) : no('Stalled', first.reason, message),
    );
  } else if (applied?.plan.emptyRefused) {
    const message = `${revision} renders nothing; pruning everything needs spec.allowEmpty`;
    inputs.push(no('Ready', 'EmptyRender', message), yes('Stalled', 'EmptyRender', message));
  } else if (applied?.plan.confirm !== undefined) {
    const message = `${revision} is applied, but nothing is deleted: ${limitWords(applied.plan)}`;
    inputs.push(no('Ready', 'PruneLimitExceeded', message), yes('Stalled', 'PruneLimitExceeded', message));
  } else {
    inputs.push(
      yes('Ready', 'ReconciliationSucceeded', `applied ${revision}${keptWords(kept)}`),
      no('Stalled', 'ReconciliationSucceeded', `applied ${revision}`),
    );
  }
  inputs.push(no('Reconciling', first?.reason ?? 'ReconciliationSucceeded', `tried ${revision}`));
  if (applied) inputs.push(heldCondition(applied));
  return inputs;
};

/** Of one object's words in the message, which has room for five. */
const PROBLEM_MAX = 700;

const cut = (text: string): string => (text.length <= PROBLEM_MAX ? text : `${text.slice(0, PROBLEM_MAX)}…`);

const KEPT_SHOWN = 5;

const keptWords = (kept: ReadonlyMap<string, Kept>): string =>
  kept.size === 0 ? '' : `; gone from Git and kept: ${listed([...kept.values()])}`;

const listed = (kept: readonly Kept[]): string => {
  const shown = kept.slice(0, KEPT_SHOWN).map(({ key, why }) => `${describeKey(parseKey(key))} (${why})`);
  const more = kept.length > KEPT_SHOWN ? ` and ${kept.length - KEPT_SHOWN} more` : '';
  return `${shown.join(', ')}${more}`;
};

const limitWords = ({ kept }: Plan): string => {
  const names = kept.slice(0, KEPT_SHOWN).map(({ key }) => describeKey(parseKey(key)));
  const more = kept.length > KEPT_SHOWN ? ` and ${kept.length - KEPT_SHOWN} more` : '';
  return `it would delete ${names.join(', ')}${more}, ${kept[0]?.why}`;
};

/** What is put off, and how a person ends it where only a person can. */
const pruneCondition = ({ metadata }: GitSync, { kept }: SyncState, plan: Plan | undefined): ConditionInput => {
  const pending = [...kept.values()].filter(isPending);
  const [first] = pending;
  if (!first) return no('PrunePending', 'ReconciliationSucceeded', 'nothing that left Git waits to be deleted');
  if (plan?.confirm === undefined)
    return yes('PrunePending', first.reason, `left Git and not deleted: ${listed(pending)}`);
  const { namespace, name } = metadata;
  const command = `kubectl annotate gitsync ${name} -n ${namespace} --overwrite ${annotations.pruneConfirmed}=${plan.confirm}`;
  return yes('PrunePending', first.reason, `${limitWords(plan)}; to let these go: ${command}`);
};

const PENDING_MAX = 50;

const pruneStatus = ({ kept }: SyncState): object => {
  const pending = [...kept.values()].filter(isPending).slice(0, PENDING_MAX);
  const entries = pending.map(({ key, reason, why }) => ({ id: key, reason, message: why }));
  return { prunePending: entries.length > 0 ? entries : gone };
};

const heldCondition = ({ plan }: Applied): ConditionInput => {
  const held = plan.held.map(({ workload, hold, notes }) =>
    [
      `${workload.kind} ${workload.namespace}/${workload.name} stays at release ${hold.spec.target.release} (Hold ${hold.metadata.name})`,
      ...notes,
    ].join('; '),
  );
  return held.length > 0
    ? yes('Held', 'ReleaseHeld', held.join('; '))
    : no('Held', 'NothingHeld', 'no release is held');
};

/** Only where there is something to say, or to take back. */
const recordedCondition = ({ status }: GitSync, { unrecorded }: SyncState): ConditionInput[] => {
  if (unrecorded.size > 0) {
    const words = [...unrecorded].slice(0, 5).map(([key, entry]) => cut(unrecordedWords(key, entry)));
    const more = unrecorded.size > words.length ? `; and ${unrecorded.size - words.length} more` : '';
    return [no('Recorded', 'NoRollbackTarget', `${words.join('; ')}${more}`)];
  }
  const known = status?.conditions?.some(({ type }) => type === 'Recorded') ?? false;
  return known
    ? [yes('Recorded', 'ReconciliationSucceeded', 'every release that is applied can be rolled back to')]
    : [];
};

const driftCondition = (
  { reported = [] }: Applied,
  { spec }: GitSync,
  state: SyncState,
  now: number,
): ConditionInput => {
  const kinds = [...state.unwatched].toSorted().join(', ');
  const blind =
    kinds === '' ? '' : `; without a watch, read each ${spec.interval} as ${spec.serviceAccountName}: ${kinds}`;
  const quarrels = driftConflictsOf(state, now);
  if (quarrels.length > 0) return yes('Drifted', 'DriftConflict', `${quarrels.join('; ')}${blind}`);
  return reported.length > 0
    ? yes('Drifted', 'DriftFound', `changed by hand: ${reported.map(describeDrift).join('; ')}${blind}`)
    : no('Drifted', 'ReconciliationSucceeded', `as applied${blind}`);
};
