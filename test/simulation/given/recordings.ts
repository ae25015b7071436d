import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Counter, counterOf } from '../counters.ts';
import { NAMESPACE } from '../manifests.ts';
import { METRIC } from '../series.ts';
import { HOUR, MINUTE, type Release, type Service } from '../world.ts';
import { type Row, readSeries } from './csv.ts';
import { type Given, InputError } from './given.ts';
import { readJson } from './input.ts';
import {
  type RecordedRelease,
  type RecordedService,
  recordedGraph,
  recordedReleases,
  recordedTruth,
} from './recording-schema.ts';
import { filesIn } from './scenarios.ts';

/** Every folder in the folder, in the order of their names. Throws InputError. */
export const readRecordings = (dir: string): Given[] => {
  const folders = filesIn(dir).filter((name) => statSync(join(dir, name)).isDirectory());
  if (folders.length === 0) throw new InputError(`${dir}: no folder in it`);
  return folders.map((name) => recordingOf(name, join(dir, name)));
};

/** The release that ran before all that were recorded. */
const UNKNOWN = '';

const recordingOf = (name: string, folder: string): Given => {
  const rows = readSeries(join(folder, 'series.csv'));
  const { releases } = readJson(join(folder, 'releases.json'), recordedReleases);
  const graph = readJson(join(folder, 'graph.json'), recordedGraph).services;
  const truth = readJson(join(folder, 'truth.json'), recordedTruth);
  const begin = Math.min(...rows.map(({ at }) => at));
  const end = Math.max(...rows.map(({ at }) => at));
  const services = graph.map((one) => serviceOf(one, rows, releases, begin));
  checkNames(folder, { rows, releases, graph, services });
  const find = (wanted: string): (typeof services)[number] | undefined =>
    services.find(({ service }) => service.name === wanted);
  const guilty = truth.guilty && find(truth.guilty.service);
  const numbers = (truth.guilty?.releases ?? []).map((release) => guilty?.numbers.get(release));
  if (truth.guilty && (!guilty || numbers.includes(undefined)))
    throw new InputError(`${folder}/truth.json: guilty: not all of these are in releases.json`);
  return {
    name,
    world: {
      kind: name,
      begin,
      end,
      services: services.map(({ service }) => service),
      pods: [],
      faults: [],
      // Whatever happens in it, the controller watches from its beginning on.
      faultAt: begin,
      guilt: guilty ? { service: guilty.service.name, releases: numbers.filter((n) => n !== undefined) } : undefined,
      effect: 1,
      gaps: [],
      foreignAlerts: 0,
    },
    counters: () => services.flatMap((one) => countersOf(one, rows, begin)),
    releaseName: (wanted, number) =>
      [...(find(wanted)?.numbers ?? [])].find(([, of]) => of === number)?.[0] || String(number),
  };
};

interface Recorded {
  service: Service;
  /** Number of each release, by the name that was recorded. */
  numbers: ReadonlyMap<string, number>;
}

const serviceOf = (
  { name, target, calls }: RecordedService,
  rows: readonly Row[],
  releases: readonly RecordedRelease[],
  begin: number,
): Recorded => {
  const mine = rows.filter((row) => row.service === name);
  const pods = new Set(mine.filter(({ at }) => at < begin + 2 * MINUTE).map(({ pod }) => pod));
  const isByRelease = mine.every(({ pod, release }) => pod !== undefined && release !== undefined);
  const known = releases
    .filter(({ service }) => service === name)
    .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const isBefore = known[0] !== undefined && Date.parse(known[0].at) <= begin;
  const first: RecordedRelease = {
    service: name,
    release: UNKNOWN,
    at: new Date(begin - 24 * HOUR).toISOString(),
    configurationOnly: false,
  };
  const size = Math.max(1, pods.size);
  const made: Release[] = [];
  for (const one of isBefore ? known : [first, ...known]) made.push(releaseOf(one, made, size));
  const names = (isBefore ? known : [first, ...known]).map(({ release }, i): [string, number] => [release, i + 1]);
  return {
    service: {
      name,
      target,
      size,
      requests: () => 0,
      base: 0,
      releases: made,
      calls: calls.map((service) => ({ service, part: 1 })),
      lateErrors: false,
      ...(isByRelease ? {} : { podLabel: '' }),
    },
    numbers: new Map(names),
  };
};

const releaseOf = (one: RecordedRelease, before: readonly Release[], size: number): Release => {
  const at = Date.parse(one.at);
  const number = before.length + 1;
  const isReady = one.readyAt !== null;
  return {
    number,
    revision: one.configurationOnly ? (before.at(-1)?.revision ?? 'r1') : `r${number}`,
    at,
    rolloutMs: one.readyAt ? Math.max(0, Date.parse(one.readyAt) - at) : MINUTE,
    pods: isReady ? size : size - 1,
  };
};

/** Names that one file has and another one lacks. */
const checkNames = (
  folder: string,
  {
    rows,
    releases,
    graph,
    services,
  }: {
    rows: readonly Row[];
    releases: readonly RecordedRelease[];
    graph: readonly RecordedService[];
    services: readonly Recorded[];
  },
): void => {
  const known = new Map(services.map(({ service, numbers }) => [service.name, numbers]));
  for (const { service } of releases)
    if (!known.has(service)) throw new InputError(`${folder}/releases.json: ${service} is not in graph.json`);
  for (const { name, calls } of graph)
    for (const callee of calls)
      if (!known.has(callee)) throw new InputError(`${folder}/graph.json: ${name} calls ${callee}, which is not in it`);
  for (const { service, release, line } of rows) {
    const numbers = known.get(service);
    if (!numbers) throw new InputError(`${folder}/series.csv:${line}: ${service} is not in graph.json`);
    if (release !== undefined && !numbers.has(release))
      throw new InputError(`${folder}/series.csv:${line}: release ${release} of ${service} is not in releases.json`);
  }
};

/** What a process that ran before had counted: nothing of it is taken for an increase. */
const BEFORE = 1e6;

/** Counters as a scrape at the end of each interval would have shown them. A line without counts is a scrape that failed. */
const countersOf = ({ service, numbers }: Recorded, rows: readonly Row[], begin: number): Counter[] => {
  const mine = rows.filter((row) => row.service === service.name);
  const revisionOf = (release: string | undefined): string | undefined =>
    service.releases.find(({ number }) => number === numbers.get(release ?? UNKNOWN))?.revision;
  const byPod = Map.groupBy(mine, ({ pod = '', release }) => `${service.name}-${revisionOf(release) ?? 'r1'}-${pod}`);
  return [...byPod].flatMap(([pod, all]) => {
    const sorted = all.toSorted((a, b) => a.at - b.at);
    const counted = sorted.filter(({ requests, errors }) => requests !== undefined && errors !== undefined);
    const [first, second] = sorted;
    const step = first && second ? second.at - first.at : MINUTE;
    const ranBefore = first !== undefined && first.at - begin < step;
    const samples = (of: (row: Row) => number) => {
      let value = ranBefore ? BEFORE : 0;
      const times = ranBefore ? [first.at - step] : [];
      const values = ranBefore ? [BEFORE] : [];
      for (const row of counted) {
        value += of(row);
        times.push(row.at);
        values.push(value);
      }
      return { times, values };
    };
    const labels = { __name__: METRIC, namespace: NAMESPACE, service: service.name, pod };
    return [
      counterOf(
        { ...labels, code: '200' },
        samples(({ requests = 0, errors = 0 }) => requests - errors),
      ),
      counterOf(
        { ...labels, code: '500' },
        samples(({ errors = 0 }) => errors),
      ),
    ];
  });
};
