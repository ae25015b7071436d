import { annotations } from '../../api/annotations.ts';
import { conditionOf } from '../../api/conditions.ts';
import type { GitSync } from '../../api/gitsync.ts';
import type { GitSyncSet } from '../../api/gitsyncset.ts';
import { resources } from '../../kube/index.ts';
import { type SyncView, syncSetView, syncView } from '../../read-model/index.ts';
import type { Cli } from '../context.ts';
import { CliError, EXIT } from '../io.ts';
import { facts, table } from '../table.ts';
import { waitFor } from '../wait.ts';
import { age, leg, plural, shortRevision } from '../words.ts';

export const SYNC_HELP = `
Fetches and applies now, instead of at the next interval, and waits until that is done.

Examples:
  metricops sync shop -n shop`;

export const GET_HELP = `
Shows source and revision, the condition Ready, what is held, what waits to be deleted, drift, and how far each hook is.

Examples:
  metricops get shop -n shop`;

export const findSync = async (cli: Cli, text: string): Promise<GitSync> => {
  const name = text.replace(/^(sync|gitsyncs?|gsync)\//, '');
  const sync = await cli.client.get<GitSync>(resources.gitSyncs, { namespace: cli.namespace, name });
  if (sync) return sync;
  throw new CliError(
    `There is no GitSync ${name} in namespace ${cli.namespace}.`,
    '`kubectl get gitsyncs -A` lists them; add -n NAMESPACE.',
  );
};

export const get = async (cli: Cli, name: string): Promise<void> => {
  const found = await findSync(cli, name);
  cli.print(found, () => describe(found, cli.io.now()));
};

export const sync = async (cli: Cli, name: string, options: { wait: boolean; timeout: number }): Promise<number> => {
  const found = await findSync(cli, name);
  if (found.spec.suspend) {
    throw new CliError(`GitSync ${name} is suspended.`, `metricops resume sync/${name} -n ${cli.namespace}`);
  }
  const start = cli.io.now();
  const requested = new Date(start).toISOString();
  const body = { metadata: { annotations: { [annotations.requestedAt]: requested } } };
  const asked = await cli.client.patch<GitSync>(resources.gitSyncs, found.metadata, { type: 'merge', body });
  if (!options.wait) {
    cli.print(asked, () => `sync of ${name} is asked for`);
    return EXIT.ok;
  }
  cli.io.err(`sync of ${name} is asked for`);
  const done = await waitFor(cli.io, start + options.timeout, async () => {
    const now = await cli.client.get<GitSync>(resources.gitSyncs, found.metadata);
    return now?.status?.lastHandledReconcileAt === requested && conditionOf(now, 'Reconciling')?.status !== 'True'
      ? now
      : undefined;
  });
  if (!done) {
    throw new CliError(
      `GitSync ${name} has not finished within ${leg(options.timeout)}.`,
      'Is the controller up? `metricops check`',
    );
  }
  cli.print(done, () => `${describe(done, cli.io.now())}\n\ndone in ${leg(cli.io.now() - start)}`);
  const ready = conditionOf(done, 'Ready');
  if (ready?.status !== 'True') throw new CliError(`GitSync ${name} is not ready: ${ready?.message ?? 'no condition'}`);
  const { held } = syncView(done);
  if (held.length === 0) return EXIT.ok;
  cli.io.err(
    `${plural(held.length, 'workload')} of it ${held.length === 1 ? 'is' : 'are'} held: an earlier release runs, not what Git has.\n→ metricops holds -n ${cli.namespace}`,
  );
  return EXIT.attention;
};

export const describe = (sync: GitSync, now: number): string => {
  const view = syncView(sync);
  const { source, ready } = view;
  return facts([
    ['GitSync', `${view.namespace}/${view.name}${view.isSuspended ? ' (suspended)' : ''}`],
    ['Source', `${source === undefined ? 'none' : `${source.url} ${source.ref}`} ${view.path}`],
    ['Ready', ready && `${ready.status} (${ready.reason}): ${ready.message}`],
    ['Applied', appliedWords(view, now)],
    ['Attempted', shortRevision(view.failedRevision)],
    ['Held', heldWords(view)],
    ['To delete', view.toDelete.message],
    ['Drift', view.drift],
    ['Hooks', hookWords(view)],
  ]);
};

/** One line each: `PreSync Job shop/migrate: Failed (BackoffLimitExceeded)`. */
const hookWords = ({ hooks, hookRevision }: SyncView): string => {
  const lines = hooks.map(
    ({ phase, object, state, message }) =>
      `${phase} ${object}: ${state}${message === undefined ? '' : ` (${message})`}`,
  );
  return lines.length === 0 ? '' : [`of ${shortRevision(hookRevision)}`, ...lines].join('\n');
};

const appliedWords = ({ appliedRevision, objectCount, lastSyncTime }: SyncView, now: number): string =>
  [
    shortRevision(appliedRevision) ?? 'nothing yet',
    objectCount === undefined ? undefined : `${objectCount} objects`,
    lastSyncTime === undefined ? undefined : `${age(lastSyncTime, now)} ago`,
  ]
    .filter((part) => part)
    .join(', ');

const heldWords = ({ held }: SyncView): string =>
  held.map(({ workload: w, hold }) => `${w.kind} ${w.namespace}/${w.name} by ${hold}`).join('\n');

export const listSyncs = async (cli: Cli): Promise<GitSync[]> =>
  (await cli.client.list<GitSync>(resources.gitSyncs, cli.scope)).items;

export const listSyncSets = async (cli: Cli): Promise<GitSyncSet[]> =>
  (await cli.client.list<GitSyncSet>(resources.gitSyncSets, cli.scope)).items;

export const syncSetsTable = (sets: readonly GitSyncSet[]): string =>
  table(
    ['Namespace', 'GitSyncSet', 'Ready', 'Syncs', 'Revision', 'Status'],
    sets
      .map(syncSetView)
      .map(({ namespace, name, ready, count, revisions }) => [
        namespace,
        name,
        ready?.status,
        count,
        revisions.map(shortRevision).join(', '),
        ready?.message,
      ]),
  );

export const syncsTable = (syncs: readonly GitSync[], now: number): string =>
  table(
    ['Namespace', 'GitSync', 'Ready', 'Revision', 'Held', 'To delete', 'Synced', 'Status'],
    syncs
      .map(syncView)
      .map((sync) => [
        sync.namespace,
        sync.name,
        sync.isSuspended ? 'Suspended' : sync.ready?.status,
        shortRevision(sync.appliedRevision),
        sync.held.map(({ workload }) => workload.name).join(','),
        sync.toDelete.count === 0 ? undefined : sync.toDelete.count,
        age(sync.lastSyncTime, now),
        sync.ready?.message,
      ]),
  );
