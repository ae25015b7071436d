import type { KubeObject } from '../../src/api/meta.ts';
import { isDigestRejected } from '../../src/holds/index.ts';
import { isClosed, needsPerson } from '../../src/incident/index.ts';
import { resources } from '../../src/kube/index.ts';
import { templateWriters } from '../../src/ssa/template-writers.ts';
import { keyOf } from './canonical.ts';
import type { Violation } from './invariants.ts';
import { digestsBy, imageIn, OTHER, WORKLOAD } from './manifests.ts';
import { pieces } from './pieces.ts';
import { isBurning, type State } from './state.ts';
import { holdsIn, incidentsIn, isRolledOut, liveIn, storedIn, type World } from './world.ts';

/** What is asked of a run without faults. */
export interface Ending {
  /** undefined: all is well. */
  violation?: Violation;
  /** What happened on the way, for the trace. */
  trace: string[];
}

/** Seconds; longer ones after shorter ones brought nothing: at the end of all, past every limit by the hour. */
const JUMPS = [0, 30, 70, 330, 660, 4_000];
const MAX_ROUNDS = 80;

/**
 * From a state on, everybody does his work, the watches show everything, nothing is refused, time passes, alerts are
 * delivered as they are, and nobody says anything. Comes to rest, and is asked what became of it.
 * @param known keys of states from which all ends well; those on the way are added
 */
export const runToRest = async (world: World, from: State, known: Set<number>): Promise<Ending> => {
  const trace: string[] = [];
  const keys: number[] = [];
  let state = calm(from);
  for (let [round, quiet] = [0, 0]; round < MAX_ROUNDS; round += 1) {
    const key = keyOf(state) + quiet / 10;
    if (known.has(key)) return { trace };
    keys.push(key);
    const after = await oneRound(world, state, trace);
    quiet = after.moment.version === state.moment.version ? quiet + 1 : 0;
    const jump = JUMPS[quiet];
    if (jump === undefined) return atRest(askedAtRest(world, after), { trace, keys, known });
    if (jump > 0) trace.push(`${jump} s pass`);
    state = { ...after, now: after.now + jump * 1000 };
  }
  const words = `no rest after ${MAX_ROUNDS} rounds`;
  return { trace, violation: { invariant: 'an incident whose alerts ended is closed', words } };
};

const atRest = (
  violation: Violation | undefined,
  { trace, keys, known }: { trace: string[]; keys: readonly number[]; known: Set<number> },
): Ending => {
  if (violation) return { trace, violation };
  for (const one of keys) known.add(one);
  return { trace };
};

const calm = (state: State): State => ({
  ...state,
  lag: {},
  frozen: undefined,
  budget: { faults: 0, commits: 0, words: 0, jumps: 0, deliveries: 0 },
});

const oneRound = async (world: World, before: State, trace: string[]): Promise<State> => {
  let state = await deliverNewest(world, before, trace);
  for (const piece of pieces) state = await noted(state, world.work(state, piece), `${state.leader} ${piece}`, trace);
  if (!isRolledOut(liveIn(state.moment))) state = await noted(state, world.rollOut(state), 'the pods are ready', trace);
  return state;
};

/** As Alertmanager does in the end: it says of the alert how it is now. All that ever rang are one to it. */
const deliverNewest = async (world: World, state: State, trace: string[]): Promise<State> => {
  const burning = isBurning(state, state.now);
  const alert = state.alerts.findLast(({ delivered }) => burning || delivered !== 'nothing');
  if (!alert) return state;
  const status = burning ? 'firing' : 'resolved';
  return noted(state, world.deliver(state, 'B', alert, status), `the alert is delivered: ${status}`, trace);
};

const noted = async (
  before: State,
  outcome: Promise<{ state: State }>,
  words: string,
  trace: string[],
): Promise<State> => {
  const { state } = await outcome;
  if (state.moment.version !== before.moment.version) trace.push(words);
  return state;
};

const askedAtRest = (world: World, state: State): Violation | undefined => {
  const live = liveIn(state.moment);
  const open = openFor(state);
  if (open) return open;
  if (live?.metadata.annotations?.['metricops.dev/pause'] === 'true') return undefined;
  const wanted = state.commits.at(-1);
  return (
    (wanted && whatRuns(imageIn(live), wanted.image, world, state)) ??
    (wanted && world.scenario.isOfGit ? whatElse(wanted.other, state) : undefined) ??
    whatBurns(live, world, state)
  );
};

/** A person may be needed for as long as it burns, and no longer. */
const openFor = (state: State): Violation | undefined => {
  const burning = isBurning(state, state.now);
  const open = incidentsIn(state.moment).find((one) => !isClosed(one) && !(burning && needsPerson(one)));
  if (!open) return undefined;
  const { phase = 'not judged', reason } = open.status ?? {};
  const words = `incident ${open.metadata.name} is ${phase} (${reason}) for ever`;
  return { invariant: 'an incident whose alerts ended is closed', words };
};

const DEPLOYMENT = { kind: 'Deployment', ...WORKLOAD } as const;

const isRejected = (image: string, world: World, { moment }: State): boolean => {
  const holds = holdsIn(moment);
  const digests = [...digestsBy(world.scenario.isOfGit)].filter(([, of]) => of === image);
  return digests.some(([digest]) => isDigestRejected(holds, DEPLOYMENT, digest));
};

const whatRuns = (runs: string, wanted: string, world: World, state: State): Violation | undefined => {
  if (isRejected(runs, world, state))
    return { invariant: 'nothing held is applied', words: `release ${runs} runs, and a Hold rejects it` };
  if (!world.scenario.isOfGit || runs === wanted || isRejected(wanted, world, state)) return undefined;
  return { invariant: 'every fix lands', words: `Git asks for ${wanted}, nothing rejects it, and ${runs} runs` };
};

const whatElse = (wanted: number, { moment }: State): Violation | undefined => {
  const other = storedIn(moment, resources.configMaps).find(({ metadata }) => metadata.name === OTHER.name);
  const version = (other?.data as { version?: string } | undefined)?.version;
  if (version === String(wanted)) return undefined;
  return { invariant: 'nothing else is kept back', words: `ConfigMap other is ${version}, and Git says ${wanted}` };
};

/** As long as nobody said anything about it, and it did not burn before this release: then it may be another's fault. */
const whatBurns = (live: KubeObject | undefined, { scenario }: World, state: State): Violation | undefined => {
  const runs = imageIn(live);
  const isLeftToUs = scenario.guardrails.mode === 'Auto' && state.memory.words === 0;
  const since = state.burns.at(-1);
  if (!isLeftToUs || !since?.burning || since.image !== runs) return undefined;
  // It came, went and came back, and nobody recorded that: it burned before it came.
  if (live && since.from < Date.parse(templateWriters(live)[0]?.time ?? '')) return undefined;
  return { invariant: 'what burns is rolled back', words: `release ${runs} burns for ever` };
};
