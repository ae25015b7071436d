import { parseDuration } from '../api/common.ts';
import type { GitSync } from '../api/gitsync.ts';
import { describeKey, type ObjectKey, parseKey } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import type { Discovery, KubeClient } from '../kube/index.ts';
import { conditionIs } from './conditions.ts';
import { healthOf } from './health.ts';
import type { SyncState } from './state.ts';
import type { Outcome } from './status.ts';

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

/** The outcome, or that it is waited for: with spec.wait a GitSync is Ready only when all that it applied is healthy. */
export const waitForHealth = async (
  sync: GitSync,
  state: SyncState,
  outcome: Outcome,
  ports: { client: KubeClient; discovery: Discovery; clock: Clock },
): Promise<Outcome> => {
  const settled = outcome.kind === 'unchanged' && conditionIs(sync.status?.conditions, 'Ready', 'True');
  if (!sync.spec.wait || outcome.kind === 'failed' || settled) return outcome;
  const unhealthy = await unhealthyOf([...state.inventory.keys()].map(parseKey), ports);
  if (!unhealthy) {
    delete state.waitingSince;
    return outcome;
  }
  const fingerprint = state.planned?.fingerprint ?? '';
  if (state.waitingSince?.fingerprint !== fingerprint) state.waitingSince = { fingerprint, at: ports.clock.now() };
  const expired = ports.clock.now() - state.waitingSince.at > parseDuration(sync.spec.timeout);
  if (!unhealthy.failed && !expired) return { kind: 'waiting', message: unhealthy.message, of: outcome };
  return { kind: 'failed', reason: 'HealthCheckFailed', message: unhealthy.message, permanent: unhealthy.failed };
};
