import { parseDuration } from '../api/common.ts';
import { conditionIs } from '../api/conditions.ts';
import type { GitSync } from '../api/gitsync.ts';
import { describeKey, type KubeObject, keyString, type ObjectKey, parseKey } from '../api/meta.ts';
import type { Clock } from '../clock.ts';
import { hasHealth } from '../health/kinds.ts';
import type { HealthThread } from '../health/thread.ts';
import type { Discovery } from '../kube/index.ts';
import { createLoopYielder } from '../loop-yielder.ts';
import { type ReadPorts, readsOf } from './objects/reads.ts';
import type { SyncState } from './state/sync-state.ts';
import type { SyncOutcome, Unhealthy } from './status/outcome.ts';

export interface HealthPorts extends ReadPorts {
  discovery: Discovery;
  health: HealthThread;
  clock: Clock;
}

/** The first objects that are not healthy yet; undefined when all are. Asks nobody where their kinds are watched. */
export const unhealthyOf = async (
  sync: GitSync,
  state: SyncState,
  keys: readonly ObjectKey[],
  ports: Omit<HealthPorts, 'clock'>,
): Promise<Unhealthy | undefined> => {
  const breathe = createLoopYielder();
  const waiting: string[] = [];
  const seen: { key: ObjectKey; object: KubeObject }[] = [];
  for (const key of keys.filter((k) => hasHealth(k) && !state.untouched.has(keyString(k)))) {
    await breathe();
    const type = await ports.discovery.findKind(key.group, key.kind);
    const object = type && (await (await readsOf(sync, type, ports)).get(key));
    if (isSeen(object, state.applied.get(keyString(key))?.generation)) seen.push({ key, object });
    else waiting.push(`${describeKey(key)}: it was just applied`);
  }
  const judgements = await ports.health.judge(
    sync,
    seen.map(({ object }) => object),
  );
  for (const [i, { key }] of seen.entries()) {
    const judged = judgements[i];
    const text = `${describeKey(key)}: ${judged?.message}`;
    if (judged?.health === 'Failed') return { message: text, failed: true };
    if (judged?.health === 'InProgress') waiting.push(text);
  }
  if (waiting.length === 0) return undefined;
  const more = waiting.length > 5 ? ` and ${waiting.length - 5} more` : '';
  return { message: `${waiting.slice(0, 5).join('; ')}${more}`, failed: false };
};

/** The watch may still show the object as it was before our apply. */
const isSeen = (object: KubeObject | undefined, applied: number | undefined): object is KubeObject =>
  object !== undefined && (object.metadata.generation ?? 0) >= (applied ?? 0);

/** What is on its way needs no word yet: most rollouts of a large sync are over before it would be read. */
const QUIET_MS = 5_000;
/** The watch tells of every change; this is for what it can't tell of. */
const REQUEUE_MS = 5_000;

/** The outcome, or that it is waited for: with spec.wait a GitSync is Ready only when all that it applied is healthy. */
export const waitForHealth = async (
  sync: GitSync,
  state: SyncState,
  outcome: SyncOutcome,
  ports: HealthPorts,
): Promise<SyncOutcome> => {
  if (outcome.kind !== 'unchanged' && outcome.kind !== 'applied') return outcome;
  const blocked = outcome.kind === 'applied' ? outcome.blocked : undefined;
  // While a commit is waited for, a Ready that says True is still about the one before.
  const settled =
    outcome.kind === 'unchanged' && !state.waitingSince && conditionIs(sync.status?.conditions, 'Ready', 'True');
  // What could not be applied is said at once: it never gets healthy.
  const incomplete = outcome.kind === 'applied' && outcome.problems.length > 0;
  const asked = sync.spec.wait && !settled && !blocked && !incomplete;
  const wanted = [...state.inventory.keys()].filter((key) => !state.kept.has(key));
  const unhealthy = blocked ?? (asked ? await unhealthyOf(sync, state, wanted.map(parseKey), ports) : undefined);
  if (!unhealthy) {
    delete state.waitingSince;
    return outcome;
  }
  const fingerprint = `${outcome.commit} ${sync.metadata.generation}`;
  if (state.waitingSince?.fingerprint !== fingerprint) state.waitingSince = { fingerprint, at: ports.clock.now() };
  const waited = ports.clock.now() - state.waitingSince.at;
  const expired = waited > parseDuration(sync.spec.timeout);
  if (!unhealthy.failed && !expired) {
    const quiet = waited < QUIET_MS;
    const againInMs = quiet ? QUIET_MS - waited : REQUEUE_MS;
    return { kind: 'waiting', message: unhealthy.message, of: outcome, quiet, againInMs };
  }
  const message =
    expired && !unhealthy.failed ? `not within ${sync.spec.timeout}: ${unhealthy.message}` : unhealthy.message;
  return { kind: 'failed', reason: 'HealthCheckFailed', message, permanent: unhealthy.failed, of: outcome };
};
