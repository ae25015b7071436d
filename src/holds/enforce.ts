import type { RollbackHold } from '../api/hold.ts';
import { describeKey, type KubeObject, keyString } from '../api/meta.ts';
import { isRejected, KubeError, workloadResource } from '../kube/index.ts';
import { LIVE_MANAGER, runningRelease, type Snapshot } from '../snapshot/index.ts';
import { applySnapshot, patchTemplate } from './apply-snapshot.ts';
import { otherToolOf } from './live.ts';
import { workloadOf } from './rules.ts';
import { type Outcome, writeStatus } from './status.ts';
import { deleteStuckPods } from './stuck-pods.ts';
import { readTarget, TargetError } from './target.ts';
import type { EnforcePorts } from './types.ts';

/**
 * Brings a Hold's target back from its snapshot. It needs no Git, no render and no other GitSync, and it does not wait
 * for any of them. Level-triggered: doing it twice is doing it once.
 *
 * What the API server refuses is said in the status. Rejects with KubeError when it is worth another try.
 */
export const enforceHold = async (hold: RollbackHold, ports: EnforcePorts): Promise<void> => {
  if (hold.metadata.deletionTimestamp !== undefined) return;
  if (hold.status?.observedGeneration === hold.metadata.generation && hold.status?.phase !== 'Pending') return;
  try {
    await conclude(hold, await bringBack(hold, ports), ports);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const phase = isRejected(error) ? 'Failed' : 'Pending';
    const message = `release ${hold.spec.target.release} is not applied: ${error.message}`;
    const said = hold.status?.conditions?.find(({ type }) => type === 'Held');
    if (hold.status?.phase !== phase || said?.message !== message) {
      await conclude(hold, { phase, reason: 'HoldFailed', message }, ports);
    }
    if (phase === 'Pending') throw error;
  }
};

type Concluded = Outcome & Required<Pick<Outcome, 'phase'>>;

const conclude = async (hold: RollbackHold, outcome: Concluded, ports: EnforcePorts): Promise<void> => {
  ports.metrics.holdsApplied.inc({ result: outcome.phase.toLowerCase() });
  await writeStatus(hold, outcome, ports);
};

const bringBack = async (hold: RollbackHold, ports: EnforcePorts): Promise<Concluded> => {
  const workload = workloadOf(hold);
  return ports.lock(keyString({ group: 'apps', ...workload }), async () => {
    const [live, snapshot] = await Promise.all([
      ports.client.get(workloadResource(workload.kind), workload),
      readTarget(hold, ports.snapshots).catch((error: unknown) => {
        if (error instanceof TargetError) return error;
        throw error;
      }),
    ]);
    const what = describeKey(workload);
    if (!live) return { phase: 'Failed', reason: 'WorkloadMissing', message: `${what} does not exist` };
    const obstacle = obstacleOf(hold, live, snapshot, what);
    if (obstacle) return obstacle;
    if (snapshot instanceof TargetError) return { phase: 'Failed', reason: snapshot.reason, message: snapshot.message };
    return apply(hold, live, snapshot, ports);
  });
};

/** What says that nothing is to be applied, before the snapshot is asked. */
const obstacleOf = (
  { spec }: RollbackHold,
  live: KubeObject,
  snapshot: Snapshot | TargetError,
  what: string,
): Concluded | undefined => {
  const { digest } = runningRelease(live);
  if (!spec.rejectedDigests.includes(digest) && digest !== spec.target.sourceDigest)
    return { phase: 'Dormant', reason: 'Dormant', message: `${what} runs a release that is not rejected`, digest };
  const tool = snapshot instanceof TargetError ? undefined : otherToolOf(live);
  if (tool === undefined) return undefined;
  return {
    phase: 'Failed',
    reason: 'OwnedByOtherTool',
    message: `${what} is applied by ${tool}, which would undo it`,
  };
};

const apply = async (
  hold: RollbackHold,
  live: KubeObject,
  snapshot: Snapshot,
  ports: EnforcePorts,
): Promise<Concluded> => {
  const { target } = hold.spec;
  const { objects, notes } =
    snapshot.fieldManager === LIVE_MANAGER
      ? { objects: [await patchTemplate(live, snapshot, ports)], notes: [] }
      : await applySnapshot(hold, live, snapshot, ports);
  ports.onApplied(hold, snapshot.fieldManager, objects);
  if (live.kind === 'StatefulSet') await deleteStuckPods(live, ports);
  const message = [`${describeKey(workloadOf(hold))} is back at release ${target.release}`, ...notes].join('; ');
  return { phase: 'Held', reason: 'RolledBack', message, digest: target.sourceDigest };
};
