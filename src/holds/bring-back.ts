import type { RollbackHold } from '../api/hold.ts';
import { describeKey, type KubeObject } from '../api/meta.ts';
import type { Reason } from '../api/reasons.ts';
import { KubeError } from '../kube/index.ts';
import { LIVE_MANAGER, runningRelease, type Snapshot } from '../snapshot/index.ts';
import { applySnapshot, surveyFor } from './apply-snapshot.ts';
import { otherToolOf } from './live.ts';
import { missingNeedsOf, missingWords } from './missing-needs.ts';
import { patchTemplate } from './patch-template.ts';
import { workloadOf } from './rules.ts';
import { deleteStuckPods } from './stuck-pods.ts';
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
  snapshot: Snapshot,
  ports: EnforcePorts,
): Promise<BroughtBack> => {
  const what = describeKey(workloadOf(hold));
  const tool = otherToolOf(live);
  if (tool !== undefined)
    return { reason: 'OwnedByOtherTool', message: `${what} is applied by ${tool}, which would undo it` };
  const account = ports.accountOf(snapshot.fieldManager);
  if (!account) return bringTemplateBack(hold, live, snapshot, ports);
  for (const object of [...snapshot.config, ...(snapshot.selectors ?? []), snapshot.workload]) {
    const refused = account.refusalOf(object);
    if (refused !== undefined)
      return { reason: 'HoldFailed', message: `release ${hold.spec.target.release} is not applied: ${refused}` };
  }
  const explain = explained(account);
  const [missing, survey] = await Promise.all([
    missingNeedsOf(snapshot, ports.client),
    surveyFor(hold, live, snapshot, account, ports).catch(explain),
  ]);
  if (missing.length > 0) return needsMissing(hold, missing);
  const { objects, notes } = await applySnapshot(hold, live, snapshot, account, survey, ports).catch(explain);
  await after(hold, live, account.fieldManager, objects, ports);
  return { digest: hold.spec.target.sourceDigest, notes };
};

/** No GitSync applies it (any more): what its template needs must be there without us. */
const bringTemplateBack = async (
  hold: RollbackHold,
  live: KubeObject,
  snapshot: Snapshot,
  ports: EnforcePorts,
): Promise<BroughtBack> => {
  const missing = await missingNeedsOf({ ...snapshot, config: [] }, ports.client);
  if (missing.length > 0) return needsMissing(hold, missing);
  const result = await patchTemplate(hold, live, snapshot, ports);
  await after(hold, live, snapshot.fieldManager, [result], ports);
  return { digest: runningRelease(result).digest, notes: notesOf(snapshot) };
};

const needsMissing = ({ spec }: RollbackHold, missing: readonly string[]): BroughtBack => ({
  reason: 'TargetNeedsMissing',
  message: `release ${spec.target.release} can't run: ${missingWords(missing)}`,
});

const after = async (
  hold: RollbackHold,
  live: KubeObject,
  fieldManager: string,
  applied: readonly KubeObject[],
  ports: EnforcePorts,
): Promise<void> => {
  ports.onApplied(hold, fieldManager, applied);
  if (live.kind === 'StatefulSet') await deleteStuckPods(live, ports);
};

/** Only the template of a workload whose GitSync is gone goes back. */
const notesOf = ({ fieldManager, config }: Snapshot): string[] => {
  if (fieldManager === LIVE_MANAGER || config.length === 0) return [];
  const names = config.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ');
  return [`its configuration (${names}) is left as it is: the GitSync that applied it is gone`];
};

const explained =
  (account: Account) =>
  (error: unknown): never => {
    if (!(error instanceof KubeError)) throw error;
    const { status, reason, details, retryAfterSeconds } = error;
    throw new KubeError(account.wordsOf(error), { status, reason, details, retryAfterSeconds, cause: error });
  };
