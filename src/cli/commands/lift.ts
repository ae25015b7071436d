import { type Hold, isRollback } from '../../api/hold.ts';
import { workloadOf } from '../../holds/index.ts';
import { resources } from '../../kube/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { waitFor } from '../wait.ts';
import { workloadWords } from '../words.ts';
import { workloadKey } from '../workload-argument.ts';
import { holdsOfWorkload } from './holds.ts';

export const LIFT_HELP = `
Deletes the hold, and what Git says is applied again. The release may run again on probation: only evidence that began
after the lift can reject it again. After the second rejection lifting does not help any more: \`metricops accept\` does.
hold/NAME names any hold, also one that accepts or denies.

Needs the right to delete holds in the namespace: the role metricops-release-manager has it.

Examples:
  metricops lift deploy/web -n shop
  metricops lift hold/web-1a2b3c4d5e -n shop`;

export const lift = async (cli: Cli, text: string): Promise<void> => {
  const found = await holdsNamed(cli, text);
  if (found.length === 0) {
    throw new CliError(`Nothing holds ${text} in ${cli.namespace}.`, '`metricops holds -A` shows what is held.');
  }
  const lines: string[] = [];
  for (const hold of found) lines.push(await liftOne(cli, hold));
  cli.print(found, () => lines.join('\n'));
};

/** `hold/NAME`, or a workload: then those that keep a release of it out. */
const holdsNamed = async (cli: Cli, text: string): Promise<Hold[]> => {
  if (!text.startsWith('hold/')) return (await holdsOfWorkload(cli, workloadKey(cli, text))).filter(isRollback);
  const hold = await cli.client.get<Hold>(resources.holds, { namespace: cli.namespace, name: text.slice(5) });
  return hold ? [hold] : [];
};

/** The controller records the lift before it removes the finalizer. */
const GONE_WITHIN_MS = 10_000;

/** Deletes the Hold. Resolves with true when it is gone, false when the controller has not let go of it in time. */
export const removeHold = async (cli: Cli, { metadata }: Hold): Promise<boolean> => {
  await cli.client.delete(resources.holds, metadata, metadata.uid === undefined ? {} : { uid: metadata.uid });
  const gone = await waitFor(cli.io, cli.io.now() + GONE_WITHIN_MS, async () => {
    const now = await cli.client.get<Hold>(resources.holds, metadata);
    return now?.metadata.uid !== metadata.uid;
  });
  return gone === true;
};

const liftOne = async (cli: Cli, hold: Hold): Promise<string> => {
  const { name, namespace } = hold.metadata;
  if (!(await removeHold(cli, hold)))
    return `The deletion of hold ${name} is stored; the controller removes its finalizer once it runs: metricops check`;
  if (!isRollback(hold))
    return `hold ${name} deleted: what it said of ${workloadWords(hold.spec.workloadRef)} no longer counts`;
  const others = await holdsOfWorkload(cli, workloadOf(hold));
  const again = others.find((other) => hold.spec.rejectedDigests.some((d) => other.spec.rejectedDigests?.includes(d)));
  if (again) {
    throw new CliError(
      `Hold ${again.metadata.name} keeps the release out: ${again.spec.message ?? 'it rejects it, too.'}`,
      `metricops accept ${workloadWords(hold.spec.workloadRef)} -n ${namespace}`,
    );
  }
  return `hold ${name} lifted: what Git says of ${workloadWords(hold.spec.workloadRef)} is applied again, on probation`;
};
