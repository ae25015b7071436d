import { KubeError } from './errors.ts';

/**
 * What the thread that holds the Lease and the thread that leads know of each other, in memory that both see: no
 * message has to be delivered for either to know. Times are milliseconds of the monotonic clock.
 */
export interface Term {
  readonly memory: SharedArrayBuffer;
  /** The main loop turns. */
  beat(): void;
  /** Milliseconds since it turned last. */
  sinceBeat(): number;
  /** Leading is allowed until then; 0 ends it. */
  holdUntil(ms: number): void;
  /** Whether leading is allowed now. */
  isHeld(): boolean;
}

const BEAT = 0;
const UNTIL = 1;

/** @param memory of the other thread's term; a new one where there is none */
export const createTerm = (now: () => number, memory = new SharedArrayBuffer(16)): Term => {
  const cells = new BigInt64Array(memory);
  const read = (cell: number): number => Number(Atomics.load(cells, cell));
  const write = (cell: number, ms: number): void => void Atomics.store(cells, cell, BigInt(Math.floor(ms)));
  return {
    memory,
    beat: () => write(BEAT, now()),
    sinceBeat: () => now() - read(BEAT),
    holdUntil: (ms) => write(UNTIL, ms),
    isHeld: () => now() < read(UNTIL),
  };
};

/** A write that was not sent: this replica may not lead any more, and another may lead already. */
export const notLeading = (): KubeError =>
  new KubeError('not sent: this replica is no longer the leader', { status: 0, reason: 'NotLeading' });
