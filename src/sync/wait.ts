import { describeKey, type ObjectKey } from '../api/meta.ts';
import type { Discovery, KubeClient } from '../kube/index.ts';
import { healthOf } from './health.ts';

/** Kinds that are there when they are stored: asking for their health would only cost requests. */
const AT_ONCE = new Set([
  'ConfigMap',
  'Secret',
  'ServiceAccount',
  'Service',
  'Role',
  'RoleBinding',
  'ClusterRole',
  'ClusterRoleBinding',
  'NetworkPolicy',
  'Ingress',
]);

/** The first objects that are not healthy yet; undefined when all are. */
export const unhealthyOf = async (
  keys: readonly ObjectKey[],
  { client, discovery }: { client: KubeClient; discovery: Discovery },
): Promise<{ message: string; failed: boolean } | undefined> => {
  const waiting: string[] = [];
  for (const key of keys.filter((k) => !AT_ONCE.has(k.kind))) {
    const type = await discovery.findKind(key.group, key.kind);
    const object = type && (await client.get(type, key));
    const { health, message } = object
      ? healthOf(object)
      : { health: 'InProgress' as const, message: 'it is not there' };
    const text = `${describeKey(key)}: ${message}`;
    if (health === 'Failed') return { message: text, failed: true };
    if (health === 'InProgress') waiting.push(text);
  }
  return waiting.length === 0 ? undefined : { message: waiting.slice(0, 5).join('; '), failed: false };
};
