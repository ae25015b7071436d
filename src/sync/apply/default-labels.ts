import { groupOf, type KubeObject } from '../../api/meta.ts';

/** The API server labels these like their pods, where they have no label at all. */
const LIKE_THEIR_PODS = new Set(['batch/Job', '/ReplicationController']);

/** What the API server would add, and does not, once the object has a label of ours. */
export const defaultLabelsOf = ({ apiVersion, kind, metadata, spec }: KubeObject): Record<string, string> => {
  const hasNone = Object.keys(metadata.labels ?? {}).length === 0;
  if (!hasNone || !LIKE_THEIR_PODS.has(`${groupOf(apiVersion)}/${kind}`)) return {};
  const { template } = (spec ?? {}) as { template?: { metadata?: { labels?: Record<string, string> } } };
  return { ...template?.metadata?.labels };
};
