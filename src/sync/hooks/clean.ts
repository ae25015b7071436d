import { isDeepStrictEqual } from 'node:util';
import type { GitSync, HookEntry } from '../../api/gitsync.ts';
import { parseKey } from '../../api/meta.ts';
import { isForbidden } from '../../kube/index.ts';
import { writerOf } from '../../policy/writer.ts';
import { inTurn } from '../objects/in-turn.ts';
import { type ApplyProblem, pruneFailed } from '../objects/problem.ts';
import type { HookRun } from '../state/hook-run.ts';
import type { SyncState } from '../state/sync-state.ts';
import type { Hook } from './hook.ts';
import { keyOfEntry } from './run.ts';
import { deleteHook, findHook, type HookPorts, isRunning } from './step.ts';

type CleanPorts = Pick<HookPorts, 'client' | 'discovery' | 'turns' | 'lock' | 'signal'>;

/** What was never made is not asked after: perhaps nobody may read it. */
const wasMade = ({ startTime }: HookEntry): boolean => startTime !== undefined;

/** Those of the keys that are there and were made as hooks of this GitSync. */
const deleteThose = async (sync: GitSync, keys: Iterable<string>, ports: CleanPorts): Promise<void> => {
  for (const key of new Set(keys)) {
    await inTurn(sync, key, ports, async () => {
      const found = await findHook(sync, parseKey(key), ports);
      ports.signal.throwIfAborted();
      if (found) await deleteHook(writerOf(sync, ports.client), found.type, found.live);
    });
  }
};

/**
 * What an earlier run left behind and the next one does not have.
 * @returns the hook that still runs and is waited for: nobody ends a migration that is under way
 */
export const retire = async (
  sync: GitSync,
  { entries }: HookRun,
  next: HookRun | null,
  ports: HookPorts,
): Promise<HookEntry | undefined> => {
  const staying = new Set(next?.entries.map(keyOfEntry));
  const begun = entries.filter(wasMade);
  // One that failed by our clock may be at work still.
  for (const entry of begun.filter(({ state, kind }) => state !== 'Succeeded' && kind === 'Job')) {
    const found = await findHook(sync, parseKey(keyOfEntry(entry)), ports);
    if (found && isRunning(found.live, ports.clock.now())) return entry;
  }
  await deleteThose(
    sync,
    begun.map(keyOfEntry).filter((key) => !staying.has(key)),
    ports,
  );
  return undefined;
};

/**
 * Deletes what is to be deleted after it ended; nothing before the status says how it did, or the next process would run
 * it again.
 * @returns false: the status is to be written first
 */
export const cleanUp = async (
  sync: GitSync,
  state: Pick<SyncState, 'written'>,
  { run, entries }: HookRun,
  known: readonly Hook[],
  ports: CleanPorts,
): Promise<boolean> => {
  const policies = new Map(known.map((hook) => [hook.key, hook.deletedAfter]));
  // Of one that ran in two phases the later one is there.
  const last = new Map(entries.filter(wasMade).map((entry) => [keyOfEntry(entry), entry]));
  const leaving = [...last].filter(([key, { state: how }]) => {
    const policy = policies.get(key);
    return (how === 'Succeeded' && policy?.succeeded) || (how === 'Failed' && policy?.failed);
  });
  if (leaving.length === 0) return true;
  const said = [state.written?.status, sync.status].some(
    (status) => status?.hookRun?.id === run.id && isDeepStrictEqual(status.hooks, entries),
  );
  if (said) {
    const keys = leaving.map(([key]) => key);
    await deleteThose(sync, keys, ports);
  }
  return said;
};

/**
 * The GitSync goes, with all that it made.
 * @returns a problem for each that could not be deleted
 */
export const deleteHooks = async (
  sync: GitSync,
  { hooks }: Pick<SyncState, 'hooks'>,
  ports: CleanPorts,
): Promise<ApplyProblem[]> => {
  const entries = [...(hooks?.entries ?? []), ...(sync.status?.hooks ?? [])];
  const made = new Set(entries.filter(wasMade).map(keyOfEntry));
  const problems: ApplyProblem[] = [];
  for (const key of new Set(entries.map(keyOfEntry))) {
    try {
      await deleteThose(sync, [key], ports);
    } catch (error) {
      const problem = pruneFailed(key)(error);
      // Who may not read it did not make it.
      if (problem && (made.has(key) || !isForbidden(error))) problems.push(problem);
    }
  }
  return problems;
};
