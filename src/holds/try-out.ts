import { type Hold, isRollback } from '../api/hold.ts';
import { isRejected, KubeError } from '../kube/index.ts';
import { explained } from './account-words.ts';
import { tryOut } from './apply-snapshot.ts';
import { refusedBy } from './bring-back.ts';
import { readTarget, TargetError } from './target.ts';
import type { Account, EnforcePorts } from './types.ts';

/**
 * Applies the workload of a Hold's target as a dry run, with the rights with which the Hold would.
 *
 * @returns why it was refused, in words; undefined: it was not. Rejects with KubeError where nobody answered.
 */
export const refusalOfTarget = async (
  hold: Hold,
  { client, snapshots, accountOf }: Pick<EnforcePorts, 'client' | 'snapshots' | 'accountOf'>,
): Promise<string | undefined> => {
  if (!isRollback(hold)) return undefined;
  try {
    const snapshot = await readTarget(hold, snapshots);
    const account = accountOf(snapshot.fieldManager) ?? controllers(client);
    const refused = refusedBy(account, snapshot);
    if (refused === undefined) await tryOut(hold, snapshot, account).catch(explained(account));
    return refused;
  } catch (error) {
    if (error instanceof TargetError || (error instanceof KubeError && isRejected(error))) return error.message;
    throw error;
  }
};

/** Where no GitSync applies the workload (any more). */
const controllers = (client: EnforcePorts['client']): Account => ({
  writer: client,
  fieldManager: 'metricops',
  refusalOf: () => undefined,
  leavesTo: () => [],
  wordsOf: ({ message }) => message,
});
