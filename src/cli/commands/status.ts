import { SYSTEM_NAMESPACE } from '../../api/annotations.ts';
import { isRollback } from '../../api/hold.ts';
import type { KubeObject } from '../../api/meta.ts';
import { KubeError, resources } from '../../kube/index.ts';
import type { Cli } from '../context.ts';
import { type Coverage, coverage, uncovered } from '../coverage.ts';
import { indent, table } from '../table.ts';
import { plural, workloadWords } from '../words.ts';
import { holdsTable, listHolds } from './holds.ts';
import { incidentsTable, isOpen, listIncidents } from './incidents.ts';
import { listSyncSets, listSyncs, syncSetsTable, syncsTable } from './sync.ts';

export const STATUS_HELP = `
Examples:
  metricops status -A
  metricops status -n shop -o json | jq .incidents`;

/** One page: is it well, and if not, where to look. */
export const status = async (cli: Cli): Promise<void> => {
  const [controller, sets, syncs, held, incidents, covered] = await Promise.all([
    controllerWords(cli),
    listSyncSets(cli),
    listSyncs(cli),
    listHolds(cli),
    listIncidents(cli),
    coverage(cli.client, cli.scope).catch(unlessForbidden),
  ]);
  const open = incidents.filter(isOpen);
  const active = held.filter((hold) => isRollback(hold) && hold.status?.phase !== 'Dormant');
  const missing = covered === undefined ? [] : uncovered(covered);
  const now = cli.io.now();
  cli.print({ gitSyncSets: sets, gitSyncs: syncs, holds: active, incidents: open, sidecarMissing: missing }, () =>
    [
      `Controller: ${controller}`,
      ...(sets.length === 0 ? [] : [section('GitSyncSets', syncSetsTable(sets))]),
      section('GitSyncs', syncs.length === 0 ? `none in ${where(cli)}` : syncsTable(syncs, now)),
      section('Held', active.length === 0 ? 'nothing' : holdsTable(cli, active)),
      section('Open incidents', open.length === 0 ? 'none' : incidentsTable(open, now)),
      section(
        'Recorder',
        covered === undefined ? 'not shown: you may not list pods here' : recorderWords(covered, missing),
      ),
    ].join('\n\n'),
  );
};

const where = (cli: Cli): string =>
  cli.scope.namespace === undefined ? 'the cluster' : `namespace ${cli.scope.namespace} (-A shows all)`;

const section = (title: string, text: string): string =>
  text.includes('\n') ? `${title}\n${indent(text)}` : `${title}: ${text}`;

const recorderWords = (covered: Coverage[], missing: Coverage[]): string => {
  if (covered.length === 0) return 'no workload is opted in; annotate one with metricops.dev/inject=true';
  if (missing.length === 0) return `in every pod of ${plural(covered.length, 'opted-in workload')}`;
  return table(
    ['Namespace', 'Workload', 'Pods without', 'Why'],
    missing.map(({ workload, pods, injected, why }) => [
      workload.namespace,
      workloadWords(workload),
      `${pods - injected} of ${pods}`,
      why ?? 'started while the webhook was not there; the next rollout injects it',
    ]),
  );
};

const controllerWords = async (cli: Cli): Promise<string> => {
  try {
    const name = { namespace: SYSTEM_NAMESPACE, name: 'metricops' };
    const deployment = await cli.client.get<KubeObject>(resources.deployments, name);
    if (!deployment) return `not running in ${SYSTEM_NAMESPACE}; metricops check`;
    const { readyReplicas = 0 } = (deployment.status ?? {}) as { readyReplicas?: number };
    const { replicas = 1 } = (deployment.spec ?? {}) as { replicas?: number };
    return `${readyReplicas} of ${replicas} ready${readyReplicas === 0 ? '; metricops check' : ''}`;
  } catch (error) {
    unlessForbidden(error);
    return `not shown: you may not read Deployments in ${SYSTEM_NAMESPACE}`;
  }
};

const unlessForbidden = (error: unknown): undefined => {
  if (error instanceof KubeError && error.status === 403) return undefined;
  throw error;
};
