import { type Release, type ReleaseHistory, releasesOf } from '../../api/release-history.ts';
import type { Cli } from '../context.ts';
import { table } from '../table.ts';
import { age, imagesOf, leg, shortCommit, shortDigest, workloadWords } from '../words.ts';
import { findHistory } from '../workload-argument.ts';

export const HISTORY_HELP = `
Examples:
  # Releases of the Deployment web, newest first
  metricops history deploy/web -n shop

  # The commit of the release that a rollback would go to
  metricops history web -o json | jq -r '.spec | .lastGoodRelease as $n | .releases[] | select(.number == $n).commit'`;

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
    releasesOf(history).map((release) => [
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

const summary = ({ spec }: ReleaseHistory): string =>
  [
    spec.currentRelease === undefined ? 'no current release' : `release ${spec.currentRelease} is current`,
    spec.lastGoodRelease === undefined ? 'none is known to be good' : `a rollback goes to ${spec.lastGoodRelease}`,
  ].join(', ');

/** What a person wants to know of a release, most important first: `current, rejected by web-1a2b`. */
export const stateOf = (release: Release, { spec }: ReleaseHistory): string => {
  const words = [
    spec.currentRelease === release.number ? 'current' : undefined,
    spec.lastGoodRelease === release.number ? 'last good' : undefined,
    outcomeWords(release),
  ].filter((word) => word !== undefined);
  return [...new Set(words)].join(', ');
};

const outcomeWords = (release: Release): string | undefined => {
  if (release.outcome === 'Rejected')
    return release.incidentRef ? `rejected by ${release.incidentRef.name}` : 'rejected';
  // "current" and "last good" say these already
  if (release.outcome === 'Active') return release.readyTime === undefined ? 'not ready yet' : undefined;
  return release.outcome.toLowerCase();
};
