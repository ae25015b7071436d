import type { Hold } from '../../api/hold.ts';
import type { Incident } from '../../api/incident.ts';
import type { ReleaseHistory } from '../../api/release-history.ts';
import type { RollbackPolicy } from '../../api/rollback-policy.ts';
import { resources } from '../../kube/index.ts';
import { type HoldView, type ReleaseView, type WorkloadView, workloadView } from '../../read-model/index.ts';
import type { Cli } from '../context.ts';
import { unlessForbidden } from '../forbidden.ts';
import { facts, table } from '../table.ts';
import { age, imagesOf, leg, shortCommit, shortDigest, workloadWords } from '../words.ts';
import { findHistory } from '../workload-argument.ts';
import { reasonAndMessage } from './incidents.ts';
import { withoutPolicy } from './policies.ts';

export const HISTORY_HELP = `
Examples:
  # Releases of the Deployment web, newest first
  metricops history deploy/web -n shop

  # The commit of the release that a rollback would go to
  metricops history web -o json | jq -r '.spec | .lastGoodRelease as $n | .releases[] | select(.number == $n).commit'`;

export const history = async (cli: Cli, text: string): Promise<void> => {
  const { key, workload: object, history: found } = await findHistory(cli, text);
  const { namespace } = key;
  const [holds, incidents, policies] = await Promise.all([
    cli.client.list<Hold>(resources.holds, { namespace }).catch(unlessForbidden),
    cli.client.list<Incident>(resources.incidents, { namespace }).catch(unlessForbidden),
    cli.client.list<RollbackPolicy>(resources.rollbackPolicies, { namespace }).catch(unlessForbidden),
  ]);
  const view = workloadView(key, {
    object,
    history: found,
    holds: holds?.items ?? [],
    incidents: incidents?.items ?? [],
    policies: policies?.items ?? [],
  });
  cli.print(found, () =>
    [
      `${workloadWords(key)} in ${namespace}: ${summary(view)}`,
      releasesTable(view.releases, cli.io.now()),
      facts([
        ['Rollback', rollbackWords(found)],
        ['Guarded by', policies && guardWords(view)],
        ['Holds', holds && (view.holds.map(holdWords).join('\n') || 'none')],
        ['Open incidents', incidents && (view.incidents.map(incidentWords).join('\n') || 'none')],
      ]),
    ]
      .filter((part) => part !== '')
      .join('\n\n'),
  );
};

const releasesTable = (releases: readonly ReleaseView[], now: number): string =>
  table(
    ['Release', 'State', 'Image', 'Commit', 'Age', 'Ready after', 'Digest'],
    releases.map((release) => [
      release.number,
      stateOf(release),
      imagesOf(release),
      shortCommit(release.commit),
      age(release.firstSeenTime, now),
      release.readyAfterMs === undefined ? undefined : leg(release.readyAfterMs),
      shortDigest(release.sourceDigest),
    ]),
  );

const summary = ({ currentRelease, lastGoodRelease }: WorkloadView): string =>
  [
    currentRelease === undefined ? 'no current release' : `release ${currentRelease} is current`,
    lastGoodRelease === undefined ? 'none is known to be good' : `a rollback goes to ${lastGoodRelease}`,
  ].join(', ');

/** What is recorded of the releases and stands in the way of a rollback, or of its verdict. */
const rollbackWords = ({ status }: ReleaseHistory): string | undefined => {
  const lacking = ['Recorded', 'ImagesPinned', 'DependenciesKnown'].flatMap(
    (of) => status?.conditions?.find(({ type, status }) => type === of && status === 'False') ?? [],
  );
  return lacking.length === 0 ? undefined : lacking.map(({ reason, message }) => `${reason}: ${message}`).join('\n');
};

const guardWords = ({ policy }: WorkloadView): string => {
  if (policy === undefined) return `no RollbackPolicy: ${withoutPolicy()}`;
  const { name, ready } = policy;
  return ready === undefined ? name : `${name}, Ready ${ready.status} (${ready.reason}): ${ready.message}`;
};

const holdWords = ({ name, action, phase, target, requestedBy, digests }: HoldView): string => {
  const what = target === undefined ? digests.map(shortDigest).join(' ') : `to release ${target}`;
  return [`${name}: ${[action, what].join(' ').trim()}`, phase, `asked by ${requestedBy}`]
    .filter((part) => part)
    .join(', ');
};

const incidentWords = (incident: WorkloadView['incidents'][number]): string =>
  [`${incident.name}: ${incident.phase}`, incident.needsPerson && 'needs a person', reasonAndMessage(incident)]
    .filter((part) => part)
    .join(', ');

/** What a person wants to know of a release, most important first: `current, rejected by web-1a2b`. */
const stateOf = (release: ReleaseView): string => {
  const { isCurrent, isLastGood } = release;
  const words = [isCurrent && 'current', isLastGood && 'last good', outcomeWords(release)];
  return words.filter((word) => word).join(', ');
};

const outcomeWords = ({ outcome, rejectedBy, wasReady }: ReleaseView): string | undefined => {
  if (outcome === 'Rejected') return rejectedBy === undefined ? 'rejected' : `rejected by ${rejectedBy}`;
  // "current" and "last good" say these already
  if (outcome === 'Active') return wasReady ? undefined : 'not ready yet';
  return outcome.toLowerCase();
};
