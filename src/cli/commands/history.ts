import type { Release, ReleaseHistory } from '../../api/release-history.ts';
import type { Cli } from '../context.ts';
import { table } from '../table.ts';
import { age, imagesOf, leg, shortCommit, shortDigest, workloadWords } from '../words.ts';
import { findHistory } from '../workload-argument.ts';

export const HISTORY_HELP = `
Examples:
  # Releases of the Deployment web, newest first
  metricops history deploy/web -n shop

  # The commit of the release that a rollback would go to
  metricops history web -o json | jq -r '.status | .lastGoodRelease as $n | .releases[] | select(.number == $n).commit'`;

export const history = async (cli: Cli, text: string): Promise<void> => {
  const { key, history: found } = await findHistory(cli, text);
  cli.print(found, () => {
    const head = `${workloadWords(key)} in ${key.namespace}: ${summary(found)}`;
    return `${head}\n\n${historyTable(found, cli.io.now())}`;
  });
};

export const historyTable = (history: ReleaseHistory, now: number): string =>
  table(
    ['Release', 'State', 'Image', 'Commit', 'Age', 'Ready after', 'Digest'],
    (history.status?.releases ?? []).map((release) => [
      release.number,
      stateOf(release, history),
      imagesOf(release),
      shortCommit(release.commit),
      age(release.firstSeenTime, now),
      release.readyTime === undefined
        ? undefined
        : leg(Date.parse(release.readyTime) - Date.parse(release.firstSeenTime)),
      shortDigest(release.sourceDigest),
    ]),
  );

const summary = ({ status }: ReleaseHistory): string =>
  [
    status?.currentRelease === undefined ? 'no current release' : `release ${status.currentRelease} is current`,
    status?.lastGoodRelease === undefined ? 'none is known to be good' : `a rollback goes to ${status.lastGoodRelease}`,
  ].join(', ');

/** What a person wants to know of a release, most important first: `current, rejected by web-1a2b`. */
export const stateOf = (release: Release, { status }: ReleaseHistory): string => {
  const words = [
    status?.currentRelease === release.number ? 'current' : undefined,
    status?.lastGoodRelease === release.number ? 'last good' : undefined,
    outcomeWords(release),
  ].filter((word) => word !== undefined);
  return [...new Set(words)].join(', ');
};

const outcomeWords = (release: Release): string | undefined => {
  if (release.outcome === 'Rejected') return release.incident ? `rejected by ${release.incident}` : 'rejected';
  // "current" and "last good" say these already
  if (release.outcome === 'Active') return release.readyTime === undefined ? 'not ready yet' : undefined;
  return release.outcome.toLowerCase();
};
