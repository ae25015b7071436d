import type { Hold } from '../../api/hold.ts';
import type { WorkloadKey } from '../../api/workload.ts';
import { holdsOf } from '../../holds/index.ts';
import { resources } from '../../kube/index.ts';
import { type HoldView, holdView } from '../../read-model/index.ts';
import type { Cli } from '../context.ts';
import { table } from '../table.ts';
import { age, shortDigest, workloadWords } from '../words.ts';

export const HOLDS_HELP = `
Lists what people, and incidents, say about releases.

  Rollback  The listed releases must not run; the target runs instead. Phase Held: it does. Dormant: another digest
            runs, the rule stays. Pending and Failed: the target is not applied; MESSAGE says why, and when that is tried
            again.
  Accept    The listed releases are never rejected.
  Deny      The incident ends without a rollback.

ASKED BY is the annotation metricops.dev/requested-by. Who deleted or changed a hold is in the audit log of the cluster.

Needs the right to list holds: the role view has it.

Examples:
  metricops holds -n shop
  kubectl wait hold/web-1a2b3c4d5e -n shop --for=condition=Held`;

export const listHolds = async (cli: Cli): Promise<Hold[]> =>
  (await cli.client.list<Hold>(resources.holds, cli.scope)).items;

export const holdsOfWorkload = async (cli: Cli, key: WorkloadKey): Promise<Hold[]> =>
  holdsOf((await cli.client.list<Hold>(resources.holds, { namespace: key.namespace })).items, key);

export const holds = async (cli: Cli): Promise<void> => {
  const found = await listHolds(cli);
  cli.print(found, () => (found.length === 0 ? 'There are no holds.' : holdsTable(found, cli.io.now())));
};

export const holdsTable = (found: readonly Hold[], now: number): string =>
  table(
    ['Namespace', 'Hold', 'Workload', 'Action', 'Phase', 'Target', 'Releases', 'Asked by', 'Age', 'Message'],
    found
      .map(holdView)
      .map((hold) => [
        hold.namespace,
        hold.name,
        workloadWords(hold.workload),
        hold.action,
        hold.phase,
        hold.target && `release ${hold.target}`,
        hold.digests.map(shortDigest).join(' '),
        hold.requestedBy,
        age(hold.createdTime, now),
        messageOf(hold, now),
      ]),
  );

/** What stands in its way goes before why it was asked for. */
const messageOf = ({ message, obstacle, nextAttemptTime }: HoldView, now: number): string | undefined => {
  if (obstacle === undefined) return message;
  const seconds = Math.ceil((Date.parse(nextAttemptTime ?? '') - now) / 1000);
  return seconds > 0 ? `${obstacle}; tried again in ${seconds} s` : obstacle;
};
