import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseDuration } from '../../../src/api/common.ts';
import { createRandom } from '../random.ts';
import { countersOf, independent } from '../series.ts';
import { type Fault, HOUR, MINUTE, podsOf, type Release, type Service, type World } from '../world.ts';
import { type Given, InputError } from './given.ts';
import { readJson } from './input.ts';
import { type Scenario, scenario } from './scenario-schema.ts';

/** Noon of some day: what a story calls 0s. */
const NOON = Date.parse('2026-03-02T12:00:00Z');
const DAY = 24 * HOUR;

/** Every .json file of the folder, in the order of their names. Throws InputError. */
export const readScenarios = (dir: string): Given[] => {
  const files = filesIn(dir).filter((file) => file.endsWith('.json'));
  if (files.length === 0) throw new InputError(`${dir}: no .json file in it`);
  return files.map((file) => scenarioOf(basename(file, '.json'), join(dir, file), readJson(join(dir, file), scenario)));
};

export const filesIn = (dir: string): string[] => {
  try {
    return readdirSync(dir).toSorted();
  } catch (error) {
    throw new InputError(`${dir}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : error}`);
  }
};

const scenarioOf = (name: string, file: string, given: Scenario): Given => {
  const problem = problemOf(given);
  if (problem !== undefined) throw new InputError(`${file}: ${problem}`);
  return {
    name,
    world: worldOf(name, given),
    counters: (random) => countersOf(worldOf(name, given), random, independent),
    releaseName: (_, number) => String(number),
  };
};

/** What the schema can't say: names and numbers of what is there. */
const problemOf = ({ services, traffic, releases, fault, gaps, nodes, truth }: Scenario): string | undefined => {
  const names = services.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) return `services: ${twice} is there twice`;
  const named: [string, string | undefined][] = [
    ...services.flatMap(({ calls }, i) =>
      calls.map((call, j): [string, string] => [`services[${i}].calls[${j}]`, call.service]),
    ),
    ...[...Object.entries({ traffic, releases, fault, gaps })].flatMap(([what, all]) =>
      all.map(({ service }, i): [string, string | undefined] => [`${what}[${i}]`, service]),
    ),
    ['truth.guilty', truth.guilty?.service],
  ];
  const unknown = named.find(([, service]) => service !== undefined && !names.includes(service));
  if (unknown) return `${unknown[0]}: there is no service ${unknown[1]}`;
  const countOf = (service: string): number => 1 + releases.filter((one) => one.service === service).length;
  for (const [i, { service, releases: of, nodes: on }] of fault.entries()) {
    if (of && service === undefined) return `fault[${i}].releases: of which service?`;
    const none = of?.find((number) => number > countOf(service ?? ''));
    if (none !== undefined) return `fault[${i}].releases: ${service} has no release ${none}`;
    const node = on?.find((number) => number >= nodes);
    if (node !== undefined) return `fault[${i}].nodes: there are nodes 0 to ${nodes - 1}, and no node ${node}`;
  }
  const { guilty } = truth;
  const none = guilty?.releases.find((number) => number > countOf(guilty.service));
  return none === undefined ? undefined : `truth.guilty.releases: ${guilty?.service} has no release ${none}`;
};

/** Milliseconds; the text is one that the schema takes. */
const msOf = (text: string): number => (text.startsWith('-') ? -parseDuration(text.slice(1)) : parseDuration(text));
const timeOf = (text: string): number => NOON + msOf(text);

/** The same pods on the same nodes whenever it is made. */
const worldOf = (kind: string, given: Scenario): World => {
  const random = createRandom(1);
  const services = given.services.map((one) => serviceOf(one, given));
  const begins = given.fault.map(({ from }) => timeOf(from));
  const crashes = given.releases.filter((one) => one.crashes).map(({ at }) => timeOf(at));
  const faultAt = Math.min(...begins, ...(begins.length > 0 ? [] : [...crashes, NOON]));
  const begin = Math.min(faultAt - 2 * HOUR, ...given.releases.map(({ at }) => timeOf(at) - 20 * MINUTE));
  return {
    kind,
    begin,
    end: timeOf(given.until),
    services,
    pods: services.flatMap((service) => podsOf(service, random, { begin, nodes: given.nodes })),
    faults: given.fault.map(faultOf),
    faultAt,
    guilt: given.truth.guilty ?? undefined,
    effect: Math.max(0, ...given.fault.map(({ ratio }) => ratio)),
    gaps: given.gaps.map((gap) => ({
      from: timeOf(gap.from),
      to: timeOf(gap.until),
      of: ({ service }) => gap.service === undefined || service === gap.service,
    })),
    foreignAlerts: given.foreignAlerts,
  };
};

const serviceOf = (one: Scenario['services'][number], { traffic, releases }: Scenario): Service => {
  const surges = traffic.filter(({ service }) => service === one.name);
  const mine = releases.filter(({ service }) => service === one.name);
  const made: Release[] = [];
  for (const each of mine.toSorted((a, b) => msOf(a.at) - msOf(b.at))) made.push(releaseOf(each, made, one.pods));
  return {
    name: one.name,
    target: one.target,
    size: one.pods,
    requests: (at) =>
      surges.reduce(
        (count, { from, until, times }) => (at >= timeOf(from) && at < timeOf(until) ? count * times : count),
        one.requestsPerSecond * (1 + one.dailySwing * Math.sin((2 * Math.PI * (at - NOON)) / DAY)),
      ),
    base: one.errorRatio,
    releases: [FIRST, ...made],
    calls: one.calls.map(({ service, passesOn }) => ({ service, part: passesOn })),
    lateErrors: one.failuresAppearLate,
  };
};

const FIRST: Release = {
  number: 1,
  revision: 'first',
  at: NOON - 7 * DAY,
  rolloutMs: MINUTE,
  pods: Number.POSITIVE_INFINITY,
};

const releaseOf = (one: Scenario['releases'][number], before: readonly Release[], size: number): Release => {
  const number = before.length + 2;
  const revision = one.configurationOnly ? (before.at(-1) ?? FIRST).revision : `r${number}`;
  return {
    number,
    revision,
    at: timeOf(one.at),
    rolloutMs: one.configurationOnly ? 1000 : msOf(one.rollout),
    pods: one.pods ?? size,
    ...(one.crashes ? { crashes: true } : {}),
  };
};

const faultOf = ({ ratio, service, releases, nodes, ...when }: Scenario['fault'][number]): Fault => {
  const [from, until] = [timeOf(when.from), when.until === undefined ? Number.POSITIVE_INFINITY : timeOf(when.until)];
  const [ramp, on, off] = [msOf(when.ramp ?? '0s'), msOf(when.on ?? '0s'), msOf(when.off ?? '0s')];
  return (pod, at) => {
    if (at < from || at >= until || at < pod.release.at) return 0;
    if (service !== undefined && pod.service !== service) return 0;
    if (releases && !releases.includes(pod.release.number)) return 0;
    if (nodes && !nodes.includes(pod.node)) return 0;
    if (on > 0 && (at - from) % (on + off) >= on) return 0;
    return ratio * (ramp > 0 ? Math.min(1, (at - from) / ramp) : 1);
  };
};
