import type { KubeObject } from '../api/meta.ts';
import { type ReleaseHistory, releasesOf } from '../api/release-history.ts';
import type { WorkloadKey, WorkloadKind } from '../api/workload.ts';
import { resources, workloadResource } from '../kube/index.ts';
import { historyName } from '../snapshot/index.ts';
import type { Cli } from './context.ts';
import { CliError } from './io.ts';
import { workloadWords } from './words.ts';

const KINDS: Record<string, WorkloadKind> = {
  deploy: 'Deployment',
  deployment: 'Deployment',
  deployments: 'Deployment',
  sts: 'StatefulSet',
  statefulset: 'StatefulSet',
  statefulsets: 'StatefulSet',
  ds: 'DaemonSet',
  daemonset: 'DaemonSet',
  daemonsets: 'DaemonSet',
};

/** `deploy/web`, `deployment.apps/web` or `web` → kind and name; a bare name is a Deployment. */
export const parseWorkload = (text: string): { kind: WorkloadKind; name: string } => {
  const [head = '', tail] = text.split('/');
  if (tail === undefined) return { kind: 'Deployment', name: head };
  const kind = KINDS[head.toLowerCase().replace(/\..*$/, '')];
  if (kind === undefined || tail === '') {
    throw new CliError(
      `"${text}" names no workload.`,
      'Write deploy/NAME, sts/NAME or ds/NAME; a bare NAME is a Deployment.',
    );
  }
  return { kind, name: tail };
};

export const workloadKey = (cli: Cli, text: string): WorkloadKey => ({
  ...parseWorkload(text),
  namespace: cli.namespace,
});

/** The workload and its history. Either may be missing: a history outlives its workload, and comes after it. */
export const findWorkload = async (
  cli: Cli,
  text: string,
): Promise<{ key: WorkloadKey; workload: KubeObject | undefined; history: ReleaseHistory | undefined }> => {
  const key = workloadKey(cli, text);
  const [workload, history] = await Promise.all([
    cli.client.get(workloadResource(key.kind), key),
    cli.client.get<ReleaseHistory>(resources.releaseHistories, { namespace: key.namespace, name: historyName(key) }),
  ]);
  if (!workload && !history) {
    throw new CliError(
      `There is no ${workloadWords(key)} in namespace ${key.namespace}.`,
      'Another namespace? Add -n NAMESPACE; `metricops status -A` shows all.',
    );
  }
  return { key, workload, history };
};

/** As findWorkload, for commands that need recorded releases. */
export const findHistory = async (
  cli: Cli,
  text: string,
): Promise<{ key: WorkloadKey; workload: KubeObject | undefined; history: ReleaseHistory }> => {
  const { key, workload, history } = await findWorkload(cli, text);
  if (!history || releasesOf(history).length === 0) {
    throw new CliError(
      `No release of ${workloadWords(key)} in ${key.namespace} is recorded yet.`,
      `Releases are recorded from its next pods on once it is opted in: kubectl -n ${key.namespace} annotate ${workloadWords(key)} metricops.dev/inject=true`,
    );
  }
  return { key, workload, history };
};
