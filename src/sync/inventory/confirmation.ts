import { annotations } from '../../api/annotations.ts';
import type { KubeObject } from '../../api/meta.ts';
import { collectionOf, type KubeClient, KubeError, type ResourceType, resources } from '../../kube/index.ts';

/** Kinds whose deletion takes what is in them along: no commit brings that back. */
const HOLDS_DATA = new Set(['/Namespace', '/PersistentVolumeClaim', '/PersistentVolume']);

/**
 * Why a person has to confirm the deletion of this object first, with the command; undefined when it may go. Confirmed
 * is this very object, by its uid.
 */
export const unconfirmed = async (
  type: ResourceType,
  object: KubeObject,
  client: KubeClient,
): Promise<string | undefined> => {
  const { uid, annotations: notes } = object.metadata;
  if (uid !== undefined && notes?.[annotations.pruneConfirmed] === uid) return undefined;
  const what = await whatWouldGo(type, object, client);
  return what && `${what}; to delete it: ${confirmCommand(type, object)}`;
};

export const confirmCommand = ({ group, plural }: ResourceType, { metadata }: KubeObject): string => {
  const where = metadata.namespace === undefined ? '' : ` -n ${metadata.namespace}`;
  const kind = group === '' ? plural : `${plural}.${group}`;
  return `kubectl annotate ${kind} ${metadata.name}${where} ${annotations.pruneConfirmed}=${metadata.uid}`;
};

const whatWouldGo = async (
  { group, kind }: ResourceType,
  object: KubeObject,
  client: KubeClient,
): Promise<string | undefined> => {
  if (HOLDS_DATA.has(`${group}/${kind}`)) return 'it holds data';
  if (group !== resources.crds.group || kind !== resources.crds.kind) return undefined;
  return (await hasInstances(object.metadata.name, client)) ? 'objects of its kind may exist' : undefined;
};

interface DefinitionSpec {
  group: string;
  names: { plural: string; kind: string };
  versions: { name: string; served: boolean }[];
}

/** Only an empty answer is none: what can't be listed may be there. */
const hasInstances = async (name: string, client: KubeClient): Promise<boolean> => {
  const definition = await client.get(resources.crds, { name });
  if (!definition) return false;
  const { group, names, versions } = definition.spec as DefinitionSpec;
  const version = versions.find(({ served }) => served)?.name;
  if (version === undefined) return true;
  const type = { group, version, kind: names.kind, plural: names.plural, namespaced: false };
  try {
    const { items } = (await client.raw('GET', `${collectionOf(type, undefined)}?limit=1`)) as { items?: unknown[] };
    return items === undefined || items.length > 0;
  } catch (error) {
    if (!(error instanceof KubeError) || error.status === 0) throw error;
    return true;
  }
};
