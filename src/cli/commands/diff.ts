import { dump } from 'js-yaml';
import { annotations, fieldManagerOf } from '../../api/annotations.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { type KubeObject, type ObjectKey, parseKey } from '../../api/meta.ts';
import type { ReleaseHistory } from '../../api/release-history.ts';
import { isWorkloadKind } from '../../api/workload.ts';
import { resources, workloadResource } from '../../kube/resources.ts';
import type { KubeClient } from '../../kube/types.ts';
import { historyName } from '../../snapshot/history-name.ts';
import type { Cli } from '../context.ts';
import { unified } from '../line-diff.ts';
import { indent } from '../table.ts';
import { conditionOf, plural, shortRevision } from '../words.ts';
import { findSync } from './sync.ts';

export const DIFF_HELP = `
For each workload of the GitSync: what differs between the cluster and what was applied (drift; asked with a server-side
dry run, nothing is written), and, where a release is held back, what Git would change.

Examples:
  metricops diff shop -n shop`;

interface Difference {
  workload: string;
  /** drift: applied → live. held: what runs → what Git asks for. */
  what: 'drift' | 'held';
  text: string;
}

export const diff = async (cli: Cli, name: string): Promise<void> => {
  const sync = await findSync(cli, name);
  const keys = (sync.status?.inventory ?? []).map(({ id }) => parseKey(id));
  const workloads = keys.filter((key) => key.group === 'apps' && isWorkloadKind(key.kind));
  const differences: Difference[] = [];
  for (const key of workloads) differences.push(...(await ofWorkload(cli.client, sync, key)));
  const others = keys.length - workloads.length;
  cli.print({ gitSync: name, differences }, () => text(sync, differences, workloads.length, others));
};

const text = (sync: GitSync, differences: Difference[], workloads: number, others: number): string => {
  const drifted = conditionOf(sync, 'Drifted');
  const head = `${sync.metadata.namespace}/${sync.metadata.name} at ${shortRevision(sync.status?.appliedRevision) ?? 'no revision yet'}: ${
    differences.length === 0 ? 'no difference' : plural(differences.length, 'difference')
  } in ${plural(workloads, 'workload')}`;
  const tail =
    others === 0
      ? undefined
      : `${plural(others, 'other object')}: ${drifted?.status === 'True' ? drifted.message : 'the controller reports no drift'}`;
  const parts = differences.map(
    (d) =>
      `${d.workload}: ${d.what === 'drift' ? 'changed in the cluster (- applied, + live)' : 'held back (- runs, + Git)'}\n${indent(d.text)}`,
  );
  return [head, ...parts, tail].filter((part) => part !== undefined).join('\n\n');
};

const ofWorkload = async (client: KubeClient, sync: GitSync, key: ObjectKey): Promise<Difference[]> => {
  if (!isWorkloadKind(key.kind)) return [];
  const type = workloadResource(key.kind);
  const workload = `${key.kind} ${key.namespace}/${key.name}`;
  const live = await client.get(type, key);
  if (!live) return [{ workload, what: 'drift', text: 'is gone from the cluster' }];
  const snapshot = live.metadata.annotations?.[annotations.snapshot];
  const applied = snapshot === undefined ? undefined : await snapshotWorkload(client, key.namespace, snapshot);
  if (!applied) return [];
  const out: Difference[] = [];
  const manager = fieldManagerOf({ namespace: sync.metadata.namespace ?? '', name: sync.metadata.name });
  const wanted = await client.apply(type, applied, { fieldManager: manager, force: true, dryRun: true });
  const drift = unified(yaml(wanted), yaml(live));
  if (drift !== '') out.push({ workload, what: 'drift', text: drift });
  const held = await heldDifference(client, sync, key, applied);
  if (held !== '') out.push({ workload, what: 'held', text: held });
  return out;
};

const heldDifference = async (
  client: KubeClient,
  sync: GitSync,
  key: ObjectKey,
  applied: KubeObject,
): Promise<string> => {
  const held = sync.status?.held?.find((h) => h.workload.name === key.name && h.workload.kind === key.kind);
  if (!held || !isWorkloadKind(key.kind)) return '';
  const name = historyName({ kind: key.kind, name: key.name });
  const history = await client.get<ReleaseHistory>(resources.releaseHistories, { namespace: key.namespace, name });
  const snapshot = history?.status?.releases?.find((release) => release.sourceDigest === held.digest)?.snapshot;
  const wanted = snapshot === undefined ? undefined : await snapshotWorkload(client, key.namespace, snapshot);
  return wanted ? unified(yaml(applied), yaml(wanted)) : `held by ${held.hold}; what Git asks for was never applied`;
};

const snapshotWorkload = async (
  client: KubeClient,
  namespace: string,
  name: string,
): Promise<KubeObject | undefined> => {
  const revision = await client.get(resources.controllerRevisions, { namespace, name });
  return (revision?.data as { workload?: KubeObject } | undefined)?.workload;
};

/** Without what the server writes. */
const yaml = (object: KubeObject): string => {
  const { status: _status, ...rest } = object;
  const { labels, annotations: all = {} } = object.metadata;
  const own = Object.entries(all).filter(
    ([name]) => !name.startsWith('metricops.dev/') && !name.startsWith('deployment.kubernetes.io/'),
  );
  const { name, namespace } = object.metadata;
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
    ...(own.length === 0 ? {} : { annotations: Object.fromEntries(own) }),
  };
  return dump({ ...rest, metadata }, { noRefs: true, sortKeys: true, lineWidth: -1 }).trimEnd();
};
