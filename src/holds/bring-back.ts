import type { RollbackHold } from '../api/hold.ts';
import { describeKey, type KubeObject } from '../api/meta.ts';
import type { Reason } from '../api/reasons.ts';
import { LIVE_MANAGER, runningRelease, type Snapshot } from '../snapshot/index.ts';
import { explained } from './account-words.ts';
import { applySnapshot, tryOut } from './apply-snapshot.ts';
import { otherToolOf } from './live.ts';
import { missingWords } from './missing-needs.ts';
import { patchTemplate } from './patch-template.ts';
import type { Prepared } from './prepare.ts';
import { workloadOf } from './rules.ts';
import type { Account, EnforcePorts } from './types.ts';

/** What was applied, or why nothing is. */
export type BroughtBack = { digest: string; notes: string[] } | { reason: Reason; message: string };

/**
 * Applies the target: in the name of the GitSync that the snapshot is of, with the account that this GitSync names now;
 * without a GitSync, the template alone, with the controller's own rights.
 */
export const bringBack = async (
  hold: RollbackHold,
  live: KubeObject,
  { snapshot, account, surroundings }: Prepared,
  ports: EnforcePorts,
): Promise<BroughtBack> => {
  const tool = otherToolOf(live);
  if (tool !== undefined) {
    const message = `${describeKey(workloadOf(hold))} is applied by ${tool}, which would undo it`;
    return { reason: 'OwnedByOtherTool', message };
  }
  const refused = account && refusedBy(account, snapshot);
  if (refused !== undefined)
    return { reason: 'HoldFailed', message: `release ${hold.spec.target.release} is not applied: ${refused}` };
  // What refuses the workload is heard before its configuration is touched.
  const [{ missing, found }, preview] = await Promise.all([
    surroundings(),
    account && snapshot.config.length > 0 ? tryOut(hold, snapshot, account).catch(explained(account)) : undefined,
  ]);
  if (missing.length > 0) return needsMissing(hold, missing);
  if (!account || !found) {
    const result = await patchTemplate(hold, live, snapshot, ports);
    ports.onApplied(hold);
    return { digest: runningRelease(result).digest, notes: notesOf(snapshot) };
  }
  const around = { newest: { ...found, rejected: live }, preview };
  const notes = await applySnapshot(hold, live, snapshot, account, around, ports).catch(explained(account));
  ports.onApplied(hold);
  return { digest: hold.spec.target.sourceDigest, notes };
};

/** What the platform's policy refuses, in words. */
export const refusedBy = (account: Account, { config, selectors = [], workload }: Snapshot): string | undefined => {
  for (const object of [...config, ...selectors, workload]) {
    const refused = account.refusalOf(object);
    if (refused !== undefined) return refused;
  }
  return undefined;
};

const needsMissing = ({ spec }: RollbackHold, missing: readonly string[]): BroughtBack => ({
  reason: 'TargetNeedsMissing',
  message: `release ${spec.target.release} can't run: ${missingWords(missing)}`,
});

/** Only the template of a workload whose GitSync is gone goes back. */
const notesOf = ({ fieldManager, config }: Snapshot): string[] => {
  if (fieldManager === LIVE_MANAGER || config.length === 0) return [];
  const names = config.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ');
  return [`its configuration (${names}) is left as it is: the GitSync that applied it is gone`];
};
