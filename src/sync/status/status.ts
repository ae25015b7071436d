import { annotations } from '../../api/annotations.ts';
import { type ConditionInput, withConditions } from '../../api/conditions.ts';
import type { GitSync, GitSyncStatus } from '../../api/gitsync.ts';
import type { StatusPatch } from '../../api/status-patch.ts';
import type { HeldWorkload } from '../../holds/index.ts';
import { versionIn } from '../hooks/run.ts';
import { plannedFrom } from '../state/origin.ts';
import type { SyncState } from '../state/sync-state.ts';
import { no, yes } from './condition.ts';
import {
  driftCondition,
  hooksCondition,
  patchCondition,
  randomCondition,
  readiness,
  recordedCondition,
} from './conditions.ts';
import { hooksStatus } from './hooks-status.ts';
import { gone, inventoryStatus } from './inventory-status.ts';
import type { AppliedOutcome, SyncOutcome } from './outcome.ts';
import { pruneCondition, pruneStatus } from './prune-status.ts';

/** What changes in the status. Equal outcomes give equal statuses, so that nothing is written when nothing changed. */
export const statusOf = (
  sync: GitSync,
  state: SyncState,
  outcome: SyncOutcome,
  now: number,
): StatusPatch<GitSyncStatus> => {
  const before = sync.status ?? {};
  const generation = sync.metadata.generation;
  const requested = sync.metadata.annotations?.[annotations.requestedAt];
  const conditions = (before.conditions ?? []).filter(
    ({ type }) => type !== 'Suspended' || outcome.kind === 'suspended',
  );
  const set = (...inputs: ConditionInput[]) => withConditions(conditions, inputs, { now, generation });
  /** What the outer outcome says is compared with what was said before, not with what the inner one says. */
  const over = (inner: StatusPatch<GitSyncStatus>, ...inputs: ConditionInput[]): StatusPatch<GitSyncStatus> => {
    const said = new Set(inputs.map(({ type }) => type));
    const was = (inner.conditions ?? []).map(
      (one) => conditions.find(({ type }) => type === one.type && said.has(type)) ?? one,
    );
    return { ...inner, conditions: withConditions(was, inputs, { now, generation }) };
  };
  const common = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(requested === undefined ? {} : { lastHandledReconcileAt: requested }),
    ...hooksStatus(before, state),
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
      return over(statusOf(sync, state, outcome.of, now), ...inputs);
    }
    case 'waiting': {
      const inputs = [no('Ready', 'Progressing', outcome.message), yes('Reconciling', 'Progressing', outcome.message)];
      return over(statusOf(sync, state, outcome.of, now), ...inputs);
    }
    case 'attempted': {
      const tries = no('Stalled', 'Progressing', `tries ${outcome.revision}`);
      const inner = outcome.kept && over(statusOf(sync, state, outcome.kept, now), tries);
      return { ...common, conditions: set(tries), ...inner, lastAttemptedRevision: outcome.revision };
    }
    case 'unchanged':
      // The revision's name may be new, for the same content, and an object may have gone over to another GitSync.
      return {
        ...common,
        lastAttemptedRevision: outcome.revision,
        ...inventoryStatus(state),
        ...plannedStatus(state),
        ...pruneStatus(state),
        conditions: set(...readiness(outcome.revision, [], state, undefined), pruneCondition(sync, state, undefined)),
      };
    case 'applied':
      return {
        ...common,
        ...appliedStatus(sync, state, outcome, now),
        conditions: set(
          ...readiness(outcome.revision, outcome.problems, state, outcome),
          driftCondition(outcome, sync, state, now),
          pruneCondition(sync, state, outcome.plan),
          ...recordedCondition(sync, state),
          ...hooksCondition(sync, outcome),
          ...patchCondition(sync, outcome),
          ...randomCondition(sync, outcome),
        ),
      };
  }
};

const plannedStatus = ({ planned, release }: SyncState): StatusPatch<Pick<GitSyncStatus, 'plannedFrom'>> => ({
  plannedFrom: (planned && plannedFrom(planned, release !== undefined)) ?? gone,
});

const appliedStatus = (
  sync: GitSync,
  state: SyncState,
  outcome: AppliedOutcome,
  now: number,
): StatusPatch<GitSyncStatus> => {
  const { commit, revision, plan, problems, blocked, reported } = outcome;
  const { heldRevision, heldRevisionTime } = sync.status ?? {};
  const held = plan.held.map(heldEntry);
  const time = new Date(now).toISOString();
  const since = heldRevision === revision ? (heldRevisionTime ?? time) : time;
  return {
    lastAttemptedRevision: revision,
    ...(problems.length === 0 && !blocked
      ? {
          lastAppliedRevision: revision,
          appliedVersion: versionIn(sync, state, commit),
          appliedChart: chartIn(state) ?? gone,
        }
      : {}),
    heldRevision: held.length > 0 ? revision : gone,
    heldRevisionTime: held.length > 0 ? since : gone,
    held,
    ...inventoryStatus(state),
    ...plannedStatus(state),
    ...pruneStatus(state),
    drift: reported && reported.length > 0 ? reported.slice(0, 20) : gone,
    lastSyncTime: time,
  };
};

const chartIn = ({ release }: SyncState): GitSyncStatus['appliedChart'] => {
  const { version, digest } = release?.release.chart ?? {};
  return version === undefined || digest === undefined ? undefined : { version, digest };
};

const heldEntry = ({ workload, hold, digest }: HeldWorkload): NonNullable<GitSyncStatus['held']>[number] => {
  const { creationTimestamp } = hold.metadata;
  const { target, incidentRef } = hold.spec;
  return {
    workloadRef: workload,
    holdRef: { name: hold.metadata.name },
    digest,
    targetRelease: target.release,
    ...(creationTimestamp === undefined ? {} : { heldTime: creationTimestamp }),
    ...(incidentRef === undefined ? {} : { incidentRef }),
  };
};
