import { keyOf } from './canonical.ts';
import { begin, StoryBroken } from './chapters.ts';
import { check, type Violation } from './invariants.ts';
import { runToRest } from './liveness.ts';
import { faultsOf, type Move, movesOf } from './moves.ts';
import type { Scenario } from './scenario.ts';
import type { State } from './state.ts';
import type { Fault } from './wire.ts';
import { createWorld } from './world.ts';

export interface Search {
  scenario: Scenario;
  /** Distinct states, at most. */
  states: number;
  /** From one state of so many, a run without faults has to end well; Infinity: from none. */
  endEvery: number;
  /** Which of them: another seed asks of others. */
  seed: number;
  /** Goes on after a violation, and tells the first of each kind. What follows a violation is not looked into. */
  goOn?: boolean;
  onProgress?: (found: Found) => void;
}

export interface Found {
  scenario: string;
  states: number;
  /** Moves that were made. */
  moves: number;
  /** Runs without faults that were asked how they end. */
  endings: number;
  /** Of the longest trace. */
  depth: number;
  violations: Told[];
}

export type Told = Violation & { trace: string[] };

interface Known {
  /** Key of the state before; undefined for a root. */
  from: number | undefined;
  words: string;
  depth: number;
}

/** A state that nobody has looked into yet, and its key. */
interface Reached {
  state: State;
  key: number;
}

/**
 * Breadth first, from several places of one story: so the first violation has the shortest trace that there is from any
 * of them.
 */
export const explore = async (search: Search): Promise<Found> => {
  const world = createWorld(search.scenario);
  const tree = createTree(search);
  const story = await begin(world).catch((error: unknown) => {
    if (error instanceof StoryBroken) return error;
    throw error;
  });
  if (story instanceof StoryBroken) return { ...tree.found, violations: [story.violation] };
  const { roots, undone } = story;
  const ends = new Set<number>();
  for (const { state, words } of roots) tree.add(state, undefined, words);

  /** Makes a move; the violation that came of it. */
  const make = async ({ state: before, key: from }: Reached, move: Move, fault?: { fault: Fault; words: string }) => {
    const outcome = await move.go(fault?.fault);
    tree.found.moves += 1;
    const words = fault ? `${move.words}, and ${fault.words}` : move.words;
    const { memory, violation } = check(search.scenario, before, move, outcome);
    if (violation) return { outcome, violation: { ...violation, trace: [...tree.traceTo(from), words] } };
    const state = { ...outcome.state, memory };
    const key = tree.add(state, from, words);
    return { outcome, violation: key === undefined ? undefined : await end(state, key) };
  };
  const end = async (state: State, key: number): Promise<Told | undefined> => {
    if ((key + search.seed) % search.endEvery !== 0) return undefined;
    tree.found.endings += 1;
    const { violation, trace } = await runToRest(world, state, ends);
    return violation && { ...violation, trace: [...tree.traceTo(key), 'from here on nothing goes wrong:', ...trace] };
  };
  /** Everything that may happen in a state, and everything that may go wrong with it. True: that is enough. */
  const expand = async (from: Reached): Promise<boolean> => {
    const { state } = from;
    for (const move of movesOf(world, state, undone)) {
      const made = await make(from, move);
      let { violation } = made;
      const faults = move.mayFail && state.budget.faults > 0 ? faultsOf(made.outcome.tried) : [];
      for (const fault of faults) {
        if (violation && tree.tell(violation)) return true;
        ({ violation } = await make(from, move, fault));
      }
      if (violation && tree.tell(violation)) return true;
    }
    return false;
  };

  for (let from = tree.next(); from && tree.found.states < search.states; from = tree.next()) {
    if (await expand(from)) break;
  }
  return tree.found;
};

/** The states that are known, and those that nobody has looked into yet, oldest first. */
const createTree = ({ scenario, states, onProgress, goOn = false }: Search) => {
  const known = new Map<number, Known>();
  const found: Found = { scenario: scenario.name, states: 0, moves: 0, endings: 0, depth: 0, violations: [] };
  let line: Reached[] = [];
  let later: Reached[] = [];
  const traceTo = (key: number | undefined): string[] => {
    const at = key === undefined ? undefined : known.get(key);
    return at ? [...traceTo(at.from), at.words] : [];
  };
  return {
    found,
    traceTo,
    /** Whether that is enough. */
    tell(violation: Told): boolean {
      const kind = kindOf(violation);
      if (!found.violations.some((one) => kindOf(one) === kind)) found.violations.push(violation);
      return !goOn;
    },
    /** Its key, where it was not known. */
    add(state: State, from: number | undefined, words: string): number | undefined {
      const key = keyOf(state);
      if (known.has(key)) return undefined;
      const depth = from === undefined ? 0 : (known.get(from)?.depth ?? 0) + 1;
      known.set(key, { from, words, depth });
      found.states = known.size;
      found.depth = Math.max(found.depth, depth);
      // Each that is looked into leads to several others: more of them than are still to be found only take memory.
      if (line.length + later.length < states - known.size) later.push({ state, key });
      if (found.states % PROGRESS_EVERY === 0) onProgress?.(found);
      return key;
    },
    next(): Reached | undefined {
      if (line.length === 0) [line, later] = [later.toReversed(), []];
      return line.pop();
    },
  };
};

const kindOf = ({ invariant, words }: Told): string => `${invariant}: ${words.replaceAll(/[0-9a-f]{8,}|\d+/g, '#')}`;

const PROGRESS_EVERY = 1_000;
