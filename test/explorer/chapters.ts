import type { KubeObject } from '../../src/api/meta.ts';
import { check, type Violation } from './invariants.ts';
import { type Move, WHO } from './moves.ts';
import { wordsOf } from './people.ts';
import { pieces } from './pieces.ts';
import type { State } from './state.ts';
import { holdsIn, incidentsIn, liveIn, type Outcome, type World } from './world.ts';

/** Where a search begins. */
export interface Root {
  state: State;
  /** What came before, in words. */
  words: string;
}

/** The story itself, without anything that goes wrong, breaks an invariant. */
export class StoryBroken extends Error {
  readonly violation: Violation & { trace: string[] };

  constructor(violation: Violation, after: string) {
    super(`${violation.invariant}: ${violation.words}`);
    this.violation = { ...violation, trace: [after, '(and what should come next)'] };
  }
}

/**
 * One story as it should go, told by the code as it ships: each chapter of it is a root, so that what may go wrong late
 * is found as soon as what may go wrong early.
 */
export const begin = async (world: World): Promise<{ roots: Root[]; undone: KubeObject }> => {
  let state = world.begin();
  const roots: Root[] = [];
  const chapter = (words: string): void => void roots.push({ state, words });
  const go = async (who: Move['who'], outcome: Promise<Outcome>): Promise<void> => {
    const made = await outcome;
    const move: Move = { who, words: '', mayFail: false, go: () => outcome };
    const { memory, violation } = check(world.scenario, state, move, made);
    if (violation) throw new StoryBroken(violation, roots.at(-1)?.words ?? '');
    state = { ...made.state, memory };
  };
  const work = async (): Promise<void> => {
    for (const piece of pieces) await go(WHO[piece], world.work(state, piece));
  };

  await go('surroundings', world.commit(state, { image: 'old', other: 1 }));
  await work();
  await go('surroundings', world.rollOut(state));
  await work();
  state = { ...state, now: state.now + 3_600_000 };
  await work();
  const undone = liveIn(state.moment);
  if (!undone) throw new Error('the workload was not applied');

  await go('surroundings', world.commit(state, { image: 'bad', other: 1 }));
  chapter('(a good release runs, and a commit brings one that burns)');
  const applied = world.scenario.isOfGit ? (await world.work(state, 'syncs the GitSync')).state : state;
  const { state: unrecorded } = await world.rollOut({ ...applied, memory: state.memory });
  roots.push({ state: unrecorded, words: '(the release that burns is rolled out, and nobody has recorded it)' });
  await work();
  await go('surroundings', world.rollOut(state));
  await work();
  chapter('(the release that burns is rolled out)');
  const [alert] = state.alerts;
  if (!alert) throw new Error('nothing burns');
  await go('intake', world.deliver(state, 'A', alert, 'firing'));
  chapter('(an alert was delivered, and nobody has judged it yet)');
  await go('incidents', world.work(state, 'judges its incidents'));
  if (holdsIn(state.moment).length === 0) {
    chapter('(an alert was delivered, and a person is asked)');
    const about = { holds: [], incidents: incidentsIn(state.moment), live: liveIn(state.moment) };
    const approval = wordsOf(about, undone).find(({ words }) => words.includes('approve'));
    if (approval) await go('person', world.write(state, approval.say));
  }
  chapter('(an alert was delivered, and there is a Hold)');
  await work();
  await go('surroundings', world.rollOut(state));
  chapter('(the rollback is applied, and its pods are ready)');
  await work();
  const [known] = state.alerts;
  if (known) await go('intake', world.deliver(state, 'A', known, 'resolved'));
  await work();
  chapter('(the workload has recovered)');
  if (!world.scenario.again) return { roots, undone };
  state = { ...state, now: state.now + 120_000 };
  await go('surroundings', world.commit(state, { image: 'worse', other: 1 }));
  await work();
  await go('surroundings', world.rollOut(state));
  await work();
  chapter('(another release that burns is rolled out, some minutes after the rollback)');
  return { roots, undone };
};
