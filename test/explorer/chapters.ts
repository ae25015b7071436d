import type { KubeObject } from '../../src/api/meta.ts';
import { wordsOf } from './people.ts';
import { pieces } from './pieces.ts';
import type { State } from './state.ts';
import { holdsIn, incidentsIn, liveIn, type World } from './world.ts';

/** Where a search begins. */
export interface Root {
  state: State;
  /** What came before, in words. */
  words: string;
}

/**
 * One story as it should go, told by the code as it ships: each chapter of it is a root, so that what may go wrong late
 * is found as soon as what may go wrong early.
 */
export const begin = async (world: World): Promise<{ roots: Root[]; undone: KubeObject }> => {
  let state = world.begin();
  const roots: Root[] = [];
  const work = async (): Promise<void> => {
    for (const piece of pieces) ({ state } = await world.work(state, piece));
  };
  const chapter = (words: string): void => void roots.push({ state, words });

  ({ state } = await world.commit(state, { image: 'old', other: 1 }));
  await work();
  ({ state } = await world.rollOut(state));
  await work();
  state = { ...state, now: state.now + 3_600_000 };
  await work();
  const undone = liveIn(state.moment);
  if (!undone) throw new Error('the workload was not applied');

  ({ state } = await world.commit(state, { image: 'bad', other: 1 }));
  chapter('(a good release runs, and a commit brings one that burns)');
  await work();
  ({ state } = await world.rollOut(state));
  await work();
  chapter('(the release that burns is rolled out)');
  const [alert] = state.alerts;
  if (!alert) throw new Error('nothing burns');
  ({ state } = await world.deliver(state, 'A', alert, 'firing'));
  ({ state } = await world.work(state, 'judges its incidents'));
  if (holdsIn(state.moment).length === 0) {
    chapter('(an alert was delivered, and a person is asked)');
    const about = { holds: [], incidents: incidentsIn(state.moment), live: liveIn(state.moment) };
    const approval = wordsOf(about, undone).find(({ words }) => words.includes('approve'));
    if (approval) ({ state } = await world.write(state, approval.say));
  }
  chapter('(an alert was delivered, and there is a Hold)');
  await work();
  ({ state } = await world.rollOut(state));
  chapter('(the rollback is applied, and its pods are ready)');
  await work();
  const [known] = state.alerts;
  if (known) ({ state } = await world.deliver(state, 'A', known, 'resolved'));
  await work();
  chapter('(the workload has recovered)');
  return { roots, undone };
};
