import { type KubeObject, keyOf, keyString, versionOf } from '../api/meta.ts';
import { WORKLOAD_KINDS, type WorkloadKind } from '../api/workload.ts';
import { isForbidden, type ResourceType, resources, workloadResource } from '../kube/index.ts';
import { hasSameContent, isBinding, type Snapshot } from '../snapshot/index.ts';
import type { Newest } from './rollback-plan.ts';
import type { Account, EnforcePorts } from './types.ts';

/** The kinds of a snapshot beside the workload. */
const PARTS: readonly ResourceType[] = [
  resources.configMaps,
  resources.secrets,
  resources.services,
  resources.podDisruptionBudgets,
  resources.networkPolicies,
  resources.horizontalPodAutoscalers,
  resources.roleBindings,
  resources.clusterRoleBindings,
];

/** In the version in which it was applied. */
export const partResource = ({ apiVersion, kind }: KubeObject): ResourceType => {
  const type = PARTS.find((part) => part.kind === kind);
  if (!type) throw new Error(`a snapshot has no ${kind}`);
  return { ...type, version: versionOf(apiVersion) };
};

/** The controller itself; and the account that applies, for what the controller has no right to read: bindings. */
export type Readers = Pick<EnforcePorts, 'client'> & Pick<Account, 'writer'>;

/** What a rollback finds beside the workload itself. */
export type Found = Pick<Newest, 'objects' | 'workloads'>;

/**
 * What is there of a snapshot. Costs a request for each object. Where configuration changed, the watch says who else
 * reads it; without one, a request for each kind of workload.
 */
export const foundOf = async (
  { workload, config, selectors = [] }: Snapshot,
  { workloads, ...readers }: Readers & Pick<EnforcePorts, 'workloads'>,
): Promise<Found> => {
  const parts = [...config, ...selectors];
  const found = await Promise.all(parts.map((part) => readPart(part, readers)));
  const objects = new Map(found.flatMap((object) => (object ? [[keyString(keyOf(object)), object] as const] : [])));
  const isChanged = config.some((part) => {
    const now = objects.get(keyString(keyOf(part)));
    return now === undefined || !hasSameContent(now, part);
  });
  const { namespace = '' } = workload.metadata;
  const listed = async (kind: WorkloadKind): Promise<readonly KubeObject[]> =>
    workloads?.[kind].list(namespace) ?? (await readers.client.list(workloadResource(kind), { namespace })).items;
  const lists = isChanged ? await Promise.all(WORKLOAD_KINDS.map(listed)) : [];
  return { objects, workloads: lists.flat() };
};

/**
 * What may not be read counts as gone: to apply it again changes nothing where it is as it was. Not so a
 * binding, which is written with the subjects that it has: it counts as it was.
 */
export const readPart = async (part: KubeObject, { client, writer }: Readers): Promise<KubeObject | undefined> => {
  try {
    return await (isBinding(part) ? writer : client).get(partResource(part), part.metadata);
  } catch (error) {
    if (isForbidden(error)) return isBinding(part) ? part : undefined;
    throw error;
  }
};
