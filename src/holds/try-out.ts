import { type Hold, isRollback, type RollbackHold } from '../api/hold.ts';
import { describeKey } from '../api/meta.ts';
import { isRejected, KubeError, workloadResource } from '../kube/index.ts';
import { explained } from './account-words.ts';
import { tryOut, tryOutParts } from './apply-snapshot.ts';
import { refusedBy } from './bring-back.ts';
import { missingWords } from './missing-needs.ts';
import { type Prepared, type PreparePorts, prepare } from './prepare.ts';
import { workloadOf } from './rules.ts';
import { TargetError } from './target.ts';
import type { Account } from './types.ts';

/**
 * Applies a Hold's target as a dry run, with the rights with which the Hold would: the workload, its configuration, and
 * what has to go back to find its pods.
 *
 * @returns why it was refused, in words; undefined: it was not. Rejects with KubeError where nobody answered.
 */
export const refusalOfTarget = async (hold: Hold, ports: PreparePorts): Promise<string | undefined> => {
  if (!isRollback(hold)) return undefined;
  const target = await prepare(hold, ports);
  if (target instanceof TargetError) return target.message;
  try {
    return await tried(hold, target, ports);
  } catch (error) {
    if (error instanceof KubeError && isRejected(error)) return error.message;
    throw error;
  }
};

const tried = async (
  hold: RollbackHold,
  { snapshot, account, surroundings }: Prepared,
  { client }: PreparePorts,
): Promise<string | undefined> => {
  const refused = account && refusedBy(account, snapshot);
  if (refused !== undefined) return refused;
  const workload = workloadOf(hold);
  const writer = account ?? controllers(client);
  const [live, { missing, found }] = await Promise.all([
    client.get(workloadResource(workload.kind), workload),
    surroundings(),
    tryOut(hold, snapshot, writer).catch(explained(writer)),
  ]);
  if (!live) return `${describeKey(workload)} does not exist`;
  if (missing.length > 0) return missingWords(missing);
  if (account && found)
    await tryOutParts(hold, snapshot, account, { ...found, rejected: live }).catch(explained(account));
  return undefined;
};

/** Where no GitSync applies the workload (any more). */
const controllers = (client: PreparePorts['client']): Account => ({
  writer: client,
  fieldManager: 'metricops',
  refusalOf: () => undefined,
  leavesTo: () => [],
  wordsOf: ({ message }) => message,
});
