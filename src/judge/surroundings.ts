import type { Measurement } from '../api/incident.ts';
import type { MeasuredObjective } from '../api/rollback-policy.ts';
import { podPattern } from '../slo/index.ts';
import { burningAround } from './around.ts';
import { leastThreshold } from './by-indicator.ts';
import { byNodeOf, podsOfOthers, sharingNodes } from './by-node.ts';
import {
  countsByPod,
  nodesOf,
  type PodCounts,
  podsOfRelease,
  type Spread,
  spreadOf,
  storedOf,
  type Window,
} from './by-pod.ts';
import { sumOf } from './course.ts';
import { factsOf } from './facts.ts';
import type { Question, Witness } from './question.ts';
import { storedCounts } from './ratio.ts';

/** Two scrapes of most who scrape, and no more than the longest burn that a course shows in full. */
const WINDOW_MS = { least: 60_000, most: 3_600_000 };
/** As many as the schema takes. */
const MAX_NEIGHBOURS = 8;

export interface Wanted {
  /** undefined: the rule of an alert was evaluated, which counts no pods. */
  objective: MeasuredObjective | undefined;
  /** The release was compared with the one before it in the same minutes. */
  isCompared: boolean;
  /** Whether those that are well speak against the release. */
  countsWell: boolean;
}

/**
 * What is measured before a release is called Guilty: its pods one by one, and the other workloads, whose alerts may be
 * minutes away. Releases that were compared in the same minutes had the same surroundings where they shared nodes: then
 * nobody else is asked. Rejects with PrometheusError.
 */
export const withSurroundings = async (
  measured: Measurement,
  { objective, isCompared, countsWell }: Wanted,
  question: Question,
  witness: Witness,
): Promise<Measurement> => {
  const burn = burnOf(measured, question.now);
  const ask = () => burningAround({ ...burn, countsWell }, question, witness);
  const asked = objective ? releasesByPod(objective, burn, question, witness) : Promise.resolve(undefined);
  const [pods, others] = await Promise.all([
    asked,
    isCompared ? asked.then((found) => (isByChance(found) ? ask() : undefined)) : ask(),
  ]);
  const known = measured.neighbours ?? [];
  const more = others?.burning.filter(({ name }) => !known.some((one) => one.name === name)) ?? [];
  const neighbours = [...known, ...more].slice(0, MAX_NEIGHBOURS);
  const nodes = pods ? nodesThatBurn(pods) : [];
  const elsewhere = others && nodes.length > 0 ? await podsOfOthers(burn, question, witness) : [];
  const sharing = sharingNodes(elsewhere, nodes);
  const byNode = byNodeOf(elsewhere, nodes);
  return {
    ...measured,
    ...(measured.ratio && pods ? { ratio: withPods(measured.ratio, pods) } : {}),
    ...(neighbours.length > 0
      ? { neighbours: neighbours.map((one) => (sharing.includes(one.name) ? { ...one, sameNodes: true } : one)) }
      : {}),
    ...(byNode.length > 0 ? { byNode } : {}),
    ...(others && countsWell ? { well: others.well } : {}),
  };
};

type Ratio = NonNullable<Measurement['ratio']>;

/**
 * With what its pods did. Of a StatefulSet or DaemonSet requests can't be counted by release over time: while it is rolled
 * out, its pods of both releases in the last minute are the comparison.
 */
const withPods = (ratio: Ratio, { spread, own, older, isNamed }: ByPod): Ratio => {
  const pods = storedOf(spread);
  const besides = !isNamed && own.length > 0 && older.length > 0;
  return {
    ...ratio,
    ...(pods ? { pods } : {}),
    ...(besides ? { beside: { release: storedCounts(sumOf(own)), other: storedCounts(sumOf(older)) } } : {}),
  };
};

/**
 * When it was there for longest, so that also those with few requests show what they do. Of a burn that comes and goes the
 * last time may have begun seconds ago.
 */
const burnOf = (measured: Measurement, now: number): Window & { began: number } => {
  const { onset } = factsOf(measured);
  const began = onset?.at ?? Date.parse(measured.alertTime);
  const spells = (onset?.spells ?? [{ from: began, to: undefined }]).map(({ from, to = now }) => ({
    at: to,
    ms: to - from,
  }));
  const { at, ms } = spells.reduce((longest, one) => (one.ms >= longest.ms ? one : longest));
  const windowMs = Math.min(Math.max(ms, WINDOW_MS.least), WINDOW_MS.most);
  return { at, began, windowMs: Math.ceil(windowMs / 1000) * 1000 };
};

interface ByPod {
  spread: Spread;
  own: readonly PodCounts[];
  /** Pods of the release before it. */
  older: readonly PodCounts[];
  /** Their names say whose they are, also of those that are gone. */
  isNamed: boolean;
  threshold: number;
}

/** undefined: the indicator does not say which pods are whose. */
const releasesByPod = async (
  objective: MeasuredObjective,
  burn: Window,
  question: Question,
  witness: Witness,
): Promise<ByPod | undefined> => {
  const isNamed = podPattern(question.incident.spec.workloadRef, '') !== undefined;
  // The shorter, the more of them were there all the time.
  const window = isNamed ? burn : { ...burn, windowMs: WINDOW_MS.least };
  const { isSuspect, isBefore } = podsOfRelease(question, window.at - window.windowMs);
  const counts = isSuspect && (await countsByPod(objective, window, witness, question.podOf));
  if (!counts || !isSuspect) return undefined;
  const those = (is: (name: string) => boolean): PodCounts[] =>
    [...counts].flatMap(([name, pod]) => (is(name) ? [pod] : []));
  const threshold = leastThreshold(objective);
  const [own, older] = [those(isSuspect), those(isBefore)];
  return { spread: spreadOf(own, threshold), own, older, isNamed, threshold };
};

/** Where its pods surely burn; where that is sure of none of them, where all run that are not well. */
const nodesThatBurn = ({ spread: { burning, well }, own }: ByPod): string[] =>
  nodesOf(burning.length > 0 ? burning : own.filter((pod) => !well.includes(pod)));

/** Whether only pods of the release may run where it burns: none of the release before it is seen to be well there. */
const isByChance = (pods: ByPod | undefined): boolean => {
  if (!pods) return false;
  const nodes = nodesOf(pods.spread.burning);
  const there = pods.older.filter(({ node }) => node !== undefined && nodes.includes(node));
  return nodes.length > 0 && spreadOf([...pods.spread.burning, ...there], pods.threshold).well.length === 0;
};
