import { type KubeObject, keyOf, keyString, versionOf } from '../api/meta.ts';
import { WORKLOAD_KINDS } from '../api/workload.ts';
import { KubeError, type ResourceType, resources, workloadResource } from '../kube/index.ts';
import { hasSameContent, type Snapshot } from '../snapshot/index.ts';
import type { Newest } from './rollback-plan.ts';
import type { EnforcePorts } from './types.ts';

/** The kinds of a snapshot beside the workload. */
const PARTS: readonly ResourceType[] = [
  resources.configMaps,
  resources.secrets,
  resources.services,
  resources.podDisruptionBudgets,
  resources.networkPolicies,
  resources.horizontalPodAutoscalers,
];

/** In the version in which it was applied. */
export const partResource = ({ apiVersion, kind }: KubeObject): ResourceType => {
  const type = PARTS.find((part) => part.kind === kind);
  if (!type) throw new Error(`a snapshot has no ${kind}`);
  return { ...type, version: versionOf(apiVersion) };
};

/**
 * What is there of a snapshot. Costs a request for each object; and where configuration changed, one for each kind of
 * workload, to say who else reads it.
 */
export const newestOf = async (
  live: KubeObject,
  { config, selectors = [] }: Snapshot,
  { client }: Pick<EnforcePorts, 'client'>,
): Promise<Newest> => {
  const parts = [...config, ...selectors];
  const found = await Promise.all(parts.map((part) => readPart(part, client)));
  const objects = new Map(found.flatMap((object) => (object ? [[keyString(keyOf(object)), object] as const] : [])));
  const isChanged = config.some((part) => {
    const now = objects.get(keyString(keyOf(part)));
    return now === undefined || !hasSameContent(now, part);
  });
  const { namespace = '' } = live.metadata;
  const lists = isChanged
    ? await Promise.all(WORKLOAD_KINDS.map((kind) => client.list(workloadResource(kind), { namespace })))
    : [];
  return { rejected: live, objects, workloads: lists.flatMap(({ items }) => items) };
};

/** What the controller may not read counts as gone: to apply it again changes nothing where it is as it was. */
export const readPart = async (part: KubeObject, client: EnforcePorts['client']): Promise<KubeObject | undefined> => {
  try {
    return await client.get(partResource(part), part.metadata);
  } catch (error) {
    if (error instanceof KubeError && error.status === 403) return undefined;
    throw error;
  }
};
