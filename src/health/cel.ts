// Imported, for the global is loaded at its first use: a deadline that ends it there would leave none for good.
import { performance } from 'node:perf_hooks';
import type { HealthCheck } from '../api/gitsync.ts';
import { groupOf, type KubeObject } from '../api/meta.ts';
import { compileCheck, judgeBy } from './cel-check.ts';
import { DEADLINE_MS, isTimeout, withinDeadline } from './cel-deadline.ts';
import { healthOf, type Judgement, unsettled } from './health.ts';
import { failed } from './rules.ts';

export interface HealthChecks {
  /** The first expression that is wrong, and why; undefined when all are fine. */
  problem: string | undefined;
  healthOf(object: KubeObject): Judgement;
  /** Of the first objects, in their order: as many as could be asked while `mayGoOn`, one at least. */
  healthOfAll(objects: readonly KubeObject[], mayGoOn: () => boolean): Judgement[];
}

/** Whether one of the checks is for objects like this one. The version of a kind is not compared. */
export const isChecked = (checks: readonly HealthCheck[], { apiVersion, kind }: KubeObject): boolean =>
  checks.some((check) => check.kind === kind && groupOf(check.apiVersion) === groupOf(apiVersion));

/**
 * Judges the kinds of `checks` by their expressions and all others by the built-in rules, also a kind whose
 * expressions are wrong. The version of a kind is not compared: the cluster serves an object in the one it prefers.
 */
export const compileHealthChecks = (checks: readonly HealthCheck[]): HealthChecks => {
  const compiled = checks.map(compileCheck);
  const asking = { field: '' };
  const ask = (object: KubeObject): Judgement => {
    const group = groupOf(object.apiVersion);
    const check = compiled.find((c) => c.kind === object.kind && c.group === group);
    return check && check.problem === undefined
      ? (unsettled(object) ?? judgeBy(check.steps, object, asking))
      : healthOf(object);
  };
  const askAlone = (object: KubeObject): Judgement => {
    try {
      return withinDeadline(() => ask(object));
    } catch (error) {
      if (!isTimeout(error)) throw error;
      return failed(`${asking.field} takes longer than ${DEADLINE_MS} ms of CPU time`);
    }
  };
  return {
    problem: compiled.find((c) => c.problem !== undefined)?.problem,
    healthOf: askAlone,
    healthOfAll(objects, mayGoOn) {
      const judged: Judgement[] = [];
      for (let next = objects[0]; next && (judged.length === 0 || mayGoOn()); next = objects[judged.length]) {
        if (!withoutTimeout(() => askSome(objects, judged, ask))) judged.push(askAlone(objects[judged.length] ?? next));
      }
      return judged;
    },
  };
};

/** A deadline costs a tenth of a millisecond to set, a simple expression a hundredth: several are asked in one. */
const TOGETHER_MS = 5;

const askSome = (objects: readonly KubeObject[], judged: Judgement[], ask: (object: KubeObject) => Judgement): void => {
  const until = performance.now() + TOGETHER_MS;
  for (let next = objects[judged.length]; next && performance.now() < until; next = objects[judged.length]) {
    judged.push(ask(next));
  }
};

/** False when one of them misses the deadline: it is asked again, alone. */
const withoutTimeout = (job: () => void): boolean => {
  try {
    withinDeadline(job);
    return true;
  } catch (error) {
    if (!isTimeout(error)) throw error;
    return false;
  }
};
