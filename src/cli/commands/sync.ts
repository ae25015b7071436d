import { annotations } from '../../api/annotations.ts';
import type { GitSync } from '../../api/gitsync.ts';
import type { GitSyncSet } from '../../api/gitsyncset.ts';
import { resources } from '../../kube/index.ts';
import type { Cli } from '../context.ts';
import { CliError } from '../io.ts';
import { facts, table } from '../table.ts';
import { waitFor } from '../wait.ts';
import { age, conditionOf, leg, shortRevision, trueWords } from '../words.ts';

export const SYNC_HELP = `
Without --now it shows how the GitSync stands.

Examples:
  # Fetch and apply now instead of at the next interval, and wait until that is done
  metricops sync shop -n shop --now`;

export const findSync = async (cli: Cli, text: string): Promise<GitSync> => {
  const name = text.replace(/^(sync|gitsyncs?|gsync)\//, '');
  const sync = await cli.client.get<GitSync>(resources.gitSyncs, { namespace: cli.namespace, name });
  if (sync) return sync;
  throw new CliError(
    `There is no GitSync ${name} in namespace ${cli.namespace}.`,
    '`kubectl get gitsyncs -A` lists them; add -n NAMESPACE.',
  );
};

export const sync = async (
  cli: Cli,
  name: string,
  options: { now?: boolean; wait: boolean; timeout: number },
): Promise<void> => {
  const found = await findSync(cli, name);
  if (!options.now) return cli.print(found, () => describe(found, cli.io.now()));
  if (found.spec.suspend) {
    throw new CliError(`GitSync ${name} is suspended.`, `metricops resume sync/${name} -n ${cli.namespace}`);
  }
  const start = cli.io.now();
  const requested = new Date(start).toISOString();
  const body = { metadata: { annotations: { [annotations.requestedAt]: requested } } };
  const asked = await cli.client.patch<GitSync>(resources.gitSyncs, found.metadata, { type: 'merge', body });
  if (!options.wait) return cli.print(asked, () => `sync of ${name} is asked for`);
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
};

export const describe = (sync: GitSync, now: number): string => {
  const { spec, status } = sync;
  const ready = conditionOf(sync, 'Ready');
  return facts([
    ['GitSync', `${sync.metadata.namespace}/${sync.metadata.name}${spec.suspend ? ' (suspended)' : ''}`],
    ['Source', `${sourceWords(spec.source)} ${spec.path}`],
    ['Ready', ready && `${ready.status} (${ready.reason}): ${ready.message}`],
    ['Applied', appliedWords(sync, now)],
    [
      'Attempted',
      status?.lastAttemptedRevision === status?.lastAppliedRevision
        ? undefined
        : shortRevision(status?.lastAttemptedRevision),
    ],
    ['Held', heldWords(sync)],
    ['To delete', trueWords(sync, 'PrunePending')],
    ['Drift', trueWords(sync, 'Drifted')],
  ]);
};

const sourceWords = ({ git }: GitSync['spec']['source']): string =>
  git === undefined ? 'none' : `${git.url} ${git.ref.tag ?? git.ref.commit ?? git.ref.branch}`;

const appliedWords = ({ status }: GitSync, now: number): string =>
  [
    shortRevision(status?.lastAppliedRevision) ?? 'nothing yet',
    status?.objectCount === undefined ? undefined : `${status.objectCount} objects`,
    status?.lastSyncTime === undefined ? undefined : `${age(status.lastSyncTime, now)} ago`,
  ]
    .filter((part) => part)
    .join(', ');

const heldWords = ({ status }: GitSync): string | undefined =>
  status?.held?.length
    ? status.held
        .map(({ workloadRef: w, holdRef }) => `${w.kind} ${w.namespace}/${w.name} by ${holdRef.name}`)
        .join('\n')
    : undefined;

export const listSyncs = async (cli: Cli): Promise<GitSync[]> =>
  (await cli.client.list<GitSync>(resources.gitSyncs, cli.scope)).items;

export const listSyncSets = async (cli: Cli): Promise<GitSyncSet[]> =>
  (await cli.client.list<GitSyncSet>(resources.gitSyncSets, cli.scope)).items;

export const syncSetsTable = (sets: GitSyncSet[]): string =>
  table(
    ['Namespace', 'GitSyncSet', 'Ready', 'Syncs', 'Revision', 'Status'],
    sets.map((set) => [
      set.metadata.namespace,
      set.metadata.name,
      conditionOf(set, 'Ready')?.status,
      set.status?.generatedCount,
      set.status?.revisions?.map(shortRevision).join(', '),
      conditionOf(set, 'Ready')?.message,
    ]),
  );

export const syncsTable = (syncs: GitSync[], now: number): string =>
  table(
    ['Namespace', 'GitSync', 'Ready', 'Revision', 'Held', 'To delete', 'Synced', 'Status'],
    syncs.map((s) => [
      s.metadata.namespace,
      s.metadata.name,
      s.spec.suspend ? 'Suspended' : conditionOf(s, 'Ready')?.status,
      shortRevision(s.status?.lastAppliedRevision),
      s.status?.held?.length ? s.status.held.map((h) => h.workloadRef.name).join(',') : undefined,
      s.status?.prunePending?.length,
      age(s.status?.lastSyncTime, now),
      conditionOf(s, 'Ready')?.message,
    ]),
  );
