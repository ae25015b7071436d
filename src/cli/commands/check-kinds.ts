import type { GitSync } from '../../api/gitsync.ts';
import { parseKey } from '../../api/meta.ts';
import { systemClock } from '../../clock.ts';
import { createDiscovery, type KubeClient, resources } from '../../kube/index.ts';

/** A kind that GitSyncs apply and that the controller may not watch. */
export interface UnwatchedKind {
  group: string;
  plural: string;
  /** `namespace/name` of the GitSyncs that apply it. */
  syncs: string[];
}

/**
 * Kinds in the inventories of which the controller hears of no change. GitSyncs with a serviceAccountName apply them all
 * the same, and read each object once an interval; others can't.
 * @param may whether the controller may do this in the whole cluster
 */
export const unwatchedKinds = async (
  client: KubeClient,
  may: (right: { verb: string; group: string; resource: string }) => Promise<boolean>,
): Promise<UnwatchedKind[]> => {
  const discovery = createDiscovery(client, systemClock);
  const { items } = await client.list<GitSync>(resources.gitSyncs);
  const users = new Map<string, { group: string; kind: string; syncs: Set<string> }>();
  for (const { metadata, status } of items) {
    for (const { group, kind } of [
      ...(status?.inventory?.entries ?? []).map(({ id }) => parseKey(id)),
      ...(status?.inventoryKinds ?? []),
    ]) {
      const known = users.get(`${group}/${kind}`) ?? { group, kind, syncs: new Set() };
      users.set(`${group}/${kind}`, { ...known, syncs: known.syncs.add(`${metadata.namespace}/${metadata.name}`) });
    }
  }
  const found: UnwatchedKind[] = [];
  for (const { group, kind, syncs } of users.values()) {
    const type = await discovery.findKind(group, kind);
    if (!type) continue;
    const rights = ['list', 'watch'].map((verb) => may({ verb, group, resource: type.plural }));
    if ((await Promise.all(rights)).includes(false)) found.push({ group, plural: type.plural, syncs: [...syncs] });
  }
  return found;
};

/** `{apiGroups: ["cert-manager.io"], resources: [certificates], verbs: [get, list, watch]}` */
export const watchRule = ({ group, plural }: UnwatchedKind): string =>
  `{apiGroups: ["${group}"], resources: [${plural}], verbs: [get, list, watch]}`;
