import { type Hold, isRollback, type RollbackHold, requestedBy } from '../../api/hold.ts';
import { type ReleaseHistory, releasesOf } from '../../api/release-history.ts';
import type { WorkloadKey } from '../../api/workload.ts';
import { createHold, newAcceptance, rejects } from '../../holds/index.ts';
import { resources } from '../../kube/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { userName } from '../user-name.ts';
import { plural, shortDigest, workloadWords } from '../words.ts';
import { findHistory } from '../workload-argument.ts';
import { holdsOfWorkload } from './holds.ts';
import { removeHold } from './lift.ts';

export const ACCEPT_HELP = `
Creates a hold with action Accept: the release is never rejected for as long as that hold exists. A hold that keeps it
out is deleted. To revoke the acceptance: \`metricops lift hold/NAME\`.

Needs the rights to create and delete holds in the namespace: the role metricops-release-manager has them.

Examples:
  # The release that is kept out now
  metricops accept deploy/web -n shop
  metricops accept web --release 14 --message "the errors were those of the payment provider"`;

export const accept = async (
  cli: Cli,
  text: string,
  options: { release?: number; message?: string },
): Promise<void> => {
  const { key, history } = await findHistory(cli, text);
  const found = (await holdsOfWorkload(cli, key)).filter(isRollback);
  const digests = digestsToAccept(history, found, options.release);
  const requestedBy = await userName(cli);
  const lines: string[] = [];
  const message = options.message ?? 'Accepted by hand.';
  // Before the others go: nothing rejects it in between.
  for (const digest of digests) lines.push(await acceptOne(cli, { workload: key, digest, message, requestedBy }));
  for (const hold of found) lines.push(...(await withdraw(cli, hold, digests)));
  cli.print({ workload: key, accepted: digests }, () => [...lines, next(key)].join('\n'));
};

const next = (key: WorkloadKey): string =>
  `No incident rejects it while that hold exists. What Git says of ${workloadWords(key)} is applied.`;

const acceptOne = async (cli: Cli, said: Parameters<typeof newAcceptance>[0]): Promise<string> => {
  const hold = newAcceptance(said);
  const words = `release ${shortDigest(said.digest)} accepted`;
  const first = await createHold(hold, cli.client);
  if (first.created) return `${words}: hold ${first.hold.metadata.name}`;
  if (!isRollback(first.hold)) return answeredBy(first.hold);
  // That one goes in a moment, and has the name until then.
  const beside = { ...hold, metadata: { ...hold.metadata, name: `${hold.metadata.name}-accepted` } };
  const second = await createHold(beside, cli.client);
  return second.created ? `${words}: hold ${second.hold.metadata.name}` : answeredBy(second.hold);
};

const answeredBy = (hold: Hold): string =>
  `hold ${hold.metadata.name} says ${hold.spec.action} already, asked by ${requestedBy(hold)}`;

/** Takes the digests out of the Hold. */
const withdraw = async (cli: Cli, hold: RollbackHold, digests: readonly string[]): Promise<string[]> => {
  const { name } = hold.metadata;
  const rest = hold.spec.rejectedDigests.filter((digest) => !digests.includes(digest));
  if (rest.length === hold.spec.rejectedDigests.length) return [];
  if (rest.length === 0) {
    const gone = await removeHold(cli, hold);
    return [
      gone ? `hold ${name} deleted` : `the deletion of hold ${name} is stored; the controller removes its finalizer`,
    ];
  }
  await cli.client.replace(resources.holds, { ...hold, spec: { ...hold.spec, rejectedDigests: rest } });
  return [`hold ${name} keeps out ${plural(rest.length, 'other release')}`];
};

const digestsToAccept = (
  history: ReleaseHistory,
  found: readonly RollbackHold[],
  release: number | undefined,
): string[] => {
  if (release !== undefined) {
    const digest = releasesOf(history).find((r) => r.number === release)?.sourceDigest;
    if (digest !== undefined) return [digest];
    throw new CliError(`There is no release ${release}.`, '`metricops history` shows them.');
  }
  // What Git asks for now, where the controller says so; everything that is kept out otherwise.
  const wanted = found.flatMap((hold) => {
    const now = hold.status?.currentDigest;
    return now !== undefined && rejects(hold, now) ? [now] : hold.spec.rejectedDigests;
  });
  if (wanted.length > 0) return [...new Set(wanted)];
  throw new CliError('Nothing is held here, so nothing is to accept.', 'Name a release with --release N.');
};
