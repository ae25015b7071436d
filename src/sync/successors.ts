import { annotations } from '../api/annotations.ts';
import { parseDuration } from '../api/common.ts';
import type { GitSync } from '../api/gitsync.ts';
import { describeKey, type KubeObject, parseKey } from '../api/meta.ts';
import { templateOf } from '../snapshot/index.ts';
import { recordOf } from '../ssa/field-set.ts';
import { type HealthPorts, unhealthyOf } from './health-gate.ts';
import { confirmCommand } from './inventory/confirmation.ts';
import { readsOf } from './objects/reads.ts';
import type { Kept } from './plan/kept.ts';
import type { Plan } from './plan/types.ts';
import type { SyncState } from './state/sync-state.ts';

/** How often the successor is asked for; and after the GitSync's timeout, when a person has to see to it. */
const AGAIN_MS = 5_000;
const SLOW_MS = 60_000;

/**
 * A workload that has another name in Git keeps the old one until the new one is ready, and with it stays what left Git
 * in its namespace, and roles: its pods may need that. No time ends the wait, for nobody knows that the new one ever
 * serves; a person's word does.
 *
 * A successor is of the same kind, came in the commit in which the other one left, and runs the same images under the
 * same names of containers, tags aside. Costs a request for each workload that left Git beside one that came.
 */
export const keptForSuccessors = async (
  sync: GitSync,
  state: SyncState,
  made: Plan,
  ports: HealthPorts,
): Promise<Kept[]> => {
  const departing = made.prune.filter((key) => (made.departures.get(key) ?? []).length > 0);
  const waits = await Promise.all(departing.map((key) => waitOf(sync, state, key, made, ports)));
  const waiting = waits.filter((kept) => kept !== undefined);
  const known = new Set(waiting.map(({ key }) => key));
  const namespaces = new Set(waiting.map(({ key }) => parseKey(key).namespace));
  const beside = made.prune.filter((key) => {
    const { namespace, group } = parseKey(key);
    return !known.has(key) && (namespaces.has(namespace) || (waiting.length > 0 && group === RBAC));
  });
  const names = waiting.map(({ key }) => describeKey(parseKey(key))).join(', ');
  const why = `it stays as long as ${names}, which left Git with it`;
  return [...waiting, ...beside.map((key) => ({ key, reason: 'SuccessorNotReady', why }) as const)];
};

const RBAC = 'rbac.authorization.k8s.io';

const waitOf = async (
  sync: GitSync,
  state: SyncState,
  key: string,
  made: Plan,
  ports: HealthPorts,
): Promise<Kept | undefined> => {
  const parsed = parseKey(key);
  const type = await ports.discovery.findKind(parsed.group, parsed.kind);
  const old = type && (await (await readsOf(sync, type, ports)).client.get(type, parsed));
  if (!type || !old || old.metadata.deletionTimestamp !== undefined || isConfirmed(old)) return undefined;
  const candidates = made.departures.get(key) ?? [];
  const successors = made.desired
    .filter((planned) => candidates.includes(planned.key) && isSuccessor(old, planned.object))
    .map((planned) => planned.key);
  const unready = await unhealthyOf(sync, state, successors.map(parseKey), ports);
  if (!unready) return undefined;
  const now = ports.clock.now();
  const sinceMs = state.kept.get(key)?.sinceMs ?? now;
  const expired = now - sinceMs > parseDuration(sync.spec.timeout);
  const late = expired ? `, which it is not after ${sync.spec.timeout}` : '';
  const wait = `until ${namesOf(successors)}, which takes its place, is ready${late}: ${unready.message}`;
  const why = `${wait}; to delete it now: ${confirmCommand(type, old)}`;
  return { key, reason: 'SuccessorNotReady', why, sinceMs, untilMs: now + (expired ? SLOW_MS : AGAIN_MS) };
};

const namesOf = (keys: readonly string[]): string => keys.map((key) => describeKey(parseKey(key))).join(', ');

const isConfirmed = ({ metadata }: KubeObject): boolean =>
  metadata.uid !== undefined && metadata.annotations?.[annotations.pruneConfirmed] === metadata.uid;

const isSuccessor = (old: KubeObject, next: KubeObject): boolean => {
  const runs = programsOf(next);
  return runs !== '' && runs === programsOf(old);
};

/** Names and repositories of the containers: what it is, whatever version. */
const programsOf = (workload: KubeObject): string => {
  const { containers } = recordOf(recordOf(templateOf(workload)).spec);
  const named = (Array.isArray(containers) ? (containers as unknown[]) : []).map(recordOf);
  return named
    .map(
      ({ name, image }) =>
        `${name} ${String(image)
          .replace(/@.*$/, '')
          .replace(/:[^/]*$/, '')}`,
    )
    .toSorted()
    .join('\n');
};
