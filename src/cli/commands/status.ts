import { SYSTEM_NAMESPACE } from '../../api/annotations.ts';
import type { KubeObject } from '../../api/meta.ts';
import { resources } from '../../kube/index.ts';
import { awaitsPerson, type Coverage, isActive, isOpen, isUncovered } from '../../read-model/index.ts';
import type { Cli } from '../context.ts';
import { coverage } from '../coverage.ts';
import { unlessForbidden } from '../forbidden.ts';
import { EXIT } from '../io.ts';
import { indent, table } from '../table.ts';
import { plural, workloadWords } from '../words.ts';
import { holdsTable, listHolds } from './holds.ts';
import { incidentsTable, listIncidents } from './incidents.ts';
import { needsPersonWords } from './needs-person.ts';
import { listPolicies, policiesTable, withoutPolicy } from './policies.ts';
import { listSyncSets, listSyncs, syncSetsTable, syncsTable } from './sync.ts';

export const STATUS_HELP = `
It begins with what needs a person.

Examples:
  metricops status -A
  metricops status -n shop -o json | jq .needsPerson`;

/** One page: is it well, and if not, where to look. */
export const status = async (cli: Cli, { exitCode }: { exitCode?: boolean } = {}): Promise<number> => {
  const [controller, sets, syncs, policies, holds, incidents, covered] = await Promise.all([
    controllerWords(cli),
    listSyncSets(cli),
    listSyncs(cli),
    listPolicies(cli),
    listHolds(cli),
    listIncidents(cli),
    coverage(cli.client, cli.scope).catch(unlessForbidden),
  ]);
  const waiting = awaitsPerson({ incidents, holds, syncs });
  const open = incidents.filter(isOpen);
  const active = holds.filter(isActive);
  const missing = (covered ?? []).filter(isUncovered);
  const now = cli.io.now();
  const objects = {
    needsPerson: waiting,
    gitSyncSets: sets,
    gitSyncs: syncs,
    rollbackPolicies: policies,
    holds: active,
    incidents: open,
    sidecarMissing: missing,
  };
  cli.print(objects, () =>
    [
      section('Needs a person', waiting.length === 0 ? 'nothing' : needsPersonWords(waiting)),
      `Controller: ${controller}`,
      ...(sets.length === 0 ? [] : [section('GitSyncSets', syncSetsTable(sets))]),
      section('GitSyncs', syncs.length === 0 ? `none in ${where(cli)}` : syncsTable(syncs, now)),
      section(
        'RollbackPolicies',
        policies.length === 0 ? `none in ${where(cli)}: ${withoutPolicy()}` : policiesTable(policies),
      ),
      section('Held', active.length === 0 ? 'nothing' : holdsTable(active, now)),
      section('Open incidents', open.length === 0 ? 'none' : incidentsTable(open, now)),
      section(
        'Recorder',
        covered === undefined ? 'not shown: you may not list pods here' : recorderWords(covered, missing),
      ),
    ].join('\n\n'),
  );
  return exitCode && waiting.length > 0 ? EXIT.attention : EXIT.ok;
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
