import type { KubeObject } from '../../src/api/meta.ts';
import { wordsOf } from './people.ts';
import { newSyncState, pieces } from './pieces.ts';
import type { Alert, Budget, Commit, State } from './state.ts';
import { isBurning, REPLICAS, WATCHES } from './state.ts';
import type { Fault } from './wire.ts';
import { holdsIn, incidentsIn, isRolledOut, liveIn, type Outcome, type World } from './world.ts';

/** What may happen next. */
export interface Move {
  /** As the trace prints it. */
  words: string;
  /** Who does it: an invariant may ask. */
  who: 'incidents' | 'holds' | 'sync' | 'releases' | 'intake' | 'person' | 'surroundings';
  go: (fault?: Fault) => Promise<Outcome>;
  /** Something may go wrong in it. */
  mayFail: boolean;
}

export const WHO = {
  'judges its incidents': 'incidents',
  'obeys the Holds': 'holds',
  'syncs the GitSync': 'sync',
  'records the releases': 'releases',
} as const;

/** Everything that may happen in a state, as far as its budget goes. */
export const movesOf = (world: World, state: State, undone: KubeObject): Move[] => [
  ...worksOf(world, state),
  ...alertsOf(world, state),
  ...surroundingsOf(world, state),
  ...commitsOf(world, state),
  ...peopleOf(world, state, undone),
  ...troublesOf(world, state),
];

const spent = (state: State, what: keyof Budget): State => ({
  ...state,
  budget: { ...state.budget, [what]: state.budget[what] - 1 },
});

const worksOf = (world: World, state: State): Move[] => {
  const possible = pieces.filter((piece) => world.scenario.isOfGit || piece !== 'syncs the GitSync');
  const works = possible.map((piece): Move => {
    const go = (fault?: Fault) => world.work(fault ? spent(state, 'faults') : state, piece, fault);
    return { words: `${state.leader} ${piece}`, who: WHO[piece], mayFail: true, go };
  });
  const { frozen } = state;
  if (!frozen) return works;
  const old = state.leader === 'A' ? 'B' : 'A';
  const late = possible.map((piece): Move => {
    const go = () => world.work(state, piece, { what: 'frozen', saw: frozen.moment });
    return {
      words: `${old}, which lost its Lease while it ${piece}, lands one write`,
      who: WHO[piece],
      mayFail: false,
      go,
    };
  });
  return [...works, ...late];
};

const alertsOf = (world: World, state: State): Move[] => {
  if (state.budget.deliveries === 0) return [];
  const burning = isBurning(state, state.now);
  const deliver = (alert: Alert, status: 'firing' | 'resolved'): Move[] =>
    REPLICAS.map((to) => ({
      words: `the alert of ${new Date(alert.startsAt).toISOString().slice(11, 19)} is delivered to ${to}: ${status}`,
      who: 'intake',
      mayFail: to === 'A',
      go: (fault) => {
        const after = spent(state, 'deliveries');
        return world.deliver(fault ? spent(after, 'faults') : after, to, alert, status, fault);
      },
    }));
  return state.alerts.flatMap((alert, i) => {
    const isRinging = burning && i === state.alerts.length - 1;
    const firing = isRinging || alert.delivered !== 'nothing' ? deliver(alert, 'firing') : [];
    return isRinging || alert.delivered === 'nothing' ? firing : [...firing, ...deliver(alert, 'resolved')];
  });
};

/** The clock jumps: past what a judgement waits for, and past a soak, a cool-down and a deadline. */
const JUMPS = [70, 660] as const;

const surroundingsOf = (world: World, state: State): Move[] => {
  const moves: Move[] = [];
  const add = (words: string, go: Move['go']): void =>
    void moves.push({ words, who: 'surroundings', mayFail: false, go });
  if (!isRolledOut(liveIn(state.moment))) add('the pods of the newest template are ready', () => world.rollOut(state));
  if (state.budget.jumps > 0)
    for (const seconds of JUMPS) {
      const later = { ...spent(state, 'jumps'), now: state.now + seconds * 1000 };
      add(`${seconds} s pass`, async () => still(later));
    }
  return moves;
};

const still = (state: State): Outcome => ({ state, written: [], tried: 0, seen: () => state.moment });

const commitsOf = (world: World, state: State): Move[] => {
  const last = state.commits.at(-1);
  if (state.budget.commits === 0 || !last) return [];
  const commits: [string, Commit][] = [
    ['a fix', { ...last, image: 'fix' }],
    ['something else, the workload as it was', { ...last, other: last.other + 1 }],
    ['another release that burns', { ...last, image: 'worse' }],
    ['the old release again', { ...last, image: 'old' }],
    ['the release that burns again', { ...last, image: 'bad' }],
  ];
  return commits
    .filter(([, { image, other }]) => image !== last.image || (world.scenario.isOfGit && other !== last.other))
    .map(([what, commit]) => ({
      words: `a commit brings ${what}`,
      who: 'surroundings',
      mayFail: false,
      go: () => world.commit(spent(state, 'commits'), commit),
    }));
};

const peopleOf = (world: World, state: State, undone: KubeObject): Move[] => {
  if (state.budget.words === 0) return [];
  const { moment } = state;
  const about = { holds: holdsIn(moment), incidents: incidentsIn(moment), live: liveIn(moment) };
  return wordsOf(about, undone).map(({ words, say }) => ({
    words,
    who: 'person',
    mayFail: false,
    go: () => world.write(spent(state, 'words'), say),
  }));
};

/** A Lease that is lost, a watch that lags, and one that has caught up. */
const troublesOf = (_: World, state: State): Move[] => {
  const moves: Move[] = [];
  const add = (words: string, after: State): void =>
    void moves.push({ words, who: 'surroundings', mayFail: false, go: async () => still(after) });
  const { leader, lag, moment, now, sync } = state;
  for (const [watch, shown] of Object.entries(lag))
    if (shown !== undefined)
      add(`the watch of ${watch} has caught up`, { ...state, lag: { ...lag, [watch]: undefined } });
  if (state.budget.faults === 0) return moves;
  const after = spent(state, 'faults');
  const other = leader === 'A' ? 'B' : 'A';
  add(`${leader} loses its Lease in the middle of something, and ${other} leads`, {
    ...after,
    leader: other,
    sync: newSyncState(),
    frozen: { moment, now, sync },
  });
  for (const replica of REPLICAS)
    for (const watch of WATCHES) {
      if (replica !== leader && watch !== 'incidents') continue; // it takes alerts only
      add(`from now on the watch of ${watch} lags at ${replica}`, {
        ...after,
        lag: { ...lag, [`${replica} ${watch}`]: moment },
      });
    }
  return moves;
};

/** What may go wrong in a piece of work that tried so many writes. */
export const faultsOf = (tried: number): { fault: Fault; words: string }[] =>
  Array.from({ length: tried }, (_, i) => i + 1).flatMap((write) => [
    { fault: { what: 'crash', after: write }, words: `crashes after write ${write}` },
    { fault: { what: 'refused', write }, words: `write ${write} is refused` },
    { fault: { what: 'lost', write }, words: `write ${write} is carried out, and its answer is lost` },
  ]);
