import { annotations } from '../../src/api/annotations.ts';
import { parseDuration } from '../../src/api/common.ts';
import { type Hold, isRollback, type RollbackHold } from '../../src/api/hold.ts';
import type { Incident } from '../../src/api/incident.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { resources } from '../../src/kube/index.ts';
import type { Moment } from '../support/api-server.ts';
import { burns, digestsBy } from './manifests.ts';
import type { Move } from './moves.ts';
import type { Scenario } from './scenario.ts';
import type { Memory, State } from './state.ts';
import type { Written } from './wire.ts';
import { holdsIn, incidentsIn, liveIn, type Outcome, storedIn } from './world.ts';

/** What must hold of every write, whoever makes it and whatever went wrong before. */
export type Invariant =
  | 'an incident rolls back once'
  | 'no rollback that is not allowed'
  | 'no rollback of what does not burn'
  | `a person's word wins`
  | 'nothing held is applied';

export interface Violation {
  invariant: Invariant | Liveness;
  words: string;
}

/** What must come true in the end, when nothing goes wrong any more. */
export type Liveness =
  | 'an incident whose alerts ended is closed'
  | 'every fix lands'
  | 'nothing else is kept back'
  | 'what burns is rolled back';

interface Context {
  scenario: Scenario;
  before: State;
  move: Move;
  seen: Outcome['seen'];
  memory: Memory;
}

/** The first write of a move that must not be, and what is to be remembered of the others. */
export const check = (
  scenario: Scenario,
  before: State,
  move: Move,
  { written, seen, state }: Outcome,
): { memory: Memory; violation?: Violation } => {
  let memory = move.who === 'person' ? { ...before.memory, words: before.memory.words + 1 } : before.memory;
  for (const write of written) {
    const context = { scenario, before, move, seen, memory };
    for (const rule of RULES) {
      const violation = rule(write, context);
      if (violation) return { memory, violation };
    }
    memory = remembered(memory, write, move, state.now);
  }
  return { memory };
};

type Rule = (write: Written, context: Context) => Violation | undefined;

const violated = (invariant: Invariant, words: string): Violation => ({ invariant, words });

/** A Hold that an incident makes. */
const madeByIncident = ({ verb, type, before, after }: Written, { move }: Context): RollbackHold | undefined =>
  verb === 'create' && type === resources.holds && move.who === 'incidents'
    ? addedTo(before, after).find(isRollback)
    : undefined;

const addedTo = (before: Moment, after: Moment): Hold[] => {
  const known = new Set(holdsIn(before).map(({ metadata }) => metadata.uid));
  return holdsIn(after).filter(({ metadata }) => !known.has(metadata.uid));
};

const incidentOf = (hold: Hold, moment: Moment): Incident | undefined =>
  incidentsIn(moment).find(({ metadata }) => metadata.name === hold.spec.incidentRef?.name);

const rollsBackOnce: Rule = (write, context) => {
  const hold = madeByIncident(write, context);
  const incident = hold && incidentOf(hold, write.before);
  if (!hold || !incident) return undefined;
  const { uid = '' } = incident.metadata;
  if (context.memory.rolledBack.some((one) => one.uid === uid))
    return violated('an incident rolls back once', `incident ${incident.metadata.name} makes a second Hold`);
  if (incident.status?.phase !== 'RollingBack' || incident.status.proposal?.name !== hold.metadata.name)
    return violated('an incident rolls back once', 'the Hold is made before the intent is stored');
  return undefined;
};

const onlyWhatBurns: Rule = (write, context) => {
  const hold = madeByIncident(write, context);
  const images = digestsBy(context.scenario.isOfGit);
  const innocent = hold?.spec.rejectedDigests.find((digest) => !burns(images.get(digest) ?? ''));
  if (innocent === undefined) return undefined;
  return violated('no rollback of what does not burn', `release ${images.get(innocent)} is rejected, and never burned`);
};

const HOUR_MS = 3_600_000;

/** By what the one who decides has seen: the policy, the annotations of the workload, and the rollbacks before. */
const onlyWhatIsAllowed: Rule = (write, context) => {
  const { scenario, memory, before, seen } = context;
  if (madeByIncident(write, context)) {
    if (scenario.guardrails.mode !== 'Auto')
      return violated('no rollback that is not allowed', `the mode is ${scenario.guardrails.mode}`);
    const { maxPerHour = 3, cooldown = '10m' } = scenario.guardrails;
    const ages = memory.rolledBack.map(({ at }) => before.now - at);
    if (ages.filter((age) => age < HOUR_MS - SLACK_MS).length >= maxPerHour)
      return violated('no rollback that is not allowed', `${ages.length} rollbacks in an hour`);
    if (ages.some((age) => age < parseDuration(cooldown) - SLACK_MS))
      return violated('no rollback that is not allowed', `the last rollback was ${Math.min(...ages) / 1000} s ago`);
  }
  const isIntent =
    write.type === resources.incidents &&
    context.move.who === 'incidents' &&
    incidentsIn(write.after).some(
      ({ metadata, status }) =>
        status?.phase === 'RollingBack' &&
        status.reason === 'ErrorRateIncreased' &&
        phaseIn(write.before, metadata.uid) !== 'RollingBack',
    );
  if (isIntent && isPaused(liveIn(seen(resources.deployments))))
    return violated('no rollback that is not allowed', 'the workload is paused');
  return undefined;
};

/** The rollback itself comes some pieces of work after its Hold. */
const SLACK_MS = 60_000;

const phaseIn = (moment: Moment, uid: string | undefined): string | undefined =>
  incidentsIn(moment).find(({ metadata }) => metadata.uid === uid)?.status?.phase;

const isPaused = (live: KubeObject | undefined): boolean => live?.metadata.annotations?.[annotations.pause] === 'true';

const wordsWin: Rule = (write, context) => {
  const { memory, move, seen } = context;
  const hold = madeByIncident(write, context);
  if (hold) {
    const incident = incidentOf(hold, write.before);
    const others = holdsIn(write.before);
    const [digest = ''] = hold.spec.rejectedDigests;
    if (others.some(({ spec }) => spec.action === 'Deny' && spec.incidentRef?.name === incident?.metadata.name))
      return violated(`a person's word wins`, 'the incident was denied');
    if (others.some(({ spec }) => spec.acceptedDigests?.includes(digest)))
      return violated(`a person's word wins`, 'the release was accepted');
    const lifted = memory.lifted[digest];
    const began = incident?.spec.evidence.map((e) => Date.parse(e.startsAt ?? e.receivedTime)) ?? [];
    if (lifted !== undefined && began.every((time) => time <= lifted))
      return violated(`a person's word wins`, 'the Hold of the release was lifted, and all evidence began before');
  }
  const change = changeOfWorkload(write);
  if (!change || (move.who !== 'holds' && move.who !== 'sync')) return undefined;
  const holds = holdsIn(seen(resources.holds));
  if (
    move.who === 'holds' &&
    holds.some(({ spec }) => spec.acceptedDigests?.includes(change.from)) &&
    change.from !== change.to
  )
    return violated(`a person's word wins`, 'the accepted release is taken back');
  return undefined;
};

/** By the Holds that the one who writes has seen. One that is being deleted counts until it is gone. */
const nothingHeld: Rule = (write, { move, seen, scenario }) => {
  if (move.who !== 'holds' && move.who !== 'sync') return undefined;
  const change = changeOfWorkload(write);
  if (!change || change.from === change.to) return undefined;
  const holds = holdsIn(seen(resources.holds));
  const isAccepted = holds.some(({ spec }) => spec.acceptedDigests?.includes(change.to));
  const rejecting = holds.find((hold) => isRollback(hold) && hold.spec.rejectedDigests.includes(change.to));
  if (!rejecting || isAccepted) return undefined;
  const image = digestsBy(scenario.isOfGit).get(change.to);
  return violated(
    'nothing held is applied',
    `release ${image} is applied, which Hold ${rejecting.metadata.name} keeps out`,
  );
};

const changeOfWorkload = ({ type, before, after }: Written): { from: string; to: string } | undefined => {
  if (type !== resources.deployments) return undefined;
  const [from, to] = [liveIn(before), liveIn(after)].map(
    (live) => live?.metadata.annotations?.[annotations.sourceDigest],
  );
  return to === undefined ? undefined : { from: from ?? '', to };
};

const RULES: readonly Rule[] = [wordsWin, rollsBackOnce, onlyWhatIsAllowed, onlyWhatBurns, nothingHeld];

const remembered = (memory: Memory, write: Written, { who }: Move, now: number): Memory => {
  if (write.type !== resources.holds) return memory;
  const made = who === 'incidents' ? addedTo(write.before, write.after).find(isRollback) : undefined;
  const incident = made && incidentOf(made, write.before);
  if (incident) return { ...memory, rolledBack: [...memory.rolledBack, { uid: incident.metadata.uid ?? '', at: now }] };
  const left = new Set(storedIn(write.after, resources.holds).map(({ metadata }) => metadata.uid));
  const gone = holdsIn(write.before).filter((hold) => isRollback(hold) && !left.has(hold.metadata.uid));
  const digests = gone.flatMap(({ spec }) => spec.rejectedDigests ?? []);
  if (digests.length === 0) return memory;
  return { ...memory, lifted: { ...memory.lifted, ...Object.fromEntries(digests.map((digest) => [digest, now])) } };
};
