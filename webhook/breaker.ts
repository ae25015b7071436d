import type { Clock } from '../src/clock.ts';

/** Injection is stopped in a namespace, because it kept pods from starting there. */
export interface Opening {
  namespace: string;
  /** What was in the way, in the words of the kubelet or the API server. */
  words: string;
  /** Milliseconds since the epoch. */
  openedAt: number;
  /** UID of the pod, or of the owner of the refused pods, that opened it. */
  by: string;
  /** When one pod is tried again. */
  retryAt: number;
}

export interface Breaker {
  /** undefined while it is closed. */
  opening(namespace: string): Opening | undefined;
  /**
   * Whether a pod of this namespace gets the recorder. From retryAt on the first that asks does, alone, until it is
   * known how that went.
   */
  admits(namespace: string): boolean;
  /**
   * A pod was kept from starting. Counts against the trial only what was there after it began.
   * `since` says when that pod was first seen, `by` whose failure it is.
   * @returns true when it was closed before
   */
  failed(namespace: string, failure: { words: string; since: number; by: string }): boolean;
  /** A pod that was first seen at `since` records. Returns true when this closed the breaker. */
  worked(namespace: string, since: number): boolean;
  /**
   * Closes the breaker that this pod opened: the pod is refused without the recorder, too. Returns true when it was
   * open.
   */
  acquit(namespace: string, by: string): boolean;
  /** All that are open. Trials that nothing came of count as failed, namespaces that are gone are forgotten. */
  open(exists: (namespace: string) => boolean): Opening[];
}

const FIRST_PAUSE_MS = 5 * 60_000;
const MAX_PAUSE_MS = 60 * 60_000;
/**
 * A pod that was admitted shows up within seconds. Afterwards something refused it, or the review was not the API
 * server's.
 */
const TRIAL_MS = 60_000;

interface State extends Opening {
  pauseMs: number;
  /** When the last trial began. */
  trialAt: number;
  isTrying: boolean;
}

/**
 * One namespace at a time: what is wrong there (a pull secret, an architecture, a policy) says nothing of the others.
 */
export const createBreaker = ({ clock }: { clock: Pick<Clock, 'now'> }): Breaker => {
  const states = new Map<string, State>();
  const again = (state: State, words: string): void => {
    state.pauseMs = Math.min(state.pauseMs * 2, MAX_PAUSE_MS);
    state.retryAt = clock.now() + state.pauseMs;
    state.isTrying = false;
    state.words = words;
  };
  return {
    opening: (namespace) => states.get(namespace),
    admits(namespace) {
      const state = states.get(namespace);
      if (state === undefined) return true;
      if (state.isTrying || clock.now() < state.retryAt) return false;
      state.isTrying = true;
      state.trialAt = clock.now();
      return true;
    },
    failed(namespace, { words, since, by }) {
      const state = states.get(namespace);
      if (state === undefined) {
        const openedAt = clock.now();
        const times = { openedAt, retryAt: openedAt + FIRST_PAUSE_MS, pauseMs: FIRST_PAUSE_MS };
        states.set(namespace, { namespace, words, by, ...times, trialAt: Number.POSITIVE_INFINITY, isTrying: false });
        return true;
      }
      if (state.isTrying && since >= state.trialAt) again(state, words);
      return false;
    },
    worked(namespace, since) {
      const state = states.get(namespace);
      // Also after the trial was given up: other init containers may take their time.
      return state !== undefined && since >= state.trialAt && states.delete(namespace);
    },
    acquit: (namespace, by) => states.get(namespace)?.by === by && states.delete(namespace),
    open(exists) {
      for (const [namespace, state] of states) {
        if (!exists(namespace)) states.delete(namespace);
        if (state.isTrying && clock.now() - state.trialAt >= TRIAL_MS) again(state, state.words);
      }
      return [...states.values()];
    },
  };
};
