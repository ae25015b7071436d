import type { RollbackHold } from '../api/hold.ts';
import { begun } from '../begun.ts';
import type { Snapshot } from '../snapshot/index.ts';
import { explained } from './account-words.ts';
import { missingNeedsOf } from './missing-needs.ts';
import { type Found, foundOf } from './newest.ts';
import { isLeft } from './status.ts';
import { readTarget, TargetError } from './target.ts';
import type { Account, EnforcePorts } from './types.ts';

/** What a Hold goes back to, and what is there of it. */
export interface Prepared {
  snapshot: Snapshot;
  /** Whose objects they are; undefined: of no GitSync (any more). */
  account: Account | undefined;
  /** Rejects with KubeError. */
  surroundings: () => Promise<Surroundings>;
}

export interface Surroundings {
  /** What its pods need, and is not there. */
  missing: string[];
  /** What is there of the objects that go back with it; undefined where its template goes back alone. */
  found: Found | undefined;
}

export type PreparePorts = Pick<EnforcePorts, 'client' | 'snapshots' | 'workloads' | 'accountOf'>;

/**
 * Reads the target. Where it is not applied yet, what is around it is read without waiting until somebody asks for it:
 * between a Hold and its apply every request that waits for another one counts.
 */
export const prepare = async (hold: RollbackHold, ports: PreparePorts): Promise<Prepared | TargetError> => {
  try {
    const snapshot = await readTarget(hold, ports.snapshots);
    const account = ports.accountOf(snapshot.fieldManager);
    const read = (): Promise<Surroundings> => surroundingsOf(snapshot, account, ports);
    return { snapshot, account, surroundings: isLeft(hold) ? begun(read()) : read };
  } catch (error) {
    if (error instanceof TargetError) return error;
    throw error;
  }
};

const surroundingsOf = async (
  snapshot: Snapshot,
  account: Account | undefined,
  { client, workloads }: Pick<EnforcePorts, 'client' | 'workloads'>,
): Promise<Surroundings> => {
  const [missing, found] = await Promise.all([
    missingNeedsOf(account ? snapshot : { ...snapshot, config: [] }, client),
    account && foundOf(snapshot, { client, writer: account.writer, workloads }).catch(explained(account)),
  ]);
  return { missing, found };
};
