import { annotations, fieldManagerOf, labels, ownerLabel } from '../../api/annotations.ts';
import { conditionOf } from '../../api/conditions.ts';
import type { DriftEntry, GitSync } from '../../api/gitsync.ts';
import { type KubeObject, keyOf, keyString, type ObjectKey, parseKey } from '../../api/meta.ts';
import { type ReleaseHistory, releasesOf } from '../../api/release-history.ts';
import { isWorkloadKind, type WorkloadKind } from '../../api/workload.ts';
import { isForbidden, type KubeClient, resources, workloadResource } from '../../kube/index.ts';
import { historyName } from '../../snapshot/index.ts';
import type { Cli } from '../context.ts';
import { unlessForbidden } from '../forbidden.ts';
import { EXIT } from '../io.ts';
import { unified } from '../line-diff.ts';
import { indent, table } from '../table.ts';
import { plural, shortRevision } from '../words.ts';
import { writeYaml } from '../yaml.ts';
import { findSync } from './sync.ts';

export const DIFF_HELP = `
What differs between the cluster and what was applied from Git. Objects of every kind: what the controller found, where
spec.drift is Report (with Correct it is reverted at once, and there is usually nothing to see). Workloads that are
opted in: asked now, with a server-side dry run that writes nothing; and, where a release is held back, what Git would
change. Values of Secrets are never shown.

The dry run needs the right to patch the workloads, as the role edit has it: without it they are named, and only what is
held back is shown of them.

Examples:
  metricops diff shop -n shop
  # The changed fields, for scripts
  metricops diff shop -n shop -o json | jq -r '.drift[] | "\\(.kind) \\(.name) \\(.field)"'`;

interface Difference {
  workload: string;
  /** drift: applied → live. held: what runs → what Git asks for. */
  what: 'drift' | 'held';
  text: string;
}

interface Compared {
  differences: Difference[];
  /** It may not be asked by a dry run: what was changed by hand is not known. */
  isForbidden?: boolean;
}

/** One field of one object. */
interface Field {
  group: string;
  kind: string;
  namespace: string;
  name: string;
  /** JSON pointer; '' for the object itself. */
  field: string;
  /** As JSON; undefined where it has none. */
  git: string | undefined;
  /** As JSON; undefined where it has none; "deleted" of the object itself. */
  cluster: string | undefined;
  /** Field managers. */
  by: string[];
}

export const diff = async (cli: Cli, name: string): Promise<number> => {
  const sync = await findSync(cli, name);
  const drift = (sync.status?.drift ?? []).flatMap(fieldsOf);
  const told = new Set(sync.status?.drift?.map(({ id }) => id));
  const differences: Difference[] = [];
  const notCompared: string[] = [];
  for (const key of await workloadsOf(cli.client, sync)) {
    const { differences: found, isForbidden } = await ofWorkload(cli.client, sync, key);
    const isKnown = told.has(keyString(key));
    differences.push(...found.filter(({ what }) => what === 'held' || !isKnown));
    if (isForbidden && !isKnown) notCompared.push(wordsOf(key));
  }
  cli.print({ gitSync: name, drift, differences, notCompared }, () => text(sync, drift, differences, notCompared));
  const contested = conditionOf(sync, 'Drifted')?.status === 'True';
  if (drift.length + differences.length > 0 || contested) return EXIT.different;
  return notCompared.length > 0 ? EXIT.trouble : EXIT.ok;
};

const fieldsOf = ({ id, fieldManagers = [], changes }: DriftEntry): Field[] => {
  const { group, kind, namespace, name } = parseKey(id);
  return changes.map(({ path, applied, live }) => {
    return { group, kind, namespace, name, field: path, git: applied, cluster: live, by: fieldManagers };
  });
};

/** By the inventory, or by their label where there are too many objects for one. */
const workloadsOf = async (client: KubeClient, sync: GitSync): Promise<ObjectKey[]> => {
  const { inventory, inventoryKinds = [] } = sync.status ?? {};
  const isWorkload = ({ group, kind }: { group: string; kind: string }) => group === 'apps' && isWorkloadKind(kind);
  if (inventory) return inventory.entries.map(({ id }) => parseKey(id)).filter(isWorkload);
  const labelSelector = `${labels.sync}=${ownerLabel(syncName(sync))}`;
  const lists = inventoryKinds.filter(isWorkload).map(async ({ kind }) => {
    const type = workloadResource(kind as WorkloadKind);
    const everywhere = { labelSelector, metadataOnly: true };
    const { items } = await client.list(type, everywhere).catch((error: unknown) => {
      if (!isForbidden(error)) throw error;
      return client.list(type, { ...everywhere, namespace: syncName(sync).namespace });
    });
    return items.map(keyOf);
  });
  return (await Promise.all(lists)).flat();
};

const syncName = ({ metadata }: GitSync) => ({ namespace: metadata.namespace ?? '', name: metadata.name });

const text = (sync: GitSync, drift: Field[], differences: Difference[], notCompared: readonly string[]): string => {
  const { namespace, name } = syncName(sync);
  const count = drift.length + differences.length;
  const head = `${namespace}/${name} at ${shortRevision(sync.status?.lastAppliedRevision) ?? 'no revision yet'}: ${
    count > 0 ? plural(count, 'difference') : notCompared.length > 0 ? 'no known difference' : 'no difference'
  } in ${plural(sync.status?.objectCount ?? sync.status?.inventory?.entries.length ?? 0, 'object')}`;
  const parts = differences.map(
    (d) =>
      `${d.workload}: ${d.what === 'drift' ? 'changed in the cluster (- applied, + live)' : 'held back (- runs, + Git)'}\n${indent(d.text)}`,
  );
  const fields = drift.length === 0 ? [] : [fieldsTable(drift)];
  return [head, ...fields, ...parts, notComparedWords(notCompared), tailOf(sync)]
    .filter((part) => part !== undefined)
    .join('\n\n');
};

/** An API server asks for the right to patch even where nothing is written. */
const notComparedWords = (workloads: readonly string[]): string | undefined =>
  workloads.length === 0
    ? undefined
    : `Not compared, since the API server refuses you the dry run: ${workloads.join(', ')}\n→ It writes nothing, and yet needs the right to patch them: ask for the role edit in the namespace.`;

const fieldsTable = (drift: Field[]): string =>
  table(
    ['Kind', 'Name', 'Field', 'Git', 'Cluster', 'By'],
    drift.map(({ kind, namespace, name, field, git, cluster, by }) => [
      kind,
      namespace === '' ? name : `${namespace}/${name}`,
      field,
      git,
      cluster,
      by.join(', '),
    ]),
  );

/** The status holds so many objects. */
const MAX_SHOWN = 20;

const tailOf = (sync: GitSync): string | undefined => {
  const drifted = conditionOf(sync, 'Drifted');
  if (drifted?.reason === 'DriftConflict') return drifted.message;
  if (sync.spec.drift === 'Report') {
    const full = sync.status?.drift?.length === MAX_SHOWN;
    return full ? `Only the first ${MAX_SHOWN} objects are shown.` : undefined;
  }
  return 'Changes by hand are reverted at once (spec.drift is Correct): there is usually nothing to see.';
};

const ofWorkload = async (client: KubeClient, sync: GitSync, key: ObjectKey): Promise<Compared> => {
  if (!isWorkloadKind(key.kind)) return { differences: [] };
  const type = workloadResource(key.kind);
  const workload = wordsOf(key);
  const live = await client.get(type, key);
  if (!live) return { differences: [{ workload, what: 'drift', text: 'is gone from the cluster' }] };
  const snapshot = live.metadata.annotations?.[annotations.snapshot];
  const applied = snapshot === undefined ? undefined : await snapshotWorkload(client, key.namespace, snapshot);
  if (!applied) return { differences: [] };
  const differences: Difference[] = [];
  const manager = fieldManagerOf(syncName(sync));
  const wanted = await client
    .apply(type, withReplicasOf(live, applied), { fieldManager: manager, force: true, dryRun: true })
    .catch(unlessForbidden);
  const drift = wanted ? unified(yaml(wanted), yaml(live)) : '';
  if (drift !== '') differences.push({ workload, what: 'drift', text: drift });
  const held = await heldDifference(client, sync, key, applied);
  if (held !== '') differences.push({ workload, what: 'held', text: held });
  return { differences, isForbidden: !wanted };
};

const wordsOf = ({ kind, namespace, name }: ObjectKey): string => `${kind} ${namespace}/${name}`;

/** A snapshot holds none, and an apply without them would answer with their default. */
const withReplicasOf = (live: KubeObject, applied: KubeObject): KubeObject => {
  const replicas = (live.spec as { replicas?: number } | undefined)?.replicas;
  return replicas === undefined ? applied : { ...applied, spec: { ...(applied.spec as object), replicas } };
};

const heldDifference = async (
  client: KubeClient,
  sync: GitSync,
  key: ObjectKey,
  applied: KubeObject,
): Promise<string> => {
  const held = sync.status?.held?.find((h) => h.workloadRef.name === key.name && h.workloadRef.kind === key.kind);
  if (!held || !isWorkloadKind(key.kind)) return '';
  const name = historyName({ kind: key.kind, name: key.name });
  const history = await client.get<ReleaseHistory>(resources.releaseHistories, { namespace: key.namespace, name });
  const snapshot = releasesOf(history).find((release) => release.sourceDigest === held.digest)?.snapshotRef?.name;
  const wanted = snapshot === undefined ? undefined : await snapshotWorkload(client, key.namespace, snapshot);
  return wanted
    ? unified(yaml(applied), yaml(wanted))
    : `held by ${held.holdRef.name}; what Git asks for was never applied`;
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
  return writeYaml({ ...rest, metadata }, { sortKeys: true, lineWidth: -1 }).trimEnd();
};
