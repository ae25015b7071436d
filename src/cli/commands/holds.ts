import { annotations } from '../../api/annotations.ts';
import type { Hold } from '../../api/hold.ts';
import type { ReleaseHistory } from '../../api/release-history.ts';
import type { WorkloadKey } from '../../api/workload.ts';
import { resources } from '../../kube/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { table } from '../table.ts';
import { age, plural, shortDigest, workloadWords } from '../words.ts';
import { findHistory, workloadKey } from '../workload-argument.ts';

export const LIFT_HELP = `
Deletes the hold: what Git says is applied again at once. If that release burns again, it is held again; to say that
it is fine, use \`metricops accept\`.

Examples:
  metricops lift deploy/web -n shop
  metricops lift hold/web-1a2b3c4d`;

export const ACCEPT_HELP = `
Lifts the hold and remembers the release as accepted: no incident rejects it again.

Examples:
  # The release that is held out now
  metricops accept deploy/web -n shop
  metricops accept web --release 14`;

export const listHolds = async (cli: Cli): Promise<Hold[]> =>
  (await cli.client.list<Hold>(resources.holds, cli.scope)).items;

export const holdsOf = async (cli: Cli, key: WorkloadKey): Promise<Hold[]> =>
  (await cli.client.list<Hold>(resources.holds, { namespace: key.namespace })).items.filter(
    ({ spec }) => spec.workloadRef.kind === key.kind && spec.workloadRef.name === key.name,
  );

export const holds = async (cli: Cli): Promise<void> => {
  const found = await listHolds(cli);
  cli.print(found, () => (found.length === 0 ? 'Nothing is held.' : holdsTable(cli, found)));
};

export const holdsTable = (cli: Cli, found: Hold[]): string =>
  table(
    ['Namespace', 'Hold', 'Workload', 'Phase', 'Target', 'Keeps out', 'Reason', 'Age', 'Message'],
    found.map(({ metadata, spec, status }) => [
      metadata.namespace,
      metadata.name,
      workloadWords(spec.workloadRef),
      status?.phase ?? 'Pending',
      `release ${spec.target.release}`,
      spec.rejectedDigests.map(shortDigest).join(' '),
      spec.incident ?? spec.reason,
      age(metadata.creationTimestamp, cli.io.now()),
      spec.message,
    ]),
  );

/** `hold/NAME`, or a workload whose holds are meant. */
const holdsNamed = async (cli: Cli, text: string): Promise<Hold[]> => {
  if (text.startsWith('hold/')) {
    const hold = await cli.client.get<Hold>(resources.holds, { namespace: cli.namespace, name: text.slice(5) });
    return hold ? [hold] : [];
  }
  return holdsOf(cli, workloadKey(cli, text));
};

export const lift = async (cli: Cli, text: string): Promise<void> => {
  const found = await holdsNamed(cli, text);
  if (found.length === 0) {
    throw new CliError(`Nothing holds ${text} in ${cli.namespace}.`, '`metricops holds -A` shows what is held.');
  }
  for (const { metadata } of found) await cli.client.delete(resources.holds, metadata);
  cli.print(found, () => found.map(({ metadata }) => `hold ${metadata.name} lifted`).join('\n'));
};

export const accept = async (cli: Cli, text: string, options: { release?: number }): Promise<void> => {
  const { key, history } = await findHistory(cli, text);
  const found = await holdsOf(cli, key);
  const digests = digestsToAccept(history, found, options.release);
  await remember(cli, history, digests);
  const lines = [`accepted ${digests.map(shortDigest).join(' ')}`];
  for (const hold of found) {
    const rest = hold.spec.rejectedDigests.filter((digest) => !digests.includes(digest));
    if (rest.length === hold.spec.rejectedDigests.length) continue;
    if (rest.length === 0) await cli.client.delete(resources.holds, hold.metadata);
    else await cli.client.replace(resources.holds, { ...hold, spec: { ...hold.spec, rejectedDigests: rest } });
    lines.push(
      `hold ${hold.metadata.name} ${rest.length === 0 ? 'lifted' : `keeps out ${plural(rest.length, 'other release')}`}`,
    );
  }
  cli.print({ workload: key, accepted: digests }, () => lines.join('\n'));
};

const digestsToAccept = (history: ReleaseHistory, found: Hold[], release: number | undefined): string[] => {
  if (release !== undefined) {
    const digest = history.status?.releases?.find((r) => r.number === release)?.sourceDigest;
    if (digest !== undefined) return [digest];
    throw new CliError(`There is no release ${release}.`, '`metricops history` shows them.');
  }
  // What Git asks for now, where the controller says so; everything that is kept out otherwise.
  const wanted = found.flatMap((hold) => {
    const now = hold.status?.currentDigest;
    return now !== undefined && hold.spec.rejectedDigests.includes(now) ? [now] : hold.spec.rejectedDigests;
  });
  if (wanted.length > 0) return [...new Set(wanted)];
  throw new CliError('Nothing is held here, so nothing is to accept.', 'Name a release with --release N.');
};

const remember = async (cli: Cli, history: ReleaseHistory, digests: string[]): Promise<void> => {
  const before = history.metadata.annotations?.[annotations.acceptedDigests]?.split(',') ?? [];
  const value = [...new Set([...before, ...digests])].filter((digest) => digest !== '').join(',');
  const body = { metadata: { annotations: { [annotations.acceptedDigests]: value } } };
  await cli.client.patch(resources.releaseHistories, history.metadata, { type: 'merge', body });
};
