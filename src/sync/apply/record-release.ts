import { annotations } from '../../api/annotations.ts';
import type { GitSync } from '../../api/gitsync.ts';
import { describeKey, type KubeObject, parseKey } from '../../api/meta.ts';
import type { Occurred } from '../../api/occurrence.ts';
import { isRejected, type KubeClient, KubeError } from '../../kube/index.ts';
import { ensureHistory, type SnapshotStore } from '../../snapshot/index.ts';
import type { Metrics } from '../../telemetry/index.ts';
import type { Plan } from '../plan/types.ts';
import type { SyncState } from '../state/sync-state.ts';
import type { SealedRecording, Unrecorded } from '../state/unrecorded.ts';
import type { Recording } from './prepare.ts';

export interface RecordReleasePorts {
  client: KubeClient;
  snapshots: SnapshotStore;
  metrics: Metrics;
}

/**
 * Writes down what was applied for a release, after its apply was accepted. Whatever keeps that from being stored costs
 * the rollback, never the apply. Level-triggered: the next apply of the same object, also by the next process, writes
 * what this one did not get to.
 * @param applied the object as the API server has it; undefined when it is not there
 */
export const recordRelease = async (
  key: string,
  { recording, applied }: { recording: Recording | undefined; applied: KubeObject | undefined },
  state: SyncState,
  ports: RecordReleasePorts,
): Promise<void> => {
  if (!recording || !applied) {
    state.unrecorded.delete(key);
  } else if ('refused' in recording) {
    ports.metrics.snapshots.inc({ result: 'refused' });
    note(key, state, { why: recording.refused, again: false });
  } else if (applied.metadata.annotations?.[annotations.snapshot] === recording.sealed.name) {
    await write(key, recording, state, ports);
  } // else it was only compared, and runs under the name of another snapshot
};

/** Before the object changes: the release that it is until now can be written down for the last time. */
export const recordOutstanding = async (key: string, state: SyncState, ports: RecordReleasePorts): Promise<void> => {
  const { recording, again } = state.unrecorded.get(key) ?? {};
  if (recording && again) await write(key, recording, state, ports);
};

/** After a plan: what a snapshot waited for may be there now. Tells of each release that has none, once. */
export const recordPending = async (
  sync: GitSync,
  state: SyncState,
  { desired }: Pick<Plan, 'desired'>,
  ports: RecordReleasePorts & { occurred: Occurred },
): Promise<void> => {
  const wanted = new Map(desired.map((planned) => [planned.key, planned.hash]));
  for (const [key, { hash, recording }] of state.unrecorded) {
    if (wanted.get(key) !== hash) state.unrecorded.delete(key);
    else if (recording) await write(key, recording, state, ports);
  }
  for (const [key, entry] of state.unrecorded) {
    if (entry.told) continue;
    entry.told = true;
    const message = unrecordedWords(key, entry);
    ports.occurred({ regarding: sync, severity: 'warning', reason: 'NoRollbackTarget', action: 'Record', message });
  }
};

/** `no rollback target: Deployment shop/web: ...` */
export const unrecordedWords = (key: string, { why }: Unrecorded): string =>
  `no rollback target: ${describeKey(parseKey(key))}: ${why}`;

const write = async (
  key: string,
  recording: SealedRecording,
  state: SyncState,
  ports: RecordReleasePorts,
): Promise<void> => {
  const missing = recording.config.find((config) => state.applied.get(config.key)?.hash !== config.hash);
  if (missing) {
    const why = `${describeKey(parseKey(missing.key))}, a part of the release, is not applied`;
    return note(key, state, { why, again: false, recording });
  }
  try {
    await ports.snapshots.write(await ensureHistory(ports.client, recording.workload), recording.sealed);
    ports.metrics.snapshots.inc({ result: 'written' });
    state.unrecorded.delete(key);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    ports.metrics.snapshots.inc({ result: 'refused' });
    const why = `its snapshot is refused: ${error.message}`;
    note(key, state, isRejected(error) ? { why, again: false } : { why, again: true, recording });
  }
};

const note = (key: string, state: SyncState, entry: Omit<Unrecorded, 'hash' | 'told'>): void => {
  const before = state.unrecorded.get(key);
  const told = before?.why === entry.why && before.told;
  state.unrecorded.set(key, { ...entry, hash: state.applied.get(key)?.hash, told });
};
