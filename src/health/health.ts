import type { KubeObject } from '../api/meta.ts';
import { operatorRuleFor } from './operators.ts';
import {
  conditionOf,
  current,
  failed,
  inProgress,
  type Judgement,
  ruleFor,
  type Spec,
  type Status,
  wordsOf,
} from './rules.ts';

export type { Health, Judgement } from './rules.ts';

/** Health by the rules of kstatus, and by those of some operators. `message` says what is missing. */
export const healthOf = (object: KubeObject): Judgement => {
  const status = statusOf(object);
  const { apiVersion, kind } = object;
  const rule = ruleFor(apiVersion, kind) ?? operatorRuleFor(apiVersion, kind) ?? byConditions;
  const { generation = 0 } = object.metadata;
  return unsettled(object) ?? byProgress(status) ?? rule(status, (object.spec ?? {}) as Spec, generation);
};

/** What holds for every kind, before anybody looks at its status: that may be about an older spec. */
export const unsettled = (object: KubeObject): Judgement | undefined => {
  if (object.metadata.deletionTimestamp !== undefined) return inProgress('it is being deleted');
  const observed = generationFrom(statusOf(object).observedGeneration);
  return observed !== undefined && observed < (object.metadata.generation ?? 0)
    ? inProgress('its controller has not seen its newest spec')
    : undefined;
};

const statusOf = (object: KubeObject): Status => (object.status ?? {}) as Status;

/** Argo Rollouts writes the number as a string, and old versions of it a hash, which is nothing to compare. */
const generationFrom = (value: number | string | undefined): number | undefined =>
  typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value)) ? Number(value) : undefined;

/** The two conditions that kstatus made for saying it outright. */
const byProgress = (status: Status): Judgement | undefined => {
  const stalled = conditionOf(status, 'Stalled');
  if (stalled?.status === 'True') return failed(wordsOf(stalled, 'stalled'));
  const reconciling = conditionOf(status, 'Reconciling');
  return reconciling?.status === 'True' ? inProgress(wordsOf(reconciling, 'reconciling')) : undefined;
};

/**
 * Kinds that nobody knows: Ready, if they have it. It also decides over Failed, as a controller that writes both may
 * mean the last try with Failed. `Degraded` and the like say nothing here: to many they mean "works, but less well".
 */
const byConditions = (status: Status): Judgement => {
  const ready = conditionOf(status, 'Ready');
  if (ready) return ready.status === 'True' ? current : inProgress(wordsOf(ready, 'not ready'));
  const failure = conditionOf(status, 'Failed');
  return failure?.status === 'True' ? failed(wordsOf(failure, 'it failed')) : current;
};
