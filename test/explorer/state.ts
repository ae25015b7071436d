import type { SyncState } from '../../src/sync/state/sync-state.ts';
import type { Moment } from '../support/api-server.ts';

/** A process of the controller. Both take alerts; the one that leads acts. */
export type Replica = 'A' | 'B';
export const REPLICAS: readonly Replica[] = ['A', 'B'];

/** Kinds whose watch may lag behind the others. */
export const WATCHES = ['incidents', 'holds', 'histories', 'workloads'] as const;
export type Watch = (typeof WATCHES)[number];

/** What a commit asks for. `old` is good, `bad` and `worse` burn, `fix` is good. */
export type Image = 'old' | 'bad' | 'worse' | 'fix';

/** A commit: what the workload runs, and the version of a ConfigMap that has nothing to do with it. */
export interface Commit {
  image: Image;
  other: number;
}

/** An alert that rang, and what was delivered of it last. */
export interface Alert {
  startsAt: number;
  delivered: 'nothing' | 'firing' | 'resolved';
}

/** What may still happen beside the ordinary course of things. Counts down. */
export interface Budget {
  /** A crash, a refusal, an answer that is lost, a Lease that is lost, a watch that lags. */
  faults: number;
  commits: number;
  /** What people do. */
  words: number;
  /** Jumps of the clock. */
  jumps: number;
  deliveries: number;
}

/** What a person said, as the invariants remember it whatever became of the objects. */
export interface Memory {
  /** Incidents that made a Hold, and when. */
  rolledBack: readonly { uid: string; at: number }[];
  /** Digests that a person lifted, and when. */
  lifted: Readonly<Record<string, number>>;
  /** What people said so far. */
  words: number;
}

/** One state of the world. Nothing in it is ever changed: a transition makes another one. */
export interface State {
  /** What the API server has stored. */
  moment: Moment;
  /** Milliseconds since the epoch. */
  now: number;
  commits: readonly Commit[];
  leader: Replica;
  /** What the leader remembers of its GitSync. To be copied before it is used. */
  sync: SyncState;
  /** Watches of a replica that show an older moment. */
  lag: Readonly<Partial<Record<`${Replica} ${Watch}`, Moment>>>;
  /** A leader that lost its Lease in the middle of something: what it saw then. */
  frozen: { moment: Moment; now: number; sync: SyncState } | undefined;
  /** When the workload burned, and when it did not: from each time on. */
  burns: readonly { from: number; burning: boolean; image: string }[];
  alerts: readonly Alert[];
  budget: Budget;
  memory: Memory;
}

export const isBurning = ({ burns }: Pick<State, 'burns'>, at: number): boolean =>
  burns.findLast(({ from }) => from <= at)?.burning ?? false;
