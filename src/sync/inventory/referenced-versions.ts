import { type KubeObject, type ObjectKey, parseKey } from '../../api/meta.ts';
import { type Discovery, type KubeClient, resources } from '../../kube/index.ts';
import { configReferencesIn, VERSIONED_OF } from '../../snapshot/index.ts';
import type { OwnedObjects } from '../objects/owned-objects.ts';

export interface VersionPorts {
  client: KubeClient;
  discovery: Discovery;
  owned: OwnedObjects;
}

/**
 * Of these keys, the versions of ConfigMaps and Secrets that somebody may still go back to, or start again with: a
 * ReplicaSet or a ControllerRevision names them, be it the history of the workload's own controller or a snapshot of a
 * recorded release, or a Job or Pod that has not ended. Costs four lists for a namespace, and only where a version would
 * be pruned.
 */
export const neededVersions = async (
  keys: readonly string[],
  { client, discovery, owned }: VersionPorts,
): Promise<Set<string>> => {
  const versions: { text: string; key: ObjectKey }[] = [];
  for (const text of keys) {
    const key = parseKey(text);
    if (key.group !== '' || !['ConfigMap', 'Secret'].includes(key.kind)) continue;
    const type = await discovery.findKind(key.group, key.kind);
    const live = type && (await owned.of(type)).get(key);
    if (live?.metadata.labels?.[VERSIONED_OF] !== undefined) versions.push({ text, key });
  }
  const needed = new Set<string>();
  for (const [namespace, those] of Map.groupBy(versions, ({ key }) => key.namespace)) {
    const lists = await Promise.all(
      [resources.replicaSets, resources.controllerRevisions, resources.jobs, resources.pods].map((type) =>
        client.list(type, { namespace }),
      ),
    );
    const holders = lists.flatMap(({ items }) => items).filter((object) => !hasEnded(object));
    const found = holders.map(configReferencesIn);
    for (const { text, key } of those) {
      const field = key.kind === 'Secret' ? 'secrets' : 'configMaps';
      if (found.some((references) => references[field].has(key.name))) needed.add(text);
    }
  }
  return needed;
};

const hasEnded = ({ kind, status }: KubeObject): boolean => {
  const { phase = '', conditions = [] } = (status ?? {}) as {
    phase?: string;
    conditions?: { type: string; status: string }[];
  };
  if (kind === 'Pod') return phase === 'Succeeded' || phase === 'Failed';
  return kind === 'Job' && conditions.some((c) => ['Complete', 'Failed'].includes(c.type) && c.status === 'True');
};
