import type { GitSync } from '../../api/gitsync.ts';
import { describeKey, keyString, type ObjectKey, parseKey } from '../../api/meta.ts';
import { isRestorable, isRuledOut, type Release, type ReleaseHistory, recordsOf } from '../../api/release-history.ts';
import type { Discovery, KubeClient, WatchCache } from '../../kube/index.ts';
import { recordOf } from '../../ssa/field-set.ts';
import type { OwnedObjects } from '../objects/owned-objects.ts';
import { readsOf } from '../objects/reads.ts';
import type { Kept } from '../plan/kept.ts';

export interface ReleaseNeedsPorts {
  client: KubeClient;
  discovery: Discovery;
  owned: OwnedObjects;
  /** Of the whole cluster. Without them nothing is kept for a release. */
  histories?: Pick<WatchCache<ReleaseHistory>, 'list'> | undefined;
}

const RBAC = 'rbac.authorization.k8s.io';
const BINDINGS = ['RoleBinding', 'ClusterRoleBinding'];
const ROLES = ['Role', 'ClusterRole'];

/**
 * Of what left Git, the ServiceAccounts and PersistentVolumeClaims that a release names to which a rollback may go, and
 * the roles of those accounts: no snapshot brings them back. Costs no request but one for each RoleBinding or
 * ClusterRoleBinding that left Git.
 */
export const keptForReleases = async (
  sync: GitSync,
  prune: readonly string[],
  ports: ReleaseNeedsPorts,
): Promise<Kept[]> => {
  const gone = prune.map((key) => ({ key, ...parseKey(key) }));
  const mayBeNeeded = gone.filter(({ group, kind }) => group === RBAC || (group === '' && NAMED.includes(kind)));
  if (mayBeNeeded.length === 0 || !ports.histories) return [];
  const named = namedBy(ports.histories.list(), new Set(prune));
  const kept = new Map<string, Kept>();
  const keep = (key: string, why: string): void => void kept.set(key, { key, reason: 'NeededByRelease', why });
  for (const { key } of mayBeNeeded) {
    const why = named.get(key);
    if (why !== undefined) keep(key, `${why} names it`);
  }
  for (const { key, ...binding } of mayBeNeeded.filter(isOf(BINDINGS))) {
    const { subjects, roleRef } = recordOf(await live(sync, binding, ports));
    const why = accountsOf(subjects)
      .map((account) => named.get(account))
      .find((words) => words !== undefined);
    if (why === undefined) continue;
    keep(key, `${why} names its ServiceAccount`);
    const role = mayBeNeeded.filter(isOf(ROLES)).find((each) => isRole(each, binding, roleRef));
    if (role) keep(role.key, `${why} names a ServiceAccount that it is bound to`);
  }
  return [...kept.values()];
};

const NAMED = ['ServiceAccount', 'PersistentVolumeClaim'];

const isOf =
  (kinds: readonly string[]) =>
  ({ group, kind }: ObjectKey): boolean =>
    group === RBAC && kinds.includes(kind);

/** By keyString of a ServiceAccount or claim: `release 3 of Deployment shop/web, to which a rollback may go,`. */
const namedBy = (histories: readonly ReleaseHistory[], leaving: ReadonlySet<string>): Map<string, string> => {
  const named = new Map<string, string>();
  for (const history of histories) {
    const { namespace = '' } = history.metadata;
    const workload = { ...history.spec.workloadRef, namespace };
    if (leaving.has(keyString({ group: 'apps', ...workload })) || isMissing(history)) continue;
    for (const { number, serviceAccountName, persistentVolumeClaims = [] } of mayBeTargets(history)) {
      const words = `release ${number} of ${describeKey(workload)}, to which a rollback may go,`;
      const note = (kind: string, name: string): unknown =>
        named.set(keyString({ group: '', kind, namespace, name }), words);
      if (serviceAccountName !== undefined) note('ServiceAccount', serviceAccountName);
      for (const claim of persistentVolumeClaims) note('PersistentVolumeClaim', claim);
    }
  }
  return named;
};

/**
 * The last good release and those since: an incident rolls back to one of them. What only older ones need is not kept
 * for them.
 */
const mayBeTargets = (history: ReleaseHistory): Release[] => {
  const { releases = [], lastGoodRelease = 0, currentRelease } = recordsOf(history);
  return releases.filter(
    (release) =>
      isRestorable(release) &&
      !isRuledOut(release) &&
      (release.number >= lastGoodRelease || release.number === currentRelease),
  );
};

const isMissing = ({ status }: ReleaseHistory): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'WorkloadMissing' && status === 'True') ?? false;

/** keyStrings of the ServiceAccounts among the subjects of a binding. */
const accountsOf = (subjects: unknown): string[] =>
  (Array.isArray(subjects) ? (subjects as unknown[]) : []).map(recordOf).flatMap(({ kind, namespace, name }) => {
    const isNamed = kind === 'ServiceAccount' && typeof namespace === 'string' && typeof name === 'string';
    return isNamed ? [keyString({ group: '', kind, namespace, name })] : [];
  });

const isRole = (role: ObjectKey, binding: ObjectKey, roleRef: unknown): boolean => {
  const { kind, name } = recordOf(roleRef);
  return role.kind === kind && role.name === name && (kind === 'ClusterRole' || role.namespace === binding.namespace);
};

/** Whole: a watch of the kind keeps its metadata only. */
const live = async (sync: GitSync, key: ObjectKey, ports: ReleaseNeedsPorts) => {
  const type = await ports.discovery.findKind(key.group, key.kind);
  if (!type) return undefined;
  const { client } = await readsOf(sync, type, ports);
  return client.get(type, key);
};
