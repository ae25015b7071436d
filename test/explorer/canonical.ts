import { hash } from 'node:crypto';
import type { KubeObject } from '../../src/api/meta.ts';
import type { SyncState } from '../../src/sync/state/sync-state.ts';
import type { Moment } from '../support/api-server.ts';
import type { State } from './state.ts';

/**
 * Two states in which the same can happen have the same key. Versions count only by what is stored under them, and a
 * time only by its place among the others and by how long ago it is, in steps that no decision depends on.
 */
export const keyOf = (state: State): number => {
  const times = new Set<number>();
  const parts: Part[] = [
    ...partsOf(state.moment),
    ...Object.entries(state.lag).flatMap(([watch, moment]) => [watch, ...(moment ? partsOf(moment) : [])]),
    ...(state.frozen ? ['frozen', ...partsOf(state.frozen.moment), rememberedIn(state.frozen.sync)] : []),
    rememberedIn(state.sync),
    { text: '', times: momentsOf(state) },
    JSON.stringify([
      state.leader,
      state.commits.map(({ image, other }) => [image, other]),
      state.burns.map(({ image }) => image),
      state.alerts.map(({ delivered }) => delivered),
      state.budget,
      state.memory.rolledBack.map(({ uid }) => uid),
      Object.keys(state.memory.lifted),
      state.memory.words > 0,
    ]),
  ];
  for (const part of parts) if (typeof part !== 'string') for (const time of part.times) times.add(time);
  const rank = new Map(
    [...times].toSorted((a, b) => a - b).map((time, i) => [time, `${i}:${stepOf(state.now - time)}`]),
  );
  const text = parts
    .map((part) => (typeof part === 'string' ? part : `${part.text} ${part.times.map((time) => rank.get(time))}`))
    .join('\n');
  // 52 bits: a number, of which a million collide with a probability of one to ten thousand.
  return Number.parseInt(hash('sha1', text, 'hex').slice(0, 13), 16);
};

const momentsOf = ({ burns, alerts, memory }: State): number[] => [
  ...burns.map(({ from }) => from),
  ...alerts.map(({ startsAt }) => startsAt),
  ...memory.rolledBack.map(({ at }) => at),
  ...Object.values(memory.lifted),
];

type Part = string | { text: string; times: readonly number[] };

/** Seconds: the thresholds of the scenarios, and some between them. */
const STEPS = [60, 240, 300, 360, 600, 660, 3_600];
const stepOf = (age: number): number => STEPS.findLastIndex((step) => age >= step * 1000);

/** What never changes, and what nobody decides by. */
const IGNORED = ['/Namespace', 'apiextensions.k8s.io/CustomResourceDefinition', 'metricops.dev/RollbackPolicy'];

const partsOf = ({ objects }: Moment): Part[] =>
  [...objects]
    .filter(([kind]) => !IGNORED.includes(kind))
    .toSorted(byName)
    .flatMap(([, of]) => partsOfKind(of));

const knownKinds = new WeakMap<ReadonlyMap<string, KubeObject>, Part[]>();

/** Moments share the maps of the kinds that did not change between them. */
const partsOfKind = (of: ReadonlyMap<string, KubeObject>): Part[] => {
  const parts = knownKinds.get(of) ?? [...of].toSorted(byName).map(([, object]) => partOf(object));
  knownKinds.set(of, parts);
  return parts;
};

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

const known = new WeakMap<KubeObject, Part>();
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

const partOf = (object: KubeObject): Part => {
  const found = known.get(object);
  if (found) return found;
  const times: number[] = [];
  const text = JSON.stringify(object, (name, value: unknown) => {
    if (name === 'resourceVersion') return undefined;
    if (name === 'managedFields') return (value as { time?: string }[]).map(({ time: _, ...entry }) => entry);
    if (typeof value !== 'string') return value;
    return value.replaceAll(TIME, (time) => {
      times.push(Date.parse(time));
      return '@';
    });
  });
  const part = { text: hash('sha1', text, 'base64'), times };
  known.set(object, part);
  return part;
};

const remembered = new WeakMap<SyncState, string>();

/** What a leader remembers of its GitSync, as far as its next plan depends on it. */
const rememberedIn = (sync: SyncState): string => {
  const found = remembered.get(sync);
  if (found) return found;
  const { applied, drifted, inventory, kept, planned, unrecorded, reported, corrections } = sync;
  const text = JSON.stringify([
    [...applied].map(([key, { hash, mark, generation, sourceDigest }]) => [key, hash, mark, generation, sourceDigest]),
    [...drifted],
    [...inventory.keys()],
    [...kept.values()].map(({ key, reason }) => [key, reason]),
    [planned?.commit, planned?.fingerprint],
    [...unrecorded.keys()],
    [...reported.keys()],
    [...corrections].map(([key, { by, times }]) => [key, by, times]),
  ]);
  remembered.set(sync, text);
  return text;
};
