import type { GitSync } from '../../src/api/gitsync.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { systemClock } from '../../src/clock.ts';
import { createDiscovery, type KubeClient, resources } from '../../src/kube/index.ts';
import { waitFor } from '../../tools/cluster/wait.ts';
import { ACCOUNT } from '../sync/plane.ts';

export const attackedNamespace = (attack: string): string => `attacker-${attack}`;

/** Nobody asked anything to be written here. */
const VICTIM = 'victim';

/** A namespace for each attacker, with the rights of a tenant in it: its administrator, and nobody elsewhere. */
export const createAttackedNamespaces = async (admin: KubeClient, attacks: readonly string[]): Promise<void> => {
  const discovery = createDiscovery(admin, systemClock);
  const apply = async (object: KubeObject): Promise<void> => {
    const type = await discovery.find(object.apiVersion, object.kind);
    if (!type) throw new Error(`no ${object.kind}`);
    await admin.apply(type, object, { fieldManager: 'bench', force: true });
  };
  for (const name of [VICTIM, ...attacks.map(attackedNamespace)])
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const namespace of attacks.map(attackedNamespace)) {
    await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: ACCOUNT } });
    await apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { namespace, name: ACCOUNT },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' },
      subjects: [{ kind: 'ServiceAccount', namespace, name: ACCOUNT }],
    });
  }
};

/** After an attack: its GitSyncs go, so that the next one is measured alone. */
export const removeObjectsOf = async (admin: KubeClient, attack: string): Promise<void> => {
  const namespace = attackedNamespace(attack);
  const left = async (): Promise<GitSync[]> => (await admin.list<GitSync>(resources.gitSyncs, { namespace })).items;
  for (const { metadata } of await left()) await admin.delete(resources.gitSyncs, metadata);
  await waitFor(`the GitSyncs of ${namespace} to go`, async () => ((await left()).length === 0 ? true : undefined), {
    timeoutMs: 180_000,
    everyMs: 500,
  });
};

/** What the controller wrote where nobody with rights there asked it to, in words. */
export const wrongWritesOf = async (admin: KubeClient): Promise<string[]> => {
  const found: string[] = [];
  const discovery = createDiscovery(admin, systemClock);
  const isOurs = ({ manager }: { manager?: string }): boolean => manager?.startsWith('metricops') === true;
  for (const type of await discovery.all()) {
    if (!type.namespaced) continue;
    for (const namespace of [VICTIM, 'default', 'kube-public', 'kube-system']) {
      const { items } = await admin.list(type, { namespace, metadataOnly: true }).catch(() => ({ items: [] }));
      for (const { metadata } of items) {
        const managers = (metadata.managedFields ?? []) as { manager?: string }[];
        if (managers.some(isOurs)) found.push(`wrong write: ${type.kind} ${namespace}/${metadata.name}`);
      }
    }
  }
  return found;
};
